"""A registered DataFrame, with the real pandas."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskstore
from taskstore import Task
from taskstore.core.errors import BadValue, NotFound, Refused
from taskstore.run import session as sessions
from taskstore.sections.artifacts.registered import digest
from taskstore.store import artifacts, places, tasks
from taskstore.store.store import Store

pd = pytest.importorskip("pandas")


@pytest.fixture
def task(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield Task.init("examples", "a run", auto_connect_frameworks=False)
    session = sessions.opened()
    if session is not None:
        session.close()


def _beat() -> None:
    session = sessions.opened()
    assert session is not None
    session._beat()


def _revision(task: Task) -> int:
    return artifacts.read(task._paths()).rev


def test_a_registered_frame_is_stored_at_once_as_an_audit_table(task: Task) -> None:
    frame = pd.DataFrame({"id": [1, 2], "loss": [0.5, 0.25]})
    task.artifacts.register("samples", frame, metadata={"of": "training"}, uniqueness_columns=["id"])
    found = task.artifacts["samples"]
    assert (found.type, found.mode, Path(found.url).name) == ("data-audit-table", "output", "samples.csv.gz")
    assert found.metadata == {"of": "training", "uniqueness_columns": "id"}
    assert "2 rows x 2 columns" in found.preview
    pd.testing.assert_frame_equal(found.get(), frame)
    assert list(task.artifacts.registered()) == ["samples"]
    assert task.artifacts.registered()["samples"] is frame


def test_it_is_stored_again_when_it_has_changed_and_only_then(task: Task) -> None:
    frame = pd.DataFrame({"loss": [0.5]})
    task.artifacts.register("samples", frame)
    before = _revision(task)
    _beat()
    assert _revision(task) == before
    frame.loc[1] = 0.25
    _beat()
    assert task.artifacts["samples"].get()["loss"].tolist() == [0.5, 0.25]
    assert _revision(task) == before + 1
    _beat()
    assert _revision(task) == before + 1
    assert len(list(task._paths().artifact_folder("samples").iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.__setitem__("loss", frame["loss"].astype("float32")),
        lambda frame: setattr(frame, "columns", ["cost"]),
        lambda frame: frame.__setitem__("more", [1, 2]),
        lambda frame: frame.__setitem__("loss", frame["loss"][::-1].to_numpy()),
        lambda frame: setattr(frame, "index", ["a", "b"]),
        lambda frame: frame.__setitem__("text", ["x", None]),
        lambda frame: frame.__setitem__("lists", [[1], [2, 3]]),
    ],
    ids=["type", "column's name", "column", "order", "labels", "texts", "what cannot be hashed"],
)
def test_every_kind_of_change_is_seen(change: object, task: Task) -> None:
    frame = pd.DataFrame({"loss": [0.5, 0.25]})
    before = digest(frame)
    task.artifacts.register("samples", frame)
    revision = _revision(task)
    change(frame)  # type: ignore[operator]  # a function of the frame
    assert digest(frame) != before
    assert digest(frame) == digest(frame.copy())
    _beat()
    assert _revision(task) == revision + 1


def test_what_changed_last_is_stored_at_a_flush_and_at_the_end(task: Task) -> None:
    frame = pd.DataFrame({"loss": [0.5]})
    task.artifacts.register("samples", frame)
    frame.loc[1] = 0.25
    task.get_logger().flush()
    assert len(task.artifacts["samples"].get()) == 2
    frame.loc[2] = 0.125
    task.close()
    assert task.artifacts["samples"].get()["loss"].tolist() == [0.5, 0.25, 0.125]
    with pytest.raises(Refused, match="not this process's open task"):
        task.artifacts.register("samples", frame)


def test_what_is_no_longer_registered_stays_as_it_was_stored_last(task: Task) -> None:
    frame = pd.DataFrame({"loss": [0.5]})
    task.artifacts.register("samples", frame)
    frame.loc[1] = 0.25
    task.artifacts.unregister("samples")
    frame.loc[2] = 0.125
    _beat()
    task.close()
    assert task.artifacts["samples"].get()["loss"].tolist() == [0.5]
    assert task.artifacts.registered() == {}
    with pytest.raises(NotFound, match="there is none"):
        task.artifacts.unregister("samples")


def test_what_cannot_be_registered_is_named_and_stores_nothing(task: Task) -> None:
    frame = pd.DataFrame({"loss": [0.5], "id": [1]})
    for value, options, what in (
        ({"loss": [1]}, {}, "not dict"),
        (frame.set_index(["loss", "id"]), {}, "reset_index"),
        (frame, {"uniqueness_columns": ["none"]}, "no column 'none'"),
        (frame, {"uniqueness_columns": "id"}, r"\['id'\]"),
    ):
        with pytest.raises(BadValue, match=what):
            task.artifacts.register("samples", value, **options)  # type: ignore[arg-type]  # wrong ones are the point
    assert list(task.artifacts) == []
    assert task.artifacts.registered() == {}
    other = Task(task._store, task.id)
    with pytest.raises(Refused):
        other.artifacts.register("samples", frame)


def test_a_frame_that_cannot_be_written_warns_once_and_the_program_goes_on(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"loss": [0.5]})
    task.artifacts.register("samples", frame)
    frame.loc[1] = 0.25
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: 1 / 0)
    _beat()
    _beat()
    notes = tasks.read_script(task._paths()).notes
    assert len([note for note in notes if "ZeroDivisionError" in note and note.startswith("registered artifacts")]) == 1
    monkeypatch.undo()
    assert task.artifacts["samples"].get()["loss"].tolist() == [0.5]


def test_a_version_is_whole_though_the_program_changes_the_frame_meanwhile(task: Task) -> None:
    """Each version that is stored is one that the frame has had: all of its cells are equal."""
    frame = pd.DataFrame({str(column): [0] * 2000 for column in range(5)})
    task.artifacts.register("samples", frame)
    is_over = threading.Event()

    def change() -> None:
        value = 0
        while not is_over.is_set():
            value += 1
            frame.loc[:, :] = value
            is_over.wait(0.002)

    program = threading.Thread(target=change)
    program.start()
    try:
        for _ in range(20):
            _beat()
            stored = task.artifacts["samples"].get()
            assert stored.nunique().tolist() == [1] * 5
            assert len(set(stored.iloc[0])) == 1
    finally:
        is_over.set()
        program.join()
    _beat()
    assert task.artifacts["samples"].get().iloc[0, 0] == frame.iloc[0, 0]


def test_a_copy_that_the_program_has_torn_is_not_stored(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"loss": [0.0, 0.0]})
    task.artifacts.register("samples", frame)
    frame["loss"] = 1.0
    copied, copies = pd.DataFrame.copy, []

    def copy(self: object, deep: bool = True) -> object:
        made = copied(self, deep=deep)
        if self is frame:
            copies.append(made)
            if len(copies) == 1:
                made.iloc[0, 0] = 0.0  # what stood there when the copy began
        return made

    monkeypatch.setattr(pd.DataFrame, "copy", copy)
    _beat()
    assert len(copies) == 2
    assert task.artifacts["samples"].get()["loss"].tolist() == [0.0, 0.0]
    _beat()
    assert task.artifacts["samples"].get()["loss"].tolist() == [1.0, 1.0]


def test_a_frame_that_can_never_be_copied_is_said_and_one_that_could_not_once_is_not(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.artifacts.register("samples", pd.DataFrame({"loss": [0.5]}))
    monkeypatch.setattr(pd.DataFrame, "copy", lambda *_, **__: [][0])
    noted = []
    for _ in range(4):
        _beat()
        notes = tasks.read_script(task._paths()).notes
        noted.append(sum(note.startswith("registered artifacts") for note in notes))  # the code's capture has its own
    assert noted == [0, 0, 1, 1]


_KILLED = """
import os, signal, sys
import pandas as pd
from taskstore import Task
from taskstore.run import session
task = Task.init("examples", "a run", auto_connect_frameworks=False)
frame = pd.DataFrame({"loss": [0.0] * 1000})
task.artifacts.register("samples", frame)
write = pd.DataFrame.to_csv
def killed(self, stream, **options):
    stream.write("torn")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
pd.DataFrame.to_csv = killed
frame["loss"] = 1.0
session.opened().do_chores()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_while_it_is_stored_leaves_the_version_before(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.setenv("PYTHONPATH", str(Path(taskstore.__file__).parents[1]))
    done = subprocess.run([sys.executable, "-c", _KILLED], cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == -9
    ((_, task_id),) = places.walk(store)
    found = Task(store, task_id).artifacts["samples"]
    assert found.get()["loss"].tolist() == [0.0] * 1000
