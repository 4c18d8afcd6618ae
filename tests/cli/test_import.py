from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.store import artifacts, places, tasks
from taskstore.store.store import Store

from ..unit.share import event_files
from ..unit.share.mlruns import EXPERIMENT, database, folders, run_id
from ..unit.share.mlruns import Made as Run
from ..unit.share.sessions import ID, Made, packed, whole
from .conftest import Cli
from .test_completion import complete


def test_the_ids_stand_alone_on_stdout(cli: Cli, store: Store, tmp_path: Path) -> None:
    other = Made(id=ID.replace("0", "f")).folder(tmp_path)
    result = cli("import", whole().zip(tmp_path), other)
    assert result.code == 0
    assert result.lines == [places.resolve(store, name).id for name in result.lines]
    assert len(set(result.lines)) == 2
    assert f"vision/cats/a run: imported from {other}" in result.err


def test_what_is_lost_is_said(cli: Cli, tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    assert f"{path}: Args/token looks like a credential, and was masked" in cli("import", path).err


def test_imported_again_it_is_the_same_task(cli: Cli, store: Store, tmp_path: Path) -> None:
    path = whole().zip(tmp_path)
    first, again = cli("import", path), cli("import", "--from", "clearml", path)
    assert (again.code, again.out) == (0, first.out)
    assert "it was imported before" in again.err
    assert len(list(places.walk(store))) == 1


def test_into_names_the_project(cli: Cli, store: Store, tmp_path: Path) -> None:
    result = cli("import", whole().zip(tmp_path), "--into", "laptop/old")
    assert places.project_of(store, places.resolve(store, result.out.strip()).home) == "laptop/old"


@pytest.mark.parametrize(
    ("project", "why"),
    [("ab", "at least 3 characters"), ("", "empty part"), ("/", "empty part"), ("a//b", "empty part")],
)
def test_a_project_that_cannot_be_is_refused_and_not_mended(
    cli: Cli, store: Store, tmp_path: Path, project: str, why: str
) -> None:
    event_files.write(tmp_path / "runs" / "one", event_files.event(event_files.scalar("x", 1)))
    result = cli("import", tmp_path / "runs", "--into", project)
    assert (result.code, list(places.walk(store))) == (4, [])
    assert why in result.err


def test_options_of_mlflow_alone_are_refused_for_what_is_another_programs(
    cli: Cli, store: Store, tmp_path: Path
) -> None:
    path = whole().zip(tmp_path)
    for option in (["--files", tmp_path], ["--with-deleted"]):
        result = cli("import", path, *option)
        assert (result.code, result.out) == (4, "")
        assert "--files and --with-deleted are of --from mlflow" in result.err
    assert list(places.walk(store)) == []


def test_a_folder_of_files_that_is_none_is_said(cli: Cli, store: Store, tmp_path: Path) -> None:
    result = cli("import", folders(tmp_path / "mlruns", Run()), "--files", tmp_path / "none")
    assert (result.code, result.out) == (3, "")
    assert f"no folder '{tmp_path / 'none'}'" in result.err


def test_of_a_path_that_cannot_be_read_it_is_said_why_and_no_doctor_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    for kind in ("mlflow", "wandb", "guild", "clearml", "tensorboard", "taskstore"):
        result = cli("import", "--from", kind, tmp_path / "x.zip")
        assert result.code != 0
        assert str(tmp_path / "x.zip") in result.err
        assert "doctor" not in result.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.parametrize("kind", ["taskstore", "mlflow", "wandb", "guild", "clearml", "tensorboard"])
def test_a_pipe_is_not_waited_for_whatever_it_is_said_to_be(store: Store, tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "taskstore_cli", "import", "--from", kind, tmp_path / "pipe"]
    environment = os.environ | {"TASKSTORE_ROOT": str(store.root)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (6, "")
    assert str(tmp_path / "pipe") in result.stderr


def test_json_is_one_object_a_path_and_nothing_else(cli: Cli, tmp_path: Path) -> None:
    path = Made().zip(tmp_path)
    result = cli("import", path, "--json")
    (facts,) = result.objects
    mine = {"imported_from", "source", "is_new", "has_grown", "notes"}
    assert facts.keys() == {"id", "name", "project", "status", "path", *mine}
    assert (facts["status"], facts["imported_from"], facts["is_new"]) == ("completed", str(path), True)
    assert facts["notes"] == []
    assert cli("import", path, "--json").objects[0]["is_new"] is False


def test_each_path_is_tried_and_the_first_failure_is_the_exit_code(cli: Cli, store: Store, tmp_path: Path) -> None:
    hostile = packed(tmp_path / "hostile.zip", {"task.json": b"{}", "../x": b""})
    (tmp_path / "text.txt").write_text("no session")
    result = cli("import", hostile, tmp_path / "nothing", tmp_path / "text.txt", whole().zip(tmp_path))
    assert result.code == 6
    assert "it names a file outside of itself: '../x'" in result.err
    assert "no file or folder" in result.err
    assert "nothing that can be imported" in result.err
    assert [task_id for _, task_id in places.walk(store)] == [result.out.strip()]
    for argv, code in (
        (("nothing",), 3),
        ((tmp_path / "text.txt",), 4),
        (("--from", "other", "x"), 2),
        ((), 2),
        (("--into", "x", Made(id=ID.replace("0", "f")).zip(tmp_path)), 4),
    ):
        assert cli("import", *argv).code == code, argv


def test_show_says_where_it_came_from(cli: Cli, store: Store, tmp_path: Path) -> None:
    task_id = cli("import", whole().zip(tmp_path)).out.strip()
    shown = cli("show", task_id)
    assert f"imported    clearml {ID}, from " in shown.out
    assert "- Args/token looks like a credential, and was masked" in shown.lines
    (mark,) = cli("show", task_id, "--json").objects[0]["imported"]
    assert (mark["kind"], mark["id"]) == ("clearml", ID)
    assert tasks.read(places.locate(store, task_id)).imported[0].path == mark["path"]


def test_kinds_and_projects_are_completed(cli: Cli, tmp_path: Path) -> None:
    cli("import", whole().zip(tmp_path))
    assert complete("taskstore import --from c") == ["clearml"]
    assert complete("taskstore import --into vis") == ["vision", "vision/cats"]


def test_every_run_at_a_path_is_said_and_one_that_fails_stops_no_other(cli: Cli, store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", Run(id=run_id(1)), Run(id=run_id(2)), Run(id=run_id(3), stage="deleted"))
    meta = root / EXPERIMENT / run_id(1) / "meta.yaml"
    meta.write_text(meta.read_text().replace(f"'{run_id(1)}'", "../x"))
    result = cli("import", root)
    assert result.code == 6
    assert result.lines == [task_id for _, task_id in places.walk(store)]
    assert f"{root}: run {run_id(1)}: {meta}: it has no id that is one: '../x'\n" in result.err
    assert f"{root}: 1 deleted run was left out; --with-deleted takes it along" in result.err


def test_what_was_left_out_by_intent_is_no_failure(cli: Cli, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", Run(), Run(id=run_id(2), stage="deleted"))
    assert cli("import", "--from", "mlflow", root).code == 0
    result = cli("import", root, "--with-deleted")
    assert (result.code, len(result.lines)) == (0, 2)


def test_json_is_an_object_a_run_and_says_which_and_whether_it_has_grown(cli: Cli, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", Run(), Run(id=run_id(2)))
    first = cli("import", root, "--json").objects
    assert [(item["source"], item["is_new"], item["has_grown"]) for item in first] == [
        (f"run {run_id(1)}", True, False),
        (f"run {run_id(2)}", True, False),
    ]
    (root / EXPERIMENT / run_id(1) / "params" / "late").write_text("1")
    result = cli("import", root, "--json")
    assert [(item["is_new"], item["has_grown"]) for item in result.objects] == [(False, True), (False, False)]


def test_files_elsewhere_are_found_where_it_is_said(cli: Cli, store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "a" / "mlflow.db", Run(artifacts={"x": b"x"}))
    (tmp_path / "a" / "mlartifacts").rename(tmp_path / "files")
    assert "--files names the folder" in cli("import", path).err
    result = cli("import", path, "--files", tmp_path / "files")
    assert "it was imported before, and has got what" in result.err
    assert artifacts.read(places.locate(store, result.out.strip())).artifacts.keys() == {"x"}


def test_runs_of_event_files_are_said_with_which_they_were_and_what_has_grown(cli: Cli, tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        path = event_files.write(tmp_path / "logs" / name, event_files.event(event_files.scalar("x", 1)), number=number)
    first = cli("import", "--from", "tensorboard", tmp_path / "logs", "--json").objects
    assert [(each["source"], each["name"], each["project"], each["is_new"]) for each in first] == [
        ("one", "one", "logs", True),
        ("two", "two", "logs", True),
    ]
    path.write_bytes(path.read_bytes() + event_files.event(event_files.scalar("x", 2), step=1))
    again = cli("import", tmp_path / "logs", "--json").objects
    assert [(each["id"], each["is_new"], each["has_grown"]) for each in again] == [
        (first[0]["id"], False, False),
        (first[1]["id"], False, True),
    ]


@pytest.mark.skipif(os.name != "posix", reason="a terminal of another system is made in another way")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_bar_is_drawn_at_a_terminal_and_results_go_where_they_should(
    options: list[str], store: Store, tmp_path: Path
) -> None:
    import pty

    root = folders(tmp_path / "mlruns", *(Run(id=run_id(number)) for number in range(1, 26)))
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "taskstore_cli", "import", str(root), *options]
    environment = os.environ | {"TASKSTORE_ROOT": str(store.root), "TERM": "xterm", "COLUMNS": "200"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env=environment)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when the other end is closed
        while piece := os.read(master, 1 << 16):
            shown += piece
    os.close(master)
    out, _ = child.communicate()
    assert child.returncode == 0
    lines = out.decode().splitlines()
    found = [json.loads(line)["id"] for line in lines] if options else lines
    assert sorted(found) == sorted(task_id for _, task_id in places.walk(store))
    assert b"import mlruns" in shown
    assert b"/25" in shown
    assert shown.count(b": imported from") == (0 if options else 25)


@pytest.mark.parametrize("left", [0, 700])
def test_of_a_zip_that_was_cut_off_it_is_said_that_it_was(cli: Cli, tmp_path: Path, left: int) -> None:
    path = whole().zip(tmp_path)
    path.write_bytes(path.read_bytes()[:left])
    result = cli("import", path)
    assert result.code == 4
    assert result.err == f"taskstore: {path} is no zip that can be read: its end is missing; copy it again\n"
