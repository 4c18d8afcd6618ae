"""A repository with a little of everything in it, and tasks that wait to be run, for every test of the agent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import taskstore
from taskstore.core.clock import SYSTEM
from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.schema.record import ScriptRecord
from taskstore.store import tasks
from taskstore.store.store import Store, init
from tests.unit.capture.changes import fill
from tests.unit.capture.gitrepo import GitRepo, isolate

Enqueue = Callable[..., TaskPaths]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return init(tmp_path / "store", clock=SYSTEM)


@pytest.fixture
def enqueue(store: Store, tmp_path: Path) -> Enqueue:
    """Make tasks that run a program given as text, and enqueue them."""
    folder = tmp_path / "code"
    folder.mkdir()
    count = 0

    def make(program: str, *, to: str = "default", priority: int = 0, name: str = "a task") -> TaskPaths:
        nonlocal count
        count += 1
        script = folder / f"program{count}.py"
        script.write_text(program, "utf-8")
        paths = tasks.create(store, "examples", name)

        def describe(record: ScriptRecord) -> None:
            record.entry_point, record.cwd = str(script), str(folder)
            record.binary, record.argv = "python3", [str(script)]

        tasks.edit_script(store, paths.id, describe)
        queue.enqueue(store, paths.id, to, priority=priority)
        return paths

    return make


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    isolate(tmp_path, monkeypatch)
    repo = GitRepo.create(tmp_path / "work" / "project")
    repo.write("main.py", "print('hello')\n")
    fill(repo)
    repo.commit()
    return repo


@pytest.fixture
def pushed(repo: GitRepo, tmp_path: Path) -> Path:
    """The remote of the repository, which has all of its commits."""
    return repo.publish(tmp_path / "remote.git")


@pytest.fixture
def found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the processes of an agent find this taskstore, wherever they are run."""
    monkeypatch.setenv("PYTHONPATH", str(Path(taskstore.__file__).parents[1]))
