"""Where a task stands among others, on its page: its place in a queue, its worker, the trials of a sweep."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from taskstore.core.states import Status

from . import page
from . import trials as tabled

if TYPE_CHECKING:
    from taskstore.queues.standing import Standing
    from taskstore.store.query import Row
    from taskstore.store.store import Store

_WITH_A_TICKET = (Status.QUEUED, Status.IN_PROGRESS)


def facts(store: Store, row: Row) -> list[page.Fact]:
    """Return the queue that a task waits in, or was taken from, and the worker that has it, each with since when."""
    name = row.task.execution.queue if row.task.execution else ""
    found = _of(store, row)
    if found is None:
        if row.task.status is Status.QUEUED:
            return [("queue", f"{name}, without a ticket: `taskstore doctor --fix` puts it back")]
        return [("queue", name and f"taken from {name}")]
    if found.position:
        told = f"{found.queue}, {found.position} of {found.waiting}{_since(page.moment(found.enqueued))}"
        return [("queue", told + (f", priority {found.priority}" if found.priority else ""))]
    return [("queue", f"taken from {found.queue}"), ("worker", _worker(store, found))]


def _of(store: Store, row: Row) -> Standing | None:
    from taskstore.queues import standing

    return standing.find(store, row.id) if row.task.status in _WITH_A_TICKET and row.task.execution else None


def _since(moment: str) -> str:
    return f", since {moment}" if moment else ""


def _worker(store: Store, found: Standing) -> str:
    from taskstore.core.errors import Damaged, NotFound
    from taskstore.store import workers

    name = found.worker or "one that has not yet signed"
    with contextlib.suppress(NotFound, Damaged):
        seen = workers.find(store, found.worker) if found.worker else None
        if seen is not None:
            name += f" on {seen.record.host}" if seen.is_alive else ", which is gone"
    return name + _since(page.moment(found.claimed))


def as_object(store: Store, row: Row) -> dict[str, object] | None:
    """Return the task's ticket as `show --json` prints it; None without one."""
    found = _of(store, row)
    if found is None:
        return None
    return {
        "queue": found.queue,
        "priority": found.priority,
        "position": found.position or None,
        "waiting": found.waiting if found.position else None,
        "enqueued": found.enqueued,
        "worker": found.worker or None,
        "claimed": found.claimed,
    }


def trials(store: Store, row: Row) -> None:
    """Print a sweep's trials, the best first; nothing of another task."""
    from taskstore.sweeps import sweep as sweeps

    if row.task.type != sweeps.TYPE or sweeps.SECTION not in row.hyperparams:
        return
    goal, found = sweeps.results(store, row.paths)
    page.heading("Trials", f"by {goal}" if goal else "")
    rows, columns = tabled.table(store, found, goal)
    page.grid(rows[: page.MAX_ROWS], columns)
    page.say_rest(len(found))
