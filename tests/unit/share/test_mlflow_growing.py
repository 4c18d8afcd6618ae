"""A run that was imported before: its task gets what is new, and loses nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.sections.clone import reset
from taskstore.share.importers.base import Imported
from taskstore.store import artifacts, doctor, events, models, places, published, tasks
from taskstore.store.store import Store, open_at

from .mlruns import BEGAN_MS, EXPERIMENT, Made, add, database, folders, run_id, whole, write
from .test_mlflow import BEGAN, bring, one, paths_of, points, tree, values

HOME = f"{EXPERIMENT}/{run_id(1)}"


@pytest.fixture
def running(store: Store) -> Store:
    """The store, an hour after the run began."""
    return open_at(store.root, clock=FixedClock(BEGAN + timedelta(hours=1)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return folders(tmp_path / "mlruns", whole(status="RUNNING", ended_ms=None))


def append(root: Path, metric: str, text: str) -> None:
    with (root / HOME / "metrics" / metric).open("a") as stream:
        stream.write(text)


def grown(store: Store, root: Path) -> tuple[Imported, TaskPaths]:
    found = one(store, root)
    assert (found.is_new, found.has_grown) == (False, True)
    assert doctor.check(store) == []
    return found, paths_of(store, found)


def test_new_points_of_every_metric_are_added(running: Store, root: Path) -> None:
    one(running, root)
    append(root, "loss", f"{BEGAN_MS + 5000} 0.25 2\n")
    append(root, "train/deep/acc", f"{BEGAN_MS + 6000} 0.9 20\n")
    write(root / HOME / "metrics" / "new", f"{BEGAN_MS + 7000} 7 0\n")
    _, paths = grown(running, root)
    assert points(paths) == {
        "loss|loss": [(0, 1.0), (1, 0.5), (2, 0.25)],
        "train/deep|acc": [(0, 0.25), (10, 0.75), (20, 0.9)],
        "new|new": [(0, 7.0)],
    }
    assert events.read_summary(paths).last_iteration == 20
    assert tasks.read(paths).last_update == BEGAN + timedelta(seconds=7)
    assert not one(running, root).has_grown


def test_new_points_of_a_database_are_added(store: Store, tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", whole())
    one(store, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        row = ("loss", 0.25, BEGAN_MS - 5000, run_id(1), 2, 0)  # later by its row, earlier by its time
        connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    found = one(store, path)
    assert found.has_grown
    assert points(paths_of(store, found))["loss|loss"] == [(0, 1.0), (1, 0.5), (2, 0.25)]


def test_a_line_that_was_being_written_comes_when_it_is_whole(running: Store, root: Path) -> None:
    append(root, "loss", f"{BEGAN_MS + 5000} 0.25 1")
    found = one(running, root)
    assert found.notes == ("a line of metric 'loss' cannot be read",)
    assert points(paths_of(running, found))["loss|loss"] == [(0, 1.0), (1, 0.5)]
    append(root, "loss", "7\n")
    _, paths = grown(running, root)
    assert points(paths)["loss|loss"][-1] == (17, 0.25)


def test_the_end_of_a_run_arrives(running: Store, root: Path) -> None:
    assert tasks.read(paths_of(running, one(running, root))).status is Status.IN_PROGRESS
    add(root / EXPERIMENT, Made(status="FAILED", ended_ms=BEGAN_MS + 90_000))
    _, paths = grown(running, root)
    record = tasks.read(paths)
    assert (record.status, record.completed) == (Status.FAILED, BEGAN + timedelta(seconds=90))
    assert [change.status for change in record.history] == [Status.CREATED, Status.IN_PROGRESS, Status.FAILED]


def test_what_taskstore_took_for_lost_can_go_on(running: Store, root: Path) -> None:
    task_id = one(running, root).task_id
    tasks.transition(running, task_id, Status.FAILED, reason="lost")
    add(root / EXPERIMENT, whole(status="FINISHED"))
    _, paths = grown(running, root)
    assert tasks.read(paths).status is Status.COMPLETED


def test_new_files_parameters_and_tags_are_added(running: Store, root: Path) -> None:
    one(running, root)
    more = {"late.txt": b"late", "plots/b.svg": b"<svg>b</svg>"}
    add(root / EXPERIMENT, replace(whole(), params={"late": "1"}, tags={"stage": "two"}, artifacts=more))
    _, paths = grown(running, root)
    kept = artifacts.read(paths).artifacts
    assert kept.keys() == {"notes.txt", "plots/a.svg", "late.txt", "plots/b.svg"}
    assert values(paths, "General") == {"lr": "0.1", "opt/name": "adam", "late": "1"}
    assert values(paths, "properties") == {"team": "red", "stage": "two"}
    file = kept["late.txt"].file
    assert file is not None
    assert (paths.home / file.path).read_bytes() == b"late"


def test_a_file_that_was_written_over_is_replaced(running: Store, root: Path) -> None:
    before = artifacts.read(paths_of(running, one(running, root))).artifacts["notes.txt"].file
    write(root / HOME / "artifacts" / "notes.txt", "HELLO")  # of the same length
    _, paths = grown(running, root)
    file = artifacts.read(paths).artifacts["notes.txt"].file
    assert file is not None
    assert before is not None
    assert (paths.home / file.path).read_bytes() == b"HELLO"
    assert not (paths.home / before.path).exists()


def test_a_file_that_was_touched_only_is_not_news(store: Store, tmp_path: Path) -> None:
    many = {f"many/{number}": b"x" for number in range(101)}
    root = folders(tmp_path / "mlruns", Made(artifacts={"a": b"a", **many}))
    one(store, root)
    for path in (root / HOME / "artifacts").rglob("*"):
        os.utime(path, (4e9, 4e9))
    assert not one(store, root).has_grown


def test_a_new_model_is_added(running: Store, root: Path) -> None:
    one(running, root)
    write(root / HOME / "artifacts" / "best" / "MLmodel", "flavors:\n  sklearn: {}\n")
    _, paths = grown(running, root)
    (model,) = models.read(paths).output.values()
    assert model.file is not None
    assert (paths.home / model.file.path).is_file()


def test_what_somebody_has_changed_here_stays(running: Store, root: Path) -> None:
    task_id = one(running, root).task_id

    def change(record: tasks.TaskRecord) -> None:
        record.name, record.comment, record.tags = "mine", "my own", ["good"]

    tasks.edit(running, task_id, change)
    add(root / EXPERIMENT, whole(status="RUNNING", ended_ms=None, name="theirs"))
    write(root / HOME / "tags" / "team", "blue")
    append(root, "loss", f"{BEGAN_MS + 5000} 0.25 2\n")
    found, paths = grown(running, root)
    record = tasks.read(paths)
    assert (record.name, record.comment, record.tags) == ("mine", "my own", ["good"])
    assert values(paths, "properties") == {"team": "red"}
    assert found.notes == ("properties/team is another in MLflow now, and stays as it is here",)
    assert list(found.notes) == record.imported[0].notes
    again = one(running, root)
    assert (again.has_grown, again.notes) == (False, found.notes)


def test_a_published_task_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    task_id = one(store, root).task_id
    published.publish(store, task_id)
    before = tree(places.locate(store, task_id).home)
    append(root, "loss", f"{BEGAN_MS + 5000} 0.25 2\n")
    assert not one(store, root).has_grown
    assert tree(places.locate(store, task_id).home) == before


def test_a_task_that_was_reset_is_somebody_elses_now(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    task_id = one(store, root).task_id
    reset(store, task_id)
    assert not one(store, root).has_grown
    assert points(places.locate(store, task_id)) == {}


def test_the_torn_end_of_our_own_log_is_mended(running: Store, root: Path) -> None:
    paths = paths_of(running, one(running, root))
    (log,) = events.scalar_logs(paths)
    log.write_bytes(log.read_bytes()[:-10])
    _, paths = grown(running, root)
    assert points(paths)["train/deep|acc"] == [(0, 0.25), (10, 0.75)]
    assert events.rebuild_summary(paths).last_metrics["train/deep"]["acc"].count == 2


def test_a_parent_that_came_since_is_the_parent_then(store: Store, tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", Made(tags={"mlflow.parentRunId": run_id(2)}))
    first = one(store, root)
    add(root / EXPERIMENT, Made(id=run_id(2)))
    found = [item for item in bring(store, root) if isinstance(item, Imported)]
    assert [(item.is_new, item.has_grown) for item in found] == [(False, True), (True, False)]
    assert tasks.read(paths_of(store, first)).parent == found[1].task_id
    assert [item.has_grown for item in bring(store, root) if isinstance(item, Imported)] == [False, False]


def test_runs_that_came_since_are_new(running: Store, root: Path) -> None:
    one(running, root)
    add(root / EXPERIMENT, Made(id=run_id(2)))
    assert [item.is_new for item in bring(running, root) if isinstance(item, Imported)] == [False, True]
