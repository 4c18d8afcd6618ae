"""What goes on in a store just now: what runs, what waits, who works, and what has ended last."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..core.states import Status
from ..schema.codec import number
from ..schema.record import MONITOR
from ..store import tickets, workers
from ..store.query import Row
from ..store.store import Store

_NOT_ENDED = (Status.CREATED, Status.QUEUED, Status.IN_PROGRESS)


@dataclass(frozen=True)
class Load:
    """A queue, how many tasks wait in it, and how many workers have taken and not done with."""

    queue: str
    waiting: int
    taken: int


@dataclass(frozen=True)
class Overview:
    """A store at one moment: running tasks, the last started first; those that have ended, the last first."""

    time: datetime
    running: tuple[Row, ...]
    ended: tuple[Row, ...]
    queues: tuple[Load, ...]
    workers: tuple[workers.Seen, ...]


def overview(store: Store, rows: Sequence[Row], *, ended: int = 5) -> Overview:
    """Look at queues and workers, and sort the rows of a listing; at most so many that have ended."""
    now = store.clock.now()
    running = [row for row in rows if row.task.status is Status.IN_PROGRESS]
    over = [row for row in rows if row.task.status not in _NOT_ENDED and row.task.completed is not None]
    return Overview(
        time=now,
        running=tuple(sorted(running, key=lambda row: (_moment(row.task.started), row.id), reverse=True)),
        ended=tuple(heapq.nlargest(ended, over, key=lambda row: (_moment(row.task.completed), row.id))),
        queues=_queues(store, rows),
        workers=tuple(workers.listed(store)),
    )


def _moment(time: datetime | None) -> float:
    return time.timestamp() if time is not None else 0.0


def _queues(store: Store, rows: Sequence[Row]) -> tuple[Load, ...]:
    """Count what waits by the tasks' own records: a ticket alone does not say that its task really waits."""
    taken = {
        name: {ticket.task_id for ticket in tickets.of_queue(store, name, claimed=True)}
        for name in tickets.names(store)
    }
    waiting = Counter(
        row.task.execution.queue
        for row in rows
        if row.task.status is Status.QUEUED
        and row.task.execution is not None
        and row.id not in taken.get(row.task.execution.queue, ())
    )
    return tuple(Load(name, waiting[name], len(ids)) for name, ids in taken.items())


def progress_of(row: Row) -> float | None:
    """Return how far a task says that it has come, as a fraction."""
    try:
        percent = float(str(row.get("progress")))
    except ValueError:
        return None
    return percent / 100 if 0 <= percent <= 100 else None


def newest_metrics(row: Row) -> list[tuple[str, float]]:
    """Return the last value of each series by title/series, but for resources: those reported last come first."""
    found = [
        (last.iteration, f"{title}/{series}", number(last.value))
        for title, variants in row.last_metrics.items()
        if not title.startswith(MONITOR)
        for series, last in variants.items()
    ]
    return [(name, value) for _, name, value in sorted(found, key=lambda item: (-item[0], item[1]))]
