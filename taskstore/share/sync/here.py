"""This side, and any other store on a disk: what it knows of a task, and where the task's files are."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Collection
from pathlib import Path

from ...core.errors import NotFound, ReadOnly
from ...disk.layout import SUMMARY
from ...store import places
from ...store.store import Store
from ..merging import File, TaskState, stamp
from ..merging.own import Here, facts, look
from ..source import FolderSource


class Files(FolderSource):
    """The files of a task in a store that travel: links are the user's own, and stay."""

    def sizes(self) -> dict[str, int]:
        """Return the names of all that is shared, with their sizes; and the summary, which saves reading the logs."""
        found = {name: size for name, (size, _, _) in facts(self.home).items()}
        with contextlib.suppress(FileNotFoundError):
            found[SUMMARY] = (self.home / SUMMARY).stat().st_size
        return found


def ready(store: Store, known: Collection[str], wanted: Collection[str]) -> Store:
    """Return a store that finds these tasks at once, in place of a walk through all of it for each of them."""
    left = set(wanted) & set(known)
    for folder, task_id in places.walk(store, []) if left else ():
        if task_id in left:
            store.places[task_id] = Path(folder, task_id)
    return dataclasses.replace(store, absent=frozenset(wanted) - frozenset(known))


def check_writable(store: Store) -> None:
    """Raise ReadOnly where the store lets nobody write, rather than once for each task."""
    is_effective = os.access in os.supports_effective_ids
    if not os.access(store.paths.projects, os.W_OK, effective_ids=is_effective):
        raise ReadOnly(f"the store at {store.root} cannot be written; make it writable, or name another")


def state(here: Here | None) -> TaskState | None:
    """Return the state of what was looked at."""
    return here.state if here is not None else None


def sharing(store: Store, task_id: str) -> Here:
    """Return a task that is about to leave a store, which remembers so where it can. Raises FileNotFoundError."""
    with contextlib.suppress(ReadOnly, NotFound):
        stamp(store, task_id)
    found = look(store, task_id)
    if found is None:
        raise FileNotFoundError(task_id)
    return found


def files(here: Here) -> Files:
    """Return a task's files; of one that was removed for good there are none."""
    return Files(here.paths.home if here.paths is not None else Path("there-are-none"))


def twin(store: Store, file: File) -> Path | None:
    """Return a file of the store that seems to be the same as one that is elsewhere; whoever takes it hashes it."""
    with contextlib.suppress(OSError, ValueError):
        path = store.root / store.paths.blob_hint(file.hash).read_text("utf-8")
        is_inside = path.resolve().is_relative_to(store.paths.projects.resolve())
        if is_inside and path.is_file() and path.stat().st_size == file.size:
            return path
    return None
