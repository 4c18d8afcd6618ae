"""One task as a screen shows it: what is read of it at once, and which of its files tell that it has changed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass

from ..core.spelling import duration, safe
from ..core.states import Status
from ..disk import mounts
from ..disk.layout import TaskPaths
from ..queues import standing
from ..queues.standing import Standing
from ..run import trust
from ..schema.bundle import KINDS
from ..schema.record import PROGRESS
from ..store import ancestry, left_out, places, query
from ..store.query import Row
from ..store.store import Store

_WITH_A_TICKET = (Status.QUEUED, Status.IN_PROGRESS)
_UNFINISHED = (Status.IN_PROGRESS, Status.FAILED, Status.STOPPED)


@dataclass(frozen=True)
class Seen:
    """A task as it was when it was read. Of one that came from elsewhere `came_from` says from where.

    With `asks_trust` nobody has said yet that its program, `command`, may run here.
    """

    row: Row
    came_from: str = ""
    asks_trust: bool = False
    command: str = ""
    trusted_by: str = ""
    left_out: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    is_elsewhere: bool = False
    standing: Standing | None = None

    @property
    def progress(self) -> float | None:
        """How far a task has come that has not come to its end, from 0 to 100; None where it does not say."""
        text = self.row.task.runtime.get(PROGRESS, "")
        if self.row.task.status not in _UNFINISHED:
            return None
        try:
            value = float(text)
        except ValueError:
            return None
        return min(100.0, max(0.0, value)) if math.isfinite(value) else None


def read(store: Store, task_id: str) -> Seen:
    """Return a task as it is now. Raises NotFound, Damaged."""
    row = query.row_of(store, places.locate(store, task_id))
    task = row.task
    asks = trust.is_needed(task)
    return Seen(
        row,
        came_from=safe(trust.origin(task)) if task.imported else "",
        asks_trust=asks,
        command=safe(trust.command(row.paths)) if asks else "",
        trusted_by=task.execution.trusted if task.execution is not None else "",
        left_out=tuple(KINDS.get(kind, kind) for kind in left_out.gone(row.paths, task)),
        conflicts=tuple(ancestry.open_conflicts(row.paths)),
        is_elsewhere=ancestry.is_elsewhere(row.paths, task),
        standing=standing.find(store, row.id) if task.status in _WITH_A_TICKET and task.execution else None,
    )


def how_long(seen: Seen, store: Store) -> str:
    """Say how long a task has run, or runs by now; nothing where that is not known here."""
    task = seen.row.task
    if task.active_duration is not None:
        return duration(task.active_duration)
    if task.status is Status.IN_PROGRESS and task.started and not seen.is_elsewhere:
        return f"{duration(max(0.0, (store.clock.now() - task.started).total_seconds()))} so far"
    return ""


def where_it_stands(found: Standing | None) -> str:
    """Say at which place of which queue a task waits, or which worker has it."""
    if found is None:
        return ""
    if found.position:
        priority = f", priority {found.priority}" if found.priority else ""
        return f"{found.queue}, {found.position} of {found.waiting}{priority}"
    return f"taken from {found.queue} by {found.worker or 'a worker that has not yet signed'}"


def marks(paths: TaskPaths, names: Iterable[str]) -> tuple[object, ...]:
    """Return what differs when one of a task's files or folders has changed; they are named as by TaskPaths."""
    found: list[object] = []
    for name in names:
        path = getattr(paths, name)
        try:
            facts = os.stat(path)  # noqa: PTH116 - each second, for every page that is open
        except OSError:
            found.append(None)
        else:
            found.append((facts.st_mtime_ns, facts.st_size, facts.st_ino))
    return tuple(found)


@dataclass(frozen=True)
class Relatives:
    """The tasks that one comes from and that come from it. `missing_parent` is an id that no task here has."""

    parent: Row | None
    missing_parent: str
    children: list[Row]


def relatives(rows: Iterable[Row], row: Row) -> Relatives:
    """Return a task's parent and children among the rows of a listing, the newest child first."""
    wanted = row.task.parent
    parent = None
    children = []
    for each in rows:
        if each.id == wanted:
            parent = each
        elif each.task.parent == row.id:
            children.append(each)
    children.sort(key=lambda child: child.id, reverse=True)
    return Relatives(parent, wanted if wanted and parent is None else "", children)


def folder(paths: TaskPaths) -> str:
    """Return where a task's files are, as a person knows it."""
    return mounts.shown(str(paths.home))
