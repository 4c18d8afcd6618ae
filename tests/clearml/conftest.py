"""A store of its own for each test, and no task left open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskstore.clearml import Task
from taskstore.run import requirements
from taskstore.run import session as sessions
from taskstore.store.store import Store


@pytest.fixture(autouse=True)
def _in_a_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield
    session = sessions.opened()
    if session is not None:
        session.close()
    requirements.forget()


@pytest.fixture
def task() -> Task:
    return Task.init("examples", "a run")


@pytest.fixture
def draft() -> Task:
    return Task.import_task({"name": "a draft", "project_name": "examples"})
