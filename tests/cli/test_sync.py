from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import RemoteError
from taskstore.share.remotes import names
from taskstore.share.remotes.memory import MemoryRemote
from taskstore.store import places, tasks, trash
from taskstore.store.store import Store, init, open_at

from .conftest import Cli, Terminal, Workshop
from .test_completion import complete

KEYS = {
    "id",
    "project",
    "name",
    "action",
    "is_new",
    "reason",
    "conflicts",
    "missing",
    "bytes_in",
    "bytes_out",
    "dry_run",
}


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    return tmp_path / "usb"


@pytest.fixture
def other(tmp_path: Path, clock: FixedClock) -> Store:
    return init(tmp_path / "other", clock=clock)


def ids(root: Path) -> set[str]:
    return {task_id for _, task_id in places.walk(open_at(root))}


def test_a_folder_that_was_pushed_to_is_a_store(cli: Cli, workshop: Workshop, usb: Path) -> None:
    made = workshop.task(scalars={"loss/train": [1.0, 0.5]})
    result = cli("push", usb)
    assert (result.code, result.rows) == (
        0,
        [["action", "id", "project", "name", "note"], ["pushed", made.id, "examples", "first run", "new"]],
    )
    assert "tasks: 1 pushed, 0 the same on both sides; " in result.err
    assert cli("--store", usb, "ls", "--json").objects[0]["id"] == made.id
    again = cli("push", usb)
    assert (again.code, again.out) == (0, "")
    assert "tasks: 1 the same on both sides" in again.err


def test_each_task_is_an_object_for_programs(cli: Cli, workshop: Workshop, usb: Path) -> None:
    made = {workshop.task(name, scalars={"loss/train": [1.0]}).id for name in ("one", "two")}
    planned = cli("push", usb, "--dry-run", "--json")
    assert [each.keys() == KEYS and each["dry_run"] for each in planned.objects] == [True, True]
    assert "nothing was done (--dry-run)" in planned.err
    assert not usb.exists()
    done = cli("push", usb, "--json").objects
    assert {each["id"] for each in done} == made
    assert {(each["action"], each["is_new"], each["dry_run"]) for each in done} == {("pushed", True, False)}
    assert all(each["bytes_out"] > 0 for each in done)


def test_pull_and_sync_bring_what_is_there(cli: Cli, workshop: Workshop, other: Store) -> None:
    theirs = [tasks.create(other, "there", f"run {number}").id for number in range(3)]
    pulled = cli("pull", other.root, theirs[0], "--json").objects
    assert [(each["id"], each["action"]) for each in pulled] == [(theirs[0], "pulled")]
    mine = workshop.task().id
    synced = cli("sync", other.root, "--json").objects
    assert {(each["id"], each["action"]) for each in synced} == {
        (mine, "pushed"),
        (theirs[1], "pulled"),
        (theirs[2], "pulled"),
    }
    assert ids(other.root) == {mine, *theirs}


def test_tasks_can_be_chosen(cli: Cli, workshop: Workshop, usb: Path) -> None:
    one = workshop.task("one", "vision", parameters={"Args/lr": "0.5"}).id
    two = workshop.task("two", "vision/cats", parameters={"Args/lr": "0.1"}).id
    workshop.task("three", "audio")
    for argv, wanted in (
        (("--project", "vision"), {one, two}),
        (("--where", "Args/lr > 0.2"), {one}),
        (("vision/cats/two",), {two}),
        (("@last", "-p", "vision"), set()),
    ):
        found = cli("push", usb, *argv, "--dry-run", "--json").objects
        assert {each["id"] for each in found} == wanted


def test_a_remote_is_known_by_its_name(cli: Cli, workshop: Workshop, usb: Path) -> None:
    workshop.task()
    assert cli("remote", "add", "stick", usb).code == 0
    assert cli("push", "stick").code == 0
    assert cli("sync", "stick", "--json").out == ""
    assert complete("taskstore push ") == ["stick"]
    unknown = cli("pull", "disk")
    assert unknown.code == 3
    assert "no remote 'disk'; `taskstore remote ls` lists them, and ./NAME is a folder" in unknown.err


def test_merge_brings_another_store_in(cli: Cli, workshop: Workshop, other: Store) -> None:
    mine, theirs = workshop.task().id, tasks.create(other, "there", "a run").id
    assert [each["id"] for each in cli("merge", other.root, "--json").objects] == [theirs]
    assert cli("merge", other.root).err == "taskstore: tasks: 1 the same on both sides\n"
    assert ids(other.root) == {theirs}
    assert mine in ids(workshop.store.root)


def test_conflicts_are_told_with_the_next_command(cli: Cli, workshop: Workshop, other: Store) -> None:
    made = workshop.task().id
    cli("push", other.root)
    tasks.edit(workshop.store, made, lambda record: setattr(record, "comment", "mine"))
    tasks.edit(other, made, lambda record: setattr(record, "comment", "theirs"))
    planned = cli("sync", other.root, "--dry-run")
    assert planned.rows[1][-1] == "conflict: comment"
    assert "taskstore: 1 task would be in conflict, with both sides kept\n" in planned.err
    result = cli("sync", other.root)
    assert (result.code, result.rows[1][0], result.rows[1][-1]) == (0, "merged", "conflict: comment")
    assert "1 task in conflict, with both sides kept; `taskstore conflicts` lists them" in result.err
    assert cli("conflicts", "ls").code == 0


def test_a_conflict_that_a_push_has_made_is_said_to_be_there(cli: Cli, workshop: Workshop, other: Store) -> None:
    made = workshop.task().id
    cli("push", other.root)
    tasks.edit(workshop.store, made, lambda record: setattr(record, "comment", "mine"))
    tasks.edit(other, made, lambda record: setattr(record, "comment", "theirs"))
    result = cli("push", other.root)
    said = "1 task in conflict there, with both sides kept; `taskstore pull` brings it here, to be decided"
    assert said in result.err
    assert cli("conflicts", "ls").err == "taskstore: no conflicts\n"
    cli("pull", other.root)
    assert [each["id"] for each in cli("conflicts", "ls", "--json").objects] == [made]


def test_a_pull_from_where_nothing_is_is_an_error_and_what_is_not_there_is_not_looked_for_here(
    cli: Cli, workshop: Workshop, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workshop.task()
    monkeypatch.setattr(names, "open_remote", lambda *_, **__: MemoryRemote("memory://there"))
    result = cli("pull", "memory://there")
    assert (result.code, "no store 'memory://there'; nothing of taskstore's is there yet" in result.err) == (3, True)
    assert cli("push", usb).code == 0
    named = cli("pull", usb, "nothing")
    assert (named.code, f"`taskstore --store {usb} ls`" in named.err) == (3, True), named.err
    project = cli("pull", usb, "--project", "nothing")
    assert (project.code, f"`taskstore --store {usb} project ls`" in project.err) == (3, True), project.err
    assert made.id in ids(usb)


def test_what_is_newer_on_the_other_side_is_left_and_said(cli: Cli, workshop: Workshop, other: Store) -> None:
    made = workshop.task().id
    cli("push", other.root)
    tasks.edit(workshop.store, made, lambda record: record.tags.append("new"))
    result = cli("pull", other.root)
    assert result.rows[1][0] == "left"
    assert "`taskstore push` brings it there" in result.rows[1][-1]


def test_deleted_tasks_are_deleted_there(cli: Cli, workshop: Workshop, usb: Path) -> None:
    made = workshop.task().id
    cli("push", usb)
    cli("rm", made)
    cli("sync", usb)
    assert ids(usb) == set()
    assert [paths.id for paths in trash.listed(open_at(usb))] == [made]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("pull",), 2, "Missing argument 'REMOTE'"),
        (("merge",), 2, "Missing argument 'OTHER_STORE'"),
        (("sync", "nobody"), 3, "`taskstore remote ls` lists them"),
        (("pull", "./nothing"), 3, "no store '"),
        (("push", "./no/such/folder"), 3, "mount it, or make it with mkdir"),
        (("merge", "./nothing"), 3, "name the folder that taskstore.json is in"),
        (("merge", "ssh://box/runs"), 4, "`taskstore pull ssh://box/runs` brings it in"),
        (("pull", "ada@host:/x"), 4, "write ada@host:/x as ssh://"),
        (("push", "ftps://"), 4, "ftps://"),
        (("push", "./usb", "nothing"), 3, "no task 'nothing'"),
        (("push", "./usb", "--where", "lr >"), 4, "lr >"),
        (("push", "./usb", "--project", "a//b"), 4, "empty part"),
        (("push", "./usb", "--project", "nothing"), 3, "no project 'nothing'; `taskstore project ls` lists them"),
        (("push", ""), 3, "no remote ''"),
    ],
)
def test_a_mistake_in_an_argument_is_said(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, argv: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli(*argv)
    assert (result.code, said in result.err) == (code, True), result.err
    assert "Traceback" not in result.err


def test_this_store_itself_is_no_other_one(cli: Cli, store: Store) -> None:
    for command in ("pull", "push", "sync", "merge"):
        result = cli(command, store.root)
        assert (result.code, "is this store itself" in result.err) == (4, True)


class Gone(MemoryRemote):
    """A remote that nobody reaches."""

    def read(self, name: str, offset: int = 0) -> Any:  # noqa: ANN401 - never returns
        raise RemoteError(f"{self.address}: nobody answers")


def test_a_remote_that_fails_is_named_and_the_store_is_as_it_was(
    cli: Cli, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.task()
    monkeypatch.setattr(names, "open_remote", lambda *_, **__: Gone("memory://there"))
    result = cli("sync", "memory://there")
    assert (result.code, "memory://there: nobody answers" in result.err, result.out) == (8, True, "")


def test_what_fails_is_said_of_its_task_and_the_others_go_on(cli: Cli, workshop: Workshop, other: Store) -> None:
    good, bad = (tasks.create(other, "there", name) for name in ("good", "bad"))
    bad.params.write_text("{")
    result = cli("merge", other.root, "--json")
    assert result.code == 6
    assert [each["id"] for each in result.objects] == [good.id]
    assert "params.json" in result.err
    assert json.loads((other.root / "taskstore.json").read_text())["format"] == 1


def test_the_bar_is_shown_to_who_looks_on_and_to_nobody_else(
    cli: Cli, workshop: Workshop, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.task(files={"notes.txt": b"x" * 100_000})
    screen = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", screen)
        cli("push", usb)
    assert "1/1 tasks" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    plain = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", plain)
        cli("push", usb.parent / "again")
    assert plain.getvalue().startswith("taskstore: tasks: 1 pushed")


def test_what_was_reset_here_and_published_there_is_refused_with_a_way_out(
    cli: Cli, workshop: Workshop, usb: Path
) -> None:
    made = workshop.task(scalars={"loss/train": [1.0]})
    short = made.id[:12]
    assert cli("push", usb).code == 0
    assert cli("--store", usb, "publish", made.id).code == 0
    assert cli("reset", made.id).code == 0
    for argv in (("pull",), ("pull", "--dry-run"), ("sync", "--dry-run")):
        refused = cli(argv[0], usb, *argv[1:])
        assert (refused.code, refused.out) == (4, "")
        assert f"taskstore: task {short} was left as it is: it is published there, " in refused.err
        assert f"`taskstore clone {short}` keeps what is here as another task" in refused.err
        assert f"after `taskstore rm --forget {short}` the published one comes in" in refused.err
    pushed = cli("push", usb)
    assert (pushed.code, f"`taskstore rm --forget {short}` in the other store" in pushed.err) == (4, True)
    assert cli("rm", "--forget", short).code == 0
    assert cli("pull", usb, "--json").objects[0]["action"] == "pulled"
    assert cli("show", made.id, "--json").objects[0]["status"] == "published"
    assert cli("verify", made.id).code == 0
    assert "tasks: 1 the same on both sides" in cli("sync", usb).err


def test_a_task_that_is_forgotten_is_gone_from_this_store_alone(cli: Cli, workshop: Workshop, usb: Path) -> None:
    made = workshop.task()
    assert cli("push", usb).code == 0
    assert cli("rm", made.id, "--forget", "--json").objects[0]["id"] == made.id
    assert cli("trash", "ls", "--json").out == ""
    assert [each["action"] for each in cli("sync", usb, "--json").objects] == ["pulled"]
    assert cli("show", made.id).code == 0


def test_the_bar_of_a_merge_is_called_so(cli: Cli, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.create(other, "there", "a run")
    screen = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", screen)
        assert cli("merge", other.root).code == 0
    assert "merge " in screen.getvalue()
    assert "pull " not in screen.getvalue()


def test_a_zip_is_imported_and_neither_pushed_nor_merged(
    cli: Cli, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.task()
    path = tmp_path / "x.zip"
    assert cli("zip", "@last", "-o", path).code == 0
    for command in ("push", "pull", "sync"):
        refused = cli("--store", path, command, tmp_path / "usb")
        assert refused.code != 0
        assert (f"taskstore import {path}" in refused.err) or command == "pull"
    monkeypatch.chdir(tmp_path)
    for command in ("push", "pull", "sync"):
        refused = cli(command, "x.zip")
        assert (refused.code, "it is a file; `taskstore import x.zip` takes a zip in" in refused.err) == (3, True)
    merged = cli("merge", path)
    assert (merged.code, f"`taskstore import {path}` takes a zip in" in merged.err) == (3, True)
    assert not (tmp_path / "usb" / "projects").exists()


def test_a_deletion_is_said_to_be_one(cli: Cli, workshop: Workshop, usb: Path) -> None:
    made = workshop.task()
    assert cli("push", usb).code == 0
    assert cli("rm", made.id).code == 0
    for options in (("--dry-run",), ()):
        assert cli("push", usb, *options).rows[1:] == [["pushed", made.id, "examples", "first run", "deleted"]]
