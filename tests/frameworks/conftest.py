"""A session in this process, whose captures see the real libraries."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from taskstore.run import session as sessions
from taskstore.run.session import Session, Wanted
from taskstore.store.store import Store


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a person would read of the store's own talk."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", stream)
    return stream


@pytest.fixture
def begin(
    store: Store, terminal: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Session]]:
    """Begins a session, which ends with the test at the latest."""
    monkeypatch.chdir(tmp_path)
    begun: list[Session] = []

    def start(choice: bool | Mapping[str, object] = True) -> Session:
        wanted = Wanted(
            project="examples", name="a run", with_streams=False, with_arguments=False, with_frameworks=choice
        )
        begun.append(sessions.begin(wanted, find_store=lambda: store))
        return begun[-1]

    yield start
    for session in begun:
        session.close()


@pytest.fixture
def begun(begin: Callable[..., Session]) -> Session:
    return begin()
