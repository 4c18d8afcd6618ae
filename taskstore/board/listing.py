"""A listing that stays open and follows what others write, for a small share of a processor."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence

from ..core.errors import Damaged, TaskstoreError
from ..core.states import Status
from ..store import index, places, query
from ..store.query import Query, Row
from ..store.store import Store

SHARE = 0.003
"""Of a processor's time, for looking at all that does not run, where nothing says that it has changed."""
RUNNING_SHARE = 0.1
"""Of a processor's time, for looking at what runs."""
_SOONEST_S = 1.0


class WatchedListing:
    """All tasks of a store, as they were when last looked at.

    `look` is to be called about once a second. What runs is read each time; all is read where a task was made, moved or
    deleted, which the folders of projects tell, and else as often as a small share of the time allows: of a thousand
    tasks each few seconds, of ten thousand each minute. `rows` and `damaged` are replaced and never changed, so another
    thread may read them meanwhile.
    """

    def __init__(self, store: Store, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._known: dict[str, index.Entry] = {}
        self._shown: dict[str, tuple[index.Entry, Row]] = {}
        self._lock = threading.Lock()
        self._sweep_at = 0.0
        self._running_at = 0.0
        self._moved_at = 0.0
        self._folders: dict[str, int] = {}
        self.rows: tuple[Row, ...] = ()
        self.damaged: tuple[Damaged, ...] = ()
        self.version = 0
        """Greater after each change."""
        self.look()

    def find(self, wanted: Query | None = None, order_by: str | Sequence[str] = "-created") -> list[Row]:
        """Return those of the rows that are wanted, in order. Raises BadName, BadValue as `query.find` does."""
        return query.select(self.rows, wanted or Query(), order_by=order_by)

    def look(self, *, at_all: bool = False) -> bool:
        """Look for what has changed, at all of it where a person waits for that; tell whether anything has."""
        with self._lock:
            now = self._monotonic()
            if at_all or now >= self._sweep_at or (now >= self._moved_at and self._have_moved()):
                self._folders = self._all_folders()  # before the tasks: what comes between is found by the next
                changed = self._sweep()
                self._sweep_at = self._next(now, SHARE)
                self._running_at = self._moved_at = self._next(now, RUNNING_SHARE)
            elif now >= self._running_at:
                changed = self._look_at_running()
                self._running_at = self._next(now, RUNNING_SHARE)
            else:
                changed = False
            self.version += changed
            return changed

    def _all_folders(self) -> dict[str, int]:
        folders = [str(self._store.paths.projects)]
        with contextlib.suppress(OSError, TaskstoreError):
            folders += map(str, places.walk_projects(self._store))
        return {folder: _changed(folder) for folder in folders}

    def _have_moved(self) -> bool:
        """Tell whether a task or a project has come or gone, by the times of the folders that they are in."""
        return any(_changed(folder) != before for folder, before in self._folders.items())

    def _next(self, began: float, share: float) -> float:
        """When to look again, at what has taken so long."""
        now = self._monotonic()
        return now + max(_SOONEST_S - (now - began), (now - began) / share)

    def _sweep(self) -> bool:
        damaged: list[Damaged] = []
        project_of = query.projects_of(self._store)
        shown: dict[str, tuple[index.Entry, Row]] = {}
        changed = False
        for entry in index.entries(self._store, damaged, self._known):
            before = self._shown.get(entry.id)
            project = project_of(entry.folder)
            if before is not None and _is_same(before, entry, project[0]):
                shown[entry.id] = before
            else:
                shown[entry.id] = (entry, query.row_from(entry, project))
                changed = True
        changed = changed or len(shown) != len(self._shown) or len(damaged) != len(self.damaged)
        if changed:
            self._shown = shown
            self.rows = tuple(row for _, row in shown.values())
            self.damaged = tuple(damaged)
        return changed

    def _look_at_running(self) -> bool:
        changed = False
        for task_id, (entry, row) in list(self._shown.items()):
            if row.task.status is not Status.IN_PROGRESS:
                continue
            # One that was moved, deleted or damaged is found so by the next look at all.
            with contextlib.suppress(OSError, TaskstoreError):
                now = index.entry_of(self._store, row.paths)
                now.folder = entry.folder
                if now != entry:
                    self._shown[task_id] = (now, query.row_from(now, (row.project, row.folder)))
                    changed = True
        if changed:
            self.rows = tuple(row for _, row in self._shown.values())
        return changed


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - each second, of each project
    except OSError:
        return 0


def _is_same(before: tuple[index.Entry, Row], entry: index.Entry, project: str) -> bool:
    known, row = before
    return row.project == project and (known is entry or known == entry)
