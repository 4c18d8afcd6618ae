from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import typer
from taskstore_cli import leaving

from taskstore.core.errors import Refused
from taskstore.disk.layout import TaskPaths
from taskstore.store import projects, tasks
from taskstore.store.store import Store

from ..unit.share.tabled import fill
from .conftest import Cli
from .test_completion import complete

SECRET = "ghp_" + "abcdefghijklmnopqrst0123456789abcdef"


@pytest.fixture
def found(store: Store) -> list[TaskPaths]:
    return fill(store)


@pytest.fixture
def secretive(store: Store) -> TaskPaths:
    task = tasks.create(store, "some/project", "a run")
    tasks.edit(store, task.id, lambda record: setattr(record, "comment", f"use {SECRET}"))
    return task


def test_the_paths_stand_alone_on_stdout(cli: Cli, found: list[TaskPaths], tmp_path: Path) -> None:
    result = cli("export", "--to", "clearml", *(task.id for task in found), "-o", tmp_path / "out")
    assert result.code == 0
    assert result.lines == [str(tmp_path / "out" / f"offline-{task.id}.zip") for task in found]
    assert "points of loss/train that are nan are left out" in result.err
    assert f"{found[1].id[:12]}: the task is draft; ClearML's reader makes every task completed" in result.err


def test_json_is_one_object_an_export(cli: Cli, found: list[TaskPaths], tmp_path: Path) -> None:
    (one,) = cli("export", "--to", "clearml", found[1].id, "-o", tmp_path / "x.zip", "--json").objects
    assert one.keys() == {"tasks", "paths", "counts", "notes"}
    assert (one["tasks"], one["paths"]) == ([found[1].id], [str(tmp_path / "x.zip")])
    (all_of_them,) = cli("export", "--to", "csv", "-o", tmp_path / "tables", "--json").objects
    assert all_of_them["counts"] == {"tasks": 2, "params": 3, "metrics": 5, "last_metrics": 2}
    assert all_of_them["notes"] == []


def test_tables_are_of_all_tasks_or_of_those_that_are_chosen(
    cli: Cli, store: Store, found: list[TaskPaths], tmp_path: Path
) -> None:
    def exported(*arguments: object) -> list[str]:
        assert cli("export", "--to", "jsonl", "-o", tmp_path, "--force", *arguments).code == 0
        return [json.loads(line)["id"] for line in (tmp_path / "tasks.jsonl").read_text().splitlines()]

    first, second = (task.id for task in found)
    assert exported() == [first, second]
    assert exported("--project", "vision") == [first]
    assert exported("--where", "status = draft") == [second]
    assert exported(second, first, second) == [second, first]
    tasks.edit(store, first, lambda record: record.system_tags.append("archived"))
    assert exported() == [second]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "--to"),
        (("--to", "wandb"), 2, "'wandb' is none; it is one of clearml, parquet, csv, jsonl"),
        (("--to", "clearml"), 2, "name tasks, or choose them by --project or --where"),
        (("--to", "clearml", "nothing"), 3, "no task 'nothing'"),
        (("--to", "clearml", "@last", "--project", "x"), 2, "not both"),
        (("--to", "csv", "--project", "x/y/z"), 3, "no project 'x/y/z'"),
        (
            ("--to", "csv", "--where", "status = failed"),
            3,
            "no task that fits 'status = failed'; `taskstore ls --all` lists",
        ),
        (("--to", "csv", "--where", "status ="), 4, "status ="),
        (("--to", "csv"), 4, "say where the tables go: -o FOLDER"),
        (("--to", "csv", "-o", "x.csv"), 4, "say which by --table"),
        (("--to", "clearml", "--project", "vision", "--table", "tasks"), 4, "--table is of --to csv"),
        (("--to", "clearml", "--project", "vision", "--output-uri", "https://x"), 4, "--output-uri wants --unpacked"),
        (("--to", "csv", "-o", "x", "--redact", "--allow-secrets"), 2, "give one of them"),
        (("--to", "clearml", "@last", "-o", "file/x.zip"), 4, "file/x.zip cannot be written: "),
    ],
)
def test_each_mistake_is_told_with_what_to_do(
    cli: Cli,
    found: list[TaskPaths],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = cli("export", *arguments)
    assert result.code == code
    assert said in " ".join(result.err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_where_there_is_no_task_it_is_said_of_what(cli: Cli, store: Store, tmp_path: Path) -> None:
    projects.create(store, "vision")
    for options, said in (([], f"no task in store '{store.root}'"), (["-p", "vision"], "no task in project 'vision'")):
        result = cli("export", "--to", "csv", "-o", tmp_path / "x", *options)
        assert (result.code, result.out) == (3, "")
        assert said in result.err


def test_of_several_sessions_each_is_tried(cli: Cli, found: list[TaskPaths], tmp_path: Path) -> None:
    taken = tmp_path / f"offline-{found[0].id}.zip"
    taken.write_text("mine")
    result = cli("export", "--to", "clearml", *(task.id for task in found), "-o", tmp_path)
    assert result.code == 4
    assert result.lines == [str(tmp_path / f"offline-{found[1].id}.zip")]
    assert "--force replaces it" in result.err
    assert taken.read_text() == "mine"


def test_with_nobody_to_ask_a_secret_stays_in_the_store(cli: Cli, secretive: TaskPaths, tmp_path: Path) -> None:
    result = cli("export", "--to", "clearml", secretive.id, "-o", tmp_path / "x.zip")
    assert result.code == 4
    assert f"{secretive.id[:12]} task.json, line " in result.err
    assert "GitHub token" in result.err
    assert "--redact masks it, --allow-secrets lets it out" in result.err
    assert SECRET not in result.err
    assert not (tmp_path / "x.zip").exists()


def test_redact_masks_what_leaves_and_nothing_in_the_store(cli: Cli, secretive: TaskPaths, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    assert cli("export", "--to", "clearml", secretive.id, "-o", path, "--redact").lines == [str(path)]
    assert document(path)["comment"] == "use ********"
    assert document(path)["project_name"] == "some/project"
    assert tasks.read(secretive).comment == f"use {SECRET}"


def test_allow_secrets_lets_them_out(cli: Cli, secretive: TaskPaths, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    assert cli("export", "--to", "clearml", secretive.id, "-o", path, "--allow-secrets").code == 0
    assert document(path)["comment"] == f"use {SECRET}"


def test_tables_are_asked_about_for_what_is_in_them(
    cli: Cli, store: Store, secretive: TaskPaths, tmp_path: Path
) -> None:
    secretive.config.mkdir()
    secretive.config_file("net", "yaml").write_text(f"token: {SECRET}\n")
    assert cli("export", "--to", "csv", "-o", tmp_path).code == 4
    assert cli("export", "--to", "csv", "-o", tmp_path, "--table", "tasks").code == 4
    for table in ("params", "metrics", "last_metrics"):
        assert cli("export", "--to", "csv", "-o", tmp_path / "numbers", "--table", table).code == 0
    tasks.edit(store, secretive.id, lambda record: setattr(record, "comment", ""))
    assert cli("export", "--to", "csv", "-o", tmp_path).code == 0


def test_a_person_is_asked(store: Store, secretive: TaskPaths) -> None:
    asked: list[str] = []

    def answer(question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    with pytest.raises(Refused), leaving.confirm_leaving(store, [secretive], ask=answer):
        pytest.fail("it left")
    with leaving.confirm_leaving(store, [secretive], ask=answer) as (source, leaves):
        assert (source, leaves) == (store, [secretive])
    assert asked == ["Let it out?"] * 2
    with pytest.raises(typer.BadParameter), leaving.confirm_leaving(store, [], allow_secrets=True, redact=True):
        pytest.fail("both were taken")


def document(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as opened:
        found: dict[str, object] = json.loads(opened.read("task.json"))
    return found


def test_the_shell_completes_formats(cli: Cli, store: Store) -> None:
    assert {"clearml", "csv", "jsonl", "parquet"} <= set(complete("taskstore export --to "))
