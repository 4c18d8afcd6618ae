"""Addresses of remotes: how each is kept, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import BadValue, Refused
from taskstore.share.remotes import addresses


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ssh://ada@box.example.org:2222/srv/runs/", "ssh://ada@box.example.org:2222/srv/runs"),
        ("SSH://box/~/runs", "ssh://box/~/runs"),
        ("sftp://ada@box/runs", "sftp://ada@box/runs"),
        ("ssh://[::1]:22/x", "ssh://[::1]:22/x"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a b/", "s3://bucket/a b"),
        ("https://example.org/", "https://example.org"),
        ("http://127.0.0.1:8000/runs%20old", "http://127.0.0.1:8000/runs%20old"),
        ("memory://x/y", "memory://x/y"),
        ("smb://ada@server/share", "smb://ada@server/share"),
        ("/media/usb/../usb2", "/media/usb/../usb2"),
        ("file:///media/a%20b", "/media/a b"),
    ],
)
def test_an_address_is_kept_as_it_is_read(given: str, kept: str) -> None:
    assert addresses.checked(given) == kept
    assert addresses.checked(kept) == kept


def test_a_folder_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert addresses.checked("usb") == f"{tmp_path}/usb"
    assert addresses.checked("./usb/") == f"{tmp_path}/usb"
    assert addresses.checked("~/usb") == "/home/ada/usb"
    assert addresses.folder_of(f"{tmp_path}/usb") == tmp_path / "usb"
    assert addresses.folder_of("ssh://box/x") is None


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("ssh://ada:hunter2@box/x", "ssh-agent"),
        ("sftp://ada:hunter2@box/x", "ssh-agent"),
        ("s3://AKIA:hunter2@bucket/x", "aws configure"),
        ("s3://hunter2@bucket/x", "aws configure"),
        ("https://hunter2@example.org/x", "~/.netrc"),
        ("https://ada:hunter2@example.org/x", "~/.netrc"),
        ("https://example.org/x?token=hunter2", "~/.netrc"),
        ("https://example.org/x?signed=hunter2", "~/.netrc"),
        ("s3://bucket/x?AWSSecret=hunter2", "aws configure"),
        ("s3://bucket/x#hunter2", "aws configure"),
        ("gs://hunter2@bucket/x", "~/.config/fsspec"),
        ("smb://ada:hunter2@server/x", "~/.config/fsspec"),
    ],
)
def test_credentials_are_refused_and_told_where_to_go(url: str, where: str) -> None:
    with pytest.raises(Refused, match="was given with") as caught:
        addresses.checked(url)
    assert where in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "ssh://box",
        "ssh://box/",
        "ssh:///x",
        "s3:///x",
        "https:///x",
        "ftp://",
        "gs:///",
        "ssh://box/a/../../etc",
        "s3://bucket/a\\b",
        "ssh://box:port/x",
        "ssh://[::1/x",
        "a\nb",
        "nul\0",
        "file://other/x",
        "local://x",
        "simplecache::s3://bucket/x",
        "ada@box:runs",
        "ada:hunter2@box:runs",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadValue):
        addresses.checked(url)


def test_the_short_form_of_ssh_is_told_how_to_be_spelled() -> None:
    with pytest.raises(BadValue, match="as ssh://ada@box/~/runs"):
        addresses.checked("ada@box:runs")
    with pytest.raises(BadValue, match="as ssh://ada@box/srv/runs"):
        addresses.checked("ada@box:/srv/runs")
    with pytest.raises(BadValue, match="write ada@box:runs as"):
        addresses.checked("ada:hunter2@box:runs")
