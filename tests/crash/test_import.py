"""SIGKILL at every write of an import: the store opens, doctor mends it, and the next import makes the task whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.schema.artifact import Artifact
from taskstore.share.importers import of_path
from taskstore.share.importers.base import Imported, Options, only
from taskstore.store import artifacts, blobs, places, tasks
from taskstore.store.store import Store, init, open_at

from ..unit.share.mlruns import folders
from ..unit.share.mlruns import whole as run_of_mlflow
from ..unit.share.sessions import whole
from .crashing import DONE, _fill, clock, copy, killed_at, log, open_again, points_of, state
from .test_crash import _check_mended, _kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one task that has ended, with reports and a file: each write costs a look at all of the store."""
    made = init(tmp_path_factory.mktemp("import") / "store", clock=clock())
    tasks.create(made, "vision", "there", task_id=DONE, fill=_fill)
    with blobs.staged(made, DONE, lambda at: at.artifact_folder("table"), lambda out: out.write(b"old")) as blob:
        artifacts.put(made, DONE, Artifact(key="table", type="custom"), blob, "table.csv.gz")
    tasks.transition(made, DONE, Status.IN_PROGRESS)
    log(places.locate(made, DONE).events)
    tasks.transition(made, DONE, Status.COMPLETED)
    return made.root


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = whole()
    made.artifact("large", "custom", "large.bin", b"large enough to be shared " * 1000)
    return made.zip(tmp_path_factory.mktemp("session"))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store with a run of MLflow's, and that run when it has logged more of everything, and has ended."""
    folder = tmp_path_factory.mktemp("mlflow")
    made = init(folder / "store", clock=clock())
    path = folders(folder / "mlruns", run_of_mlflow(status="RUNNING", ended_ms=None))
    _import(made, path, Options())
    more = run_of_mlflow()
    more.metrics["loss"].append((0.25, 2))
    more.params["late"] = "1"
    more.artifacts |= {"notes.txt": b"HELLO", "late.txt": b"late" * 10_000, "best/MLmodel": b"flavors: {}"}
    folders(path, more)
    return made.root, path


def _import(store: Store, path: Path, options: Options) -> Imported:
    return only(of_path(path).runs(store, path, options))


def _files(root: Path, task_id: str) -> dict[str, int]:
    """Every file of a task, logs and records too, with its size: what is doubled would be one more."""
    home = places.locate(open_again(root), task_id).home
    found = (path for path in home.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(home).as_posix(): path.stat().st_size for path in found if path.name != "task.json"}


def _battery(built: Path, work: Path, session: Path, options: Options, mend: Callable[[Path], object]) -> None:
    at_work = open_again(copy(built, work)).clock
    act = lambda: _import(open_at(work, clock=at_work), session, options)  # noqa: E731 - a name for the same call
    before = state(open_again(work))
    names = points_of(work, act)
    task_id = act().task_id
    whole_state, whole_files = state(_check_mended(work)), _files(work, task_id)
    assert whole_state != before
    for at, is_half in _kills(names):
        copy(built, work)
        killed_at(work, act, at, is_half=is_half)
        where = f"{'in' if is_half else 'before'} write {at} of {names}"
        try:
            mend(work)
            assert act().task_id == task_id
            assert state(_check_mended(work)) == whole_state
            assert _files(work, task_id) == whole_files
        except Exception as error:
            raise AssertionError(where) from error


def test_an_import_that_was_killed_is_done_again(built: Path, session: Path, tmp_path: Path) -> None:
    _battery(built, tmp_path / "store", session, Options(), _check_mended)


@pytest.mark.parametrize("mend", [_check_mended, open_again], ids=["with doctor", "without doctor"])
def test_an_import_into_a_task_that_was_killed_is_done_again(
    mend: Callable[[Path], object], built: Path, session: Path, tmp_path: Path
) -> None:
    _battery(built, tmp_path / "store", session, Options(task_id=DONE, iteration_offset=10), mend)


def test_an_import_of_a_run_of_mlflows_that_was_killed_is_done_again(
    built: Path, grown: tuple[Path, Path], tmp_path: Path
) -> None:
    _battery(built, tmp_path / "store", grown[1], Options(), _check_mended)


@pytest.mark.parametrize("mend", [_check_mended, open_again], ids=["with doctor", "without doctor"])
def test_what_a_run_of_mlflows_has_got_since_arrives_after_a_kill(
    mend: Callable[[Path], object], grown: tuple[Path, Path], tmp_path: Path
) -> None:
    _battery(grown[0], tmp_path / "store", grown[1], Options(), mend)
