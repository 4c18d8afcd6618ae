"""What waits in queues and what runs where, read again only when something of it has changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import NotFound
from ..queues import queue as queues
from ..queues.queue import Entry
from ..schema.queue import TicketRecord
from ..schema.record import TaskRecord
from ..store import tickets, workers
from ..store.store import Store
from ..store.tickets import Ticket
from ..store.workers import Seen


@dataclass(frozen=True)
class Taken:
    """A ticket that a worker has, what it says, and its task; None where that cannot be read."""

    ticket: Ticket
    record: TicketRecord
    task: TaskRecord | None
    project: str


@dataclass(frozen=True)
class QueueView:
    """One queue: what waits in it, in order, and what was taken from it."""

    name: str
    waiting: tuple[Entry, ...]
    taken: tuple[Taken, ...]


@dataclass(frozen=True)
class Standing:
    """All queues by name, and all workers."""

    queues: tuple[QueueView, ...] = ()
    workers: tuple[Seen, ...] = ()


class WatchedStanding:
    """Queues and workers as they were when last looked at; `version_of` grows with each change of the listing."""

    def __init__(self, store: Store, version_of: Callable[[], int]) -> None:
        self._store = store
        self._version_of = version_of
        self._seen: object = None
        self.now = Standing()

    def look(self) -> bool:
        """Look at the names of tickets and the records of workers, and read all of it where one has changed."""
        seen = (self._version_of(), _signature(self._store))
        if seen == self._seen:
            return False
        self._seen = seen
        self.now = read(self._store)
        return True


def read(store: Store) -> Standing:
    """Read all queues and workers; a queue that is deleted meanwhile is left out."""
    found = []
    for name in tickets.names(store):
        with contextlib.suppress(NotFound):
            taken = tuple(
                Taken(ticket, record, *queues.task_of(store, ticket))
                for ticket, record in queues.show_claimed(store, name)
            )
            found.append(QueueView(name, tuple(queues.show(store, name)), taken))
    return Standing(tuple(found), tuple(workers.listed(store)))


def _signature(store: Store) -> object:
    names = [
        [(ticket.path.name, is_claimed) for is_claimed in (False, True) for ticket in _tickets(store, name, is_claimed)]
        for name in tickets.names(store)
    ]
    records = []
    with contextlib.suppress(OSError), os.scandir(store.paths.workers) as found:
        for entry in found:
            if entry.name.endswith(".json"):
                with contextlib.suppress(OSError):
                    stat = entry.stat()
                    records.append((entry.name, stat.st_mtime_ns, stat.st_ino))
    return names, sorted(records), [seen.is_alive for seen in workers.listed(store)]


def _tickets(store: Store, name: str, is_claimed: bool) -> list[Ticket]:  # noqa: FBT001 - of one loop, above
    with contextlib.suppress(NotFound):
        return tickets.of_queue(store, name, claimed=is_claimed)
    return []
