from __future__ import annotations

import sys
from pathlib import Path

from taskstore.store.store import Store, init

from .conftest import Cli


def test_a_remote_is_added_listed_shown_checked_and_forgotten(cli: Cli, tmp_path: Path) -> None:
    usb = tmp_path / "usb"
    added = cli("remote", "add", "usb", str(usb), "--trusted")
    assert (added.code, added.out) == (0, "")
    assert f"remote usb: added: {usb}, trusted" in added.err
    assert f"there is no folder {usb} yet; the first push makes it" in added.err
    assert cli("remote", "ls").rows == [["remote", "url", "trusted"], ["usb", str(usb), "true"]]
    assert cli("remote", "show", "usb").lines == ["name     usb", f"url      {usb}", "trusted  true"]
    gone = cli("remote", "check", "usb")
    assert (gone.code, gone.out) == (8, "")
    assert "there is no such folder; mount it" in gone.err
    usb.mkdir()
    assert cli("remote", "check", "usb").lines == [f"{usb} answers: nothing of taskstore's is there yet"]
    (usb / "sync").mkdir()
    (usb / "sync" / "manifest.json").write_text("{}")
    assert cli("remote", "check", str(usb)).lines == [f"{usb} answers: tasks that were pushed are there"]
    removed = cli("remote", "rm", "usb")
    assert removed.code == 0
    assert f"remote usb: forgotten: {usb}" in removed.err
    assert usb.is_dir()
    assert "no remotes yet; `taskstore remote add NAME URL` names one" in cli("remote", "ls").err


def test_a_folder_that_cannot_be_made_by_a_push_is_said(cli: Cli, tmp_path: Path) -> None:
    far = cli("remote", "add", "far", str(tmp_path / "stick" / "runs"))
    assert (far.code, f"there is no folder {tmp_path / 'stick'} now; mount it" in far.err) == (0, True), far.err
    (tmp_path / "file").write_text("x")
    added = cli("remote", "add", "file", str(tmp_path / "file"))
    assert (added.code, "is a file, and a remote is a folder" in added.err) == (0, True), added.err
    checked = cli("remote", "check", "file")
    assert (checked.code, "is a file, and a remote is a folder" in checked.err) == (8, True), checked.err


def test_added_again_it_is_said_what_has_become_of_it(cli: Cli, store: Store, tmp_path: Path) -> None:
    for option, said in (
        ([], "added: "),
        ([], "it is so already: "),
        (["--trusted"], f"changed: {tmp_path}, trusted"),
        (["--trusted"], "it is so already: "),
        ([], f"changed: {tmp_path}, not trusted any more"),
    ):
        assert f"remote usb: {said}" in cli("remote", "add", "usb", str(tmp_path), *option).err
    before = store.paths.remotes.read_bytes()
    cli("remote", "add", "usb", str(tmp_path))
    assert store.paths.remotes.read_bytes() == before


def test_what_a_connection_fails_of_is_said_in_the_systems_words(cli: Cli) -> None:
    done = cli("remote", "check", "http://127.0.0.1:9/x")
    assert "ConnectionRefusedError: [Errno 111] Connection refused" in done.err or sys.platform != "linux"
    assert "urlopen" not in done.err


def test_what_json_says_of_a_remote(cli: Cli, tmp_path: Path) -> None:
    other = init(tmp_path / "other")
    facts = {"name": "lab", "url": str(other.root), "trusted": False}
    for argv in (["add", "lab", str(other.root)], ["ls"], ["show", "lab"]):
        assert cli("remote", *argv, "--json").objects == [facts]
    assert cli("remote", "check", "lab", "--json").objects == [{**facts, "writable": True, "holds": "store"}]
    unnamed = cli("remote", "check", str(other.root.parent), "--json").objects
    assert unnamed == [
        {"name": "", "url": str(tmp_path), "trusted": False, "writable": True, "holds": "nothing"},
    ]
    assert cli("remote", "rm", "lab", "--json").objects == [facts]


def test_mistakes_have_their_exit_codes_and_no_traceback(cli: Cli) -> None:
    for code, argv in (
        (3, ["show", "lab"]),
        (3, ["rm", "lab"]),
        (3, ["check", "lab"]),
        (4, ["add", "-x".replace("-", "."), "https://box"]),
        (4, ["add", "lab", "ssh://ada:hunter2@box/x"]),
        (4, ["add", "lab", "gopher://box"]),
        (8, ["check", "http://127.0.0.1:9/x"]),
    ):
        done = cli("remote", *argv)
        assert (done.code, done.out) == (code, ""), argv
        assert "Traceback" not in done.err
        assert "hunter2" not in done.err
