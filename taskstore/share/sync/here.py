"""This side: what a store knows of a task, and where its files are."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ...core.errors import NotFound, ReadOnly
from ...store import places
from ...store.store import Store
from ..source import FolderSource
from ..merging import TaskState, own_state, stamp


def own(store: Store, task_id: str) -> TaskState | None:
    """Return what a store knows of a task; None where that is nothing. Raises Damaged."""
    return own_state(store, task_id)


def state(store: Store, task_id: str) -> TaskState:
    """Return what a store knows of a task. Raises FileNotFoundError where that is nothing (any more), Damaged."""
    found = own_state(store, task_id)
    if found is None:
        raise FileNotFoundError(task_id)
    return found


def shared(store: Store, task_id: str) -> TaskState:
    """Return what a store knows of a task that is about to leave it, and have it remember that, where it can."""
    with contextlib.suppress(ReadOnly):
        return stamp(store, task_id)
    return state(store, task_id)


def folder(store: Store, task_id: str) -> Path | None:
    """Return where a task's files are: in a project or in the trash; None where there are none."""
    with contextlib.suppress(NotFound):
        return places.locate(store, task_id).home
    home = store.paths.trashed(task_id).home
    return home if home.is_dir() else None


class NoFiles:
    """The files of a task that has none any more."""

    def sizes(self) -> dict[str, int]:
        """Return no names."""
        return {}

    def chunks(self, name: str, offset: int = 0) -> contextlib.AbstractContextManager[None]:
        """Find nothing."""
        raise FileNotFoundError(name)


def source(store: Store, task_id: str) -> FolderSource | NoFiles:
    """Return a task's files."""
    home = folder(store, task_id)
    return FolderSource(home) if home is not None else NoFiles()
