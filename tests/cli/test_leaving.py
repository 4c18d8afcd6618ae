"""What looks like a secret leaves the store by no command unasked: by a zip, a push or a sync."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.store import places, tasks
from taskstore.store.store import Store, open_at

from .conftest import Cli

SECRET = "ghp_" + "abcdefghijklmnopqrst0123456789abcdef"


@pytest.fixture
def secretive(store: Store) -> TaskPaths:
    task = tasks.create(store, "some/project", "a run")
    tasks.edit(store, task.id, lambda record: setattr(record, "comment", f"use {SECRET}"))
    return task


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    return tmp_path / "usb"


def there(root: Path, task: TaskPaths) -> str:
    return tasks.read(places.locate(open_at(root), task.id)).comment


@pytest.mark.parametrize("command", ["zip", "push", "sync"])
def test_with_nobody_to_ask_nothing_leaves(cli: Cli, secretive: TaskPaths, usb: Path, command: str) -> None:
    result = cli("zip", secretive.id, "-o", usb) if command == "zip" else cli(command, usb)
    assert result.code == 4
    assert f"{secretive.id[:12]} task.json, line " in result.err
    assert "GitHub token" in result.err
    assert "--allow-secrets lets it out" in result.err
    assert SECRET not in result.err
    assert not any(SECRET in path.read_text("utf-8") for path in usb.rglob("*.json"))
    assert not usb.is_file()


@pytest.mark.parametrize("command", ["zip", "push", "sync"])
def test_what_is_allowed_leaves_as_it_is(cli: Cli, secretive: TaskPaths, usb: Path, command: str) -> None:
    if command == "zip":
        assert cli("zip", secretive.id, "-o", usb, "--allow-secrets").code == 0
        assert cli("--store", usb, "show", secretive.id, "--json").objects[0]["comment"] == f"use {SECRET}"
        return
    assert cli(command, usb, "--allow-secrets").code == 0
    assert there(usb, secretive) == f"use {SECRET}"
    assert cli("sync", usb).code == 0  # what is there is not asked about again


@pytest.mark.parametrize("command", ["zip", "push"])
def test_what_is_masked_leaves_masked_and_stays_as_it_is_here(
    cli: Cli, store: Store, secretive: TaskPaths, usb: Path, command: str
) -> None:
    if command == "zip":
        assert cli("zip", secretive.id, "-o", usb, "--redact").code == 0
        assert cli("--store", usb, "show", secretive.id, "--json").objects[0]["comment"] == "use ********"
    else:
        assert cli("push", usb, "--redact").code == 0
        assert there(usb, secretive) == "use ********"
    assert tasks.read(secretive).comment == f"use {SECRET}"
    assert places.locate(store, secretive.id).home == secretive.home


def test_a_pull_and_a_dry_run_ask_nothing(cli: Cli, secretive: TaskPaths, usb: Path) -> None:
    assert cli("push", usb, "--dry-run").code == 0
    assert not usb.exists()
    assert cli("push", usb, "--allow-secrets").code == 0
    assert cli("--store", usb, "pull", secretive.home.parents[3]).code == 0


def test_only_what_moves_is_looked_through(cli: Cli, store: Store, secretive: TaskPaths, usb: Path) -> None:
    assert cli("push", usb, "--allow-secrets").code == 0
    other = tasks.create(store, "some/project", "another run")
    assert cli("push", usb).code == 0
    assert there(usb, other) == ""


def test_what_a_lineage_takes_along_is_looked_through_too(
    cli: Cli, store: Store, secretive: TaskPaths, tmp_path: Path
) -> None:
    child = tasks.create(store, "some/project", "a child")
    tasks.edit(store, child.id, lambda record: setattr(record, "parent", secretive.id))
    assert cli("zip", child.id, "-o", tmp_path / "x.zip").code == 0
    assert cli("zip", child.id, "-o", tmp_path / "y.zip", "--lineage").code == 4


@pytest.mark.parametrize("argv", [["zip"], ["export", "--to", "clearml"]])
def test_a_file_that_is_in_the_way_is_said_before_anything_is_looked_through(
    cli: Cli, secretive: TaskPaths, tmp_path: Path, argv: list[str]
) -> None:
    path = tmp_path / "there.zip"
    path.write_bytes(b"mine")
    result = cli(*argv, secretive.id, "-o", path)
    assert result.code == 4
    assert result.err.startswith(f"taskstore: there is {path} already; ")
    assert result.err.count("\n") == 1
    assert path.read_bytes() == b"mine"


def test_a_table_that_is_in_the_way_is_said_before_anything_is_looked_through(
    cli: Cli, secretive: TaskPaths, tmp_path: Path
) -> None:
    path = tmp_path / "params.csv"
    path.write_bytes(b"mine")
    result = cli("export", "--to", "csv", secretive.id, "-o", tmp_path)
    assert (result.code, result.err.count("\n")) == (4, 1)
    assert f"there is {path} already" in result.err


def test_a_session_that_is_in_the_way_of_one_task_does_not_keep_another_back(
    cli: Cli, store: Store, tmp_path: Path
) -> None:
    one, two = (tasks.create(store, "some/project", name).id for name in ("one", "two"))
    (tmp_path / f"offline-{one}.zip").write_bytes(b"mine")
    result = cli("export", "--to", "clearml", one, two, "-o", tmp_path)
    assert (result.code, result.lines) == (4, [str(tmp_path / f"offline-{two}.zip")])
    assert (tmp_path / f"offline-{one}.zip").read_bytes() == b"mine"
