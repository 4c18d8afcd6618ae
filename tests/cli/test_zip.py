from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.schema.record import ScriptRecord
from taskstore.store import places, tasks
from taskstore.store.store import Store, init

from .conftest import Cli, Terminal, Workshop, file_ref
from .test_completion import complete


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def held(path: str | Path) -> set[str]:
    """The ids of the tasks in a zip."""
    with zipfile.ZipFile(path) as packed:
        return set(json.loads(packed.read("taskstore-bundle.json")).get("tasks", []))


def test_the_path_stands_alone_on_stdout(cli: Cli, workshop: Workshop) -> None:
    paths = workshop.task("A run: 1")
    result = cli("zip", paths.id)
    assert result.code == 0
    assert result.lines == [f"A-run-1-{paths.id[:12]}.zip"]
    assert "1 task, " in result.err
    assert held(result.lines[0]) == {paths.id}


def test_tasks_of_a_project_and_those_that_fit_are_taken_together(cli: Cli, workshop: Workshop) -> None:
    one = workshop.task("one run", "vision")
    below = workshop.task("two run", "vision/cats", parameters={"Args/lr": "0.5"})
    other = workshop.task("three run", "audio", edit=lambda record: setattr(record, "system_tags", ["archived"]))
    assert held(cli("zip", "--project", "vision").lines[0]) == {one.id, below.id}
    assert Path("vision.zip").exists()
    assert held(cli("zip", "-w", "Args/lr = 0.5", "-o", "fit.zip").lines[0]) == {below.id}
    assert held(cli("zip", "-p", "vision", "-w", "Args/lr = 0.5", "-o", "both.zip").lines[0]) == {below.id}
    assert held(cli("zip", "@last", "-p", "vision/cats", "-o", "more.zip").lines[0]) == {other.id, below.id}
    assert held(cli("zip", "-p", "audio").lines[0]) == {other.id}
    assert cli("zip", one.id, below.id).lines == ["2-tasks.zip"]


@pytest.mark.parametrize("argv", [("zip", "-o", "x.zip"), ("export", "--to", "csv", "-o", "tables")])
def test_a_choice_that_nothing_fits_is_the_same_error_for_all_that_leaves(
    cli: Cli, workshop: Workshop, argv: tuple[str, ...]
) -> None:
    workshop.task()
    result = cli(*argv, "--where", "status = queued")
    assert result.code == 3
    assert result.err == "taskstore: no task that fits 'status = queued'; `taskstore ls --all` lists what there is\n"
    assert list(Path().iterdir()) == []


def test_json_says_what_is_in_it_and_what_is_not(cli: Cli, workshop: Workshop) -> None:
    parent = "0" * 12 + "7" + "0" * 3 + "8" + "0" * 15
    paths = workshop.task(edit=lambda record: setattr(record, "parent", parent))
    (paths.home / "pointer").symlink_to("/etc")
    argv = ("zip", paths.id, "-o", "x.zip", "--lineage", "--without", "source", "--without", "console", "--json")
    result = cli(*argv)
    (facts,) = result.objects
    assert facts == {
        "path": "x.zip",
        "tasks": [paths.id],
        "size_bytes": Path("x.zip").stat().st_size,
        "without": ["console", "source"],
        "left_out": {f"{paths.id}/pointer": "it is a link or a device, and no file"},
        "missing": [parent],
    }
    assert f"left out: {paths.id}/pointer: it is a link" in result.err
    assert f"left out: task {parent[:12]}, which is not in this store" in result.err


def test_a_file_that_is_there_stays_unless_forced(cli: Cli, workshop: Workshop) -> None:
    workshop.task()
    Path("x.zip").write_text("mine")
    result = cli("zip", "@last", "-o", "x.zip")
    assert (result.code, result.out) == (4, "")
    assert "there is x.zip already" in result.err
    assert Path("x.zip").read_text() == "mine"
    assert cli("zip", "@last", "-o", "x.zip", "--force").code == 0


def test_wrong_usage_is_told(cli: Cli, workshop: Workshop) -> None:
    workshop.task()
    for argv, code in (
        ((), 2),
        (("@last", "--without", "logs"), 2),
        (("nothing",), 3),
        (("-p", "nothing"), 3),
        (("-w", "Args/lr = 5"), 3),
        (("@last", "-o", "no/x.zip"), 3),
        (("@last", "-o", "."), 4),
    ):
        result = cli("zip", *argv)
        assert (result.code, result.out) == (code, ""), argv
        assert "Traceback" not in result.err


def test_a_bar_is_drawn_in_a_terminal_only(cli: Cli, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskstore.store.progress.MIN_BYTES", 1)
    workshop.task(files={"files/x.bin": b"x" * 1000})
    screen = Terminal()
    monkeypatch.setattr(sys, "__stderr__", screen)
    assert cli("zip", "@last", "-o", "x.zip").code == 0
    assert "zip x.zip" in screen.getvalue()
    screen.truncate(0)
    screen.isatty = lambda: False  # type: ignore[method-assign]
    assert cli("zip", "@last", "-o", "y.zip").code == 0
    assert screen.getvalue() == ""


# and in again


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A second store: what is called after this is called in it."""
    return init(tmp_path / "other")


def test_imported_elsewhere_and_twice_it_is_said(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task("first run", "vision/cats", console=[("stdout", "hello")])
    cli("zip", paths.id, "-o", "x.zip")
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    first, again = cli("import", "x.zip"), cli("import", "--from", "taskstore", "x.zip")
    assert first.lines == again.lines == [paths.id]
    assert "vision/cats/first run: imported from x.zip" in first.err
    assert "x.zip has nothing new of it" in again.err
    assert "hello" in cli("logs", paths.id).out
    (facts,) = cli("import", "x.zip", "--json").objects
    assert facts.keys() == {
        *("id", "name", "project", "status", "path", "imported_from", "is_new", "notes"),
        *("outcome", "missing", "conflicts"),
    }
    assert (facts["outcome"], facts["is_new"], facts["imported_from"]) == ("unchanged", False, "x.zip")


def test_into_names_the_project(cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = workshop.task()
    cli("zip", paths.id, "-o", "x.zip")
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    assert cli("import", "x.zip", "--into", "laptop/old").code == 0
    assert places.project_of(other, places.locate(other, paths.id).home) == "laptop/old"


def test_what_was_left_out_is_shown_and_no_damage(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task(files={"source/script/train.py": b"1"}, console=[("stdout", "hello")])
    cli("zip", paths.id, "-o", "x.zip", "--without", "source", "--without", "console")
    cli("zip", paths.id, "-o", "whole.zip")
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    cli("import", "x.zip")
    assert "left out    what was printed, captured code" in cli("show", paths.id).lines
    (mark,) = cli("show", paths.id, "--json").objects[0]["imported"]
    assert (mark["kind"], mark["without"]) == ("taskstore", ["console", "source"])
    assert cli("doctor").code == 0
    cli("import", "whole.zip")
    assert "left out" not in cli("show", paths.id).out


def test_what_is_deleted_here_is_said_to_be(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task()
    cli("zip", paths.id, "-o", "x.zip")
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    cli("import", "x.zip")
    cli("rm", paths.id)
    result = cli("import", "x.zip")
    assert (result.code, result.lines) == (0, [paths.id])
    assert f"it is in the trash: `taskstore trash restore {paths.id[:12]}`" in result.err
    assert cli("import", "x.zip", "--json").objects[0]["outcome"] == "unchanged"
    assert cli("trash", "purge", "--all").code == 0
    result = cli("import", "x.zip")
    assert (result.code, result.lines) == (0, [paths.id])
    tombstone = other.paths.tombstone(paths.id)
    assert result.err == (
        f"taskstore: {paths.id[:12]}: it was deleted for good, as {tombstone} says; "
        "where it is wanted back, remove that file and import it again\n"
    )
    assert cli("import", "x.zip", "--json").objects[0].keys() >= {"id", "outcome", "is_new"}
    assert list(places.walk(other)) == []
    tombstone.unlink()
    assert cli("import", "x.zip", "--json").objects[0]["outcome"] == "new"
    assert cli("doctor").code == 0


def test_a_conflict_is_said_and_where_to_look(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task()
    cli("zip", paths.id, "-o", "x.zip")
    cli("--store", other.root, "import", "x.zip")
    cli("comment", paths.id, "there")
    cli("--store", other.root, "comment", paths.id, "here")
    cli("zip", paths.id, "-o", "y.zip")
    result = cli("--store", other.root, "import", "y.zip")
    assert result.code == 0
    assert f"`taskstore conflicts show {paths.id[:12]}` lists what differs: comment" in result.err


def test_of_several_tasks_those_that_are_whole_come_in(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = workshop.task("one run"), workshop.task("two run")
    cli("zip", one.id, two.id, "-o", "x.zip")
    with zipfile.ZipFile("x.zip") as packed, zipfile.ZipFile("bad.zip", "w") as out:
        for name in packed.namelist():
            out.writestr(name, b"{}" if name.endswith(f"{one.id}/task.json") else packed.read(name))
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    result = cli("import", "bad.zip")
    assert (result.code, result.lines) == (6, [two.id])
    assert f"{one.id}/task.json" in result.err


def test_a_running_task_is_zipped(cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = workshop.task(status=Status.IN_PROGRESS, scalars={"loss/train": [1.0, 0.5]})
    assert cli("zip", paths.id, "-o", "x.zip").code == 0
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    assert cli("import", "x.zip").lines == [paths.id]
    assert tasks.read(places.locate(other, paths.id)).status is Status.IN_PROGRESS


def test_words_and_projects_are_completed(workshop: Workshop) -> None:
    workshop.task("first run", "vision")
    assert "console" in complete("taskstore zip --without co")
    assert "vision" in complete("taskstore zip --project vi")


def test_of_what_was_left_out_nobody_says_that_there_was_none(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = file_ref("source/script/p.py", b"print(1)")
    files = {program.path: b"print(1)"}
    paths = workshop.task(script=ScriptRecord(standalone=program), files=files, console=[("stdout", "hello")])
    cli("zip", paths.id, "-o", "x.zip", "--without", "source", "--without", "console")
    assert cli("logs", paths.id).err == ""
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    cli("import", "x.zip")
    logs = cli("logs", paths.id)
    assert (logs.code, logs.out) == (0, "")
    why = "left out of the bundle that the task came in; `taskstore import` of a whole one brings it"
    assert logs.err == f"taskstore: what task {paths.id[:12]} printed was {why}\n"
    assert f"# it was {why}" in cli("show", paths.id, "--source").lines


def test_verify_says_of_what_it_has_not_seen_a_file(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task(console=[("stdout", "hello")])
    cli("publish", paths.id)
    cli("zip", paths.id, "-o", "x.zip", "--without", "console")
    cli("zip", paths.id, "-o", "whole.zip")
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    cli("import", "x.zip")
    assert cli("verify", paths.id).lines == [f"{paths.id}  as published, but for what was left out: what was printed"]
    assert cli("verify", paths.id, "--json").objects == [
        {"id": paths.id, "is_same": True, "differences": [], "left_out": ["console"]}
    ]
    cli("import", "whole.zip")
    assert cli("verify", paths.id).lines == [f"{paths.id}  as published"]


def test_a_damaged_record_is_named_with_what_it_lies_in(
    cli: Cli, workshop: Workshop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task()
    cli("zip", paths.id, "-o", "sound.zip")
    paths.ancestry.write_text("{")
    cli("zip", paths.id, "-o", "x.zip")
    own = cli("import", "sound.zip")
    assert own.code == 6
    assert f"damaged file {paths.ancestry}: " in own.err
    assert "`taskstore doctor` says" in own.err
    monkeypatch.setenv("TASKSTORE_ROOT", str(other.root))
    result = cli("import", "x.zip")
    assert result.code == 6
    place = f"x.zip/projects/examples/{paths.id}/ancestry.json"
    assert result.err.startswith(f"taskstore: task {paths.id[:12]} is left as it was: damaged file {place}: ")
    assert "doctor" not in result.err
