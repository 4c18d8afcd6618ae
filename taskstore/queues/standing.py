"""Where a task stands: at which place in which queue, or in the hands of which worker, and since when."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

from ..core.errors import Damaged
from ..store import tickets
from ..store.store import Store
from ..store.tickets import Ticket
from . import queue


@dataclass(frozen=True)
class Standing:
    """A task's ticket. `position` is from 1, of `waiting`, while it waits; then it is 0, and `worker` has taken it."""

    queue: str
    priority: int
    position: int
    waiting: int
    enqueued: datetime | None
    worker: str = ""
    claimed: datetime | None = None


def find(store: Store, task_id: str) -> Standing | None:
    """Return where a task stands; None where it has no ticket that is good."""
    for ticket in tickets.of_task(store, task_id):
        waiting = [each for each in queue.show(store, ticket.queue) if each.problem is None]
        for entry in waiting:
            if entry.ticket.task_id == task_id:
                return _standing(ticket, entry.position, len(waiting))
    return next((_standing(ticket) for ticket in tickets.of_task(store, task_id, claimed=True)), None)


def _standing(ticket: Ticket, position: int = 0, waiting: int = 0) -> Standing:
    enqueued, worker, claimed = None, "", None
    with contextlib.suppress(FileNotFoundError, Damaged):  # taken, or done with, meanwhile
        record = ticket.read()
        enqueued, worker, claimed = record.enqueued, record.worker, record.claimed
    return Standing(ticket.queue, ticket.place.priority, position, waiting, enqueued, worker, claimed)
