"""Remotes by name, in a store's record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from taskstore.core.errors import BadName, BadValue, Conflict, Damaged, NotFound, ReadOnly, Refused
from taskstore.share.remotes import names
from taskstore.share.remotes.folder import FolderRemote
from taskstore.share.remotes.names import Known
from taskstore.share.remotes.web import WebRemote
from taskstore.store import doctor
from taskstore.store.store import Store, init


def test_a_remote_is_found_by_the_name_that_it_was_given(store: Store, tmp_path: Path) -> None:
    assert names.listed(store) == []
    usb = names.add(store, "usb", str(tmp_path / "usb"), is_trusted=True)
    web = names.add(store, "Web-1.x", "https://example.org/runs/")
    assert usb == Known("usb", str(tmp_path / "usb"), True)
    assert names.listed(store) == [web, usb]
    assert names.get(store, "Web-1.x") == Known("Web-1.x", "https://example.org/runs", False)
    assert (usb.folder, web.folder) == (tmp_path / "usb", None)
    assert names.remove(store, "usb") == usb
    assert names.listed(store) == [web]
    for act in (names.get, names.remove):
        with pytest.raises(NotFound, match="no remote 'usb'; `taskstore remote ls` lists them"):
            act(store, "usb")


def test_the_record_is_as_the_format_says(store: Store) -> None:
    names.add(store, "web", "https://example.org")
    names.add(store, "box", "http://box/x", is_trusted=True)
    record = json.loads(store.paths.remotes.read_text())
    added = "2026-01-01T00:00:00Z"
    assert record == {
        "rev": 2,
        "remotes": {
            "web": {"url": "https://example.org", "added": added},
            "box": {"url": "http://box/x", "trusted": True, "added": added},
        },
    }


def test_a_name_is_not_given_to_another_address(store: Store, tmp_path: Path) -> None:
    names.add(store, "usb", str(tmp_path / "a"))
    with pytest.raises(Conflict, match="`taskstore remote rm usb` first"):
        names.add(store, "usb", str(tmp_path / "b"))
    assert names.add(store, "usb", str(tmp_path / "a"), is_trusted=True).is_trusted
    assert names.get(store, "usb").is_trusted


@pytest.mark.parametrize("name", ["", "-x", ".x", "a/b", "a b", "a\n", "ü", "x" * 65, "C:"])
def test_a_name_that_reads_as_something_else_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadName):
        names.add(store, name, "https://example.org")
    assert not store.paths.remotes.exists()


def test_credentials_do_not_reach_the_record(store: Store) -> None:
    with pytest.raises(Refused, match="was given with credentials"):
        names.add(store, "box", "ssh://ada:hunter2@box/x")
    with pytest.raises(BadValue, match="no kind of place is called"):
        names.add(store, "box", "gopher://box/x")
    assert not store.paths.remotes.exists()


def test_a_store_is_no_remote_of_its_own(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.root)
    for place in (store.root, tmp_path / "link"):
        with pytest.raises(Refused, match="is this store itself"):
            names.add(store, "me", str(place))


def test_an_address_is_taken_where_no_name_is_meant(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names.add(store, "usb", "./usb", is_trusted=True)
    assert names.resolve(store, "usb") == names.resolve(store, "./usb") == Known("usb", f"{tmp_path}/usb", True)
    assert names.resolve(store, str(tmp_path / "other")) == Known("", f"{tmp_path}/other")
    assert names.resolve(store, "https://example.org/") == Known("", "https://example.org")
    assert names.resolve(store, "..").url == f"{tmp_path}/.."
    with pytest.raises(NotFound, match=r"\./NAME is a folder"):
        names.resolve(store, "other")
    with pytest.raises(BadValue, match="as ssh://ada@box/~/runs"):
        names.resolve(store, "ada@box:runs")


def test_a_remote_is_opened_by_its_kind_and_connects_to_nothing_yet(store: Store, tmp_path: Path) -> None:
    names.add(store, "usb", str(tmp_path / "usb"))
    assert isinstance(names.open_remote(store, "usb"), FolderRemote)
    remote = names.open_remote(store, "http://127.0.0.1:9/x")
    assert isinstance(remote, WebRemote)
    assert (remote.address, remote.is_writable) == ("http://127.0.0.1:9/x", False)


def test_what_somebody_wrote_into_the_record_is_looked_at_as_well(store: Store) -> None:
    names.add(store, "box", "https://box/x")
    text = store.paths.remotes.read_text()
    store.paths.remotes.write_text(text.replace("https://box", "https://ada:hunter2@box"))
    with pytest.raises(Refused, match="was given with credentials"):
        names.open_remote(store, "box")


def test_keys_of_a_later_taskstore_are_kept(store: Store) -> None:
    names.add(store, "box", "https://box/x")
    record = json.loads(store.paths.remotes.read_text())
    record["later"] = 1
    record["remotes"]["box"]["depth"] = 2
    store.paths.remotes.write_text(json.dumps(record))
    names.add(store, "web", "https://web")
    record = json.loads(store.paths.remotes.read_text())
    assert (record["later"], record["remotes"]["box"]["depth"]) == (1, 2)
    names.remove(store, "box")
    assert set(json.loads(store.paths.remotes.read_text())["remotes"]) == {"web"}


def test_a_damaged_record_is_named_by_doctor_and_put_aside(store: Store) -> None:
    store.paths.remotes.write_text('{"remotes": {"x": {}}}')
    with pytest.raises(Damaged, match="remotes.json"):
        names.listed(store)
    (finding,) = doctor.check(store)
    assert (finding.kind.value, finding.path) == ("remotes", store.paths.remotes)
    doctor.repair(store)
    assert doctor.check(store) == []
    assert names.listed(store) == []
    assert [path.name for path in store.paths.quarantine.rglob("remotes.json")] == ["remotes.json"]


def test_a_store_may_be_made_around_its_remotes(tmp_path: Path) -> None:
    store = init(tmp_path / "s")
    names.add(store, "box", "https://box/x")
    store.paths.record.unlink()
    assert names.listed(init(tmp_path / "s")) != []


def test_a_store_that_cannot_be_written_is_named(plain_user: Path) -> None:
    store = init(plain_user / "s")
    (plain_user / "s").chmod(0o500)
    with pytest.raises(ReadOnly, match="cannot be written"):
        names.add(store, "box", "https://box/x")
    (plain_user / "s").chmod(0o700)
    assert os.listdir(plain_user / "s").count("remotes.json") == 0  # noqa: PTH208 - names are all that is asked for
