"""Queues as files: which there are, the tickets in them, and what is wrong with one (docs/reference/format.md).

A ticket is good while its task is queued, and its record names the queue. Ticket first, then the record: what a crash
leaves between the two is a ticket that is not good, of an enqueueing that nobody was told of.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import Damaged, NotFound
from ..core.names import decode
from ..core.states import Status
from ..disk.atomic import is_temporary, replace_record, sync_folder
from ..disk.layout import QueuePaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.queue import Place, QueueRecord, TicketRecord, place_of
from ..schema.record import Execution, TaskRecord
from .store import Store, writing

DEFAULT = "default"
"""The queue that is always there."""


@dataclass(frozen=True)
class Ticket:
    """One ticket: in which queue, at which place, and its file as it was when it was looked at."""

    queue: str
    place: Place
    path: Path

    @property
    def task_id(self) -> str:
        """The task that waits."""
        return self.place.task

    def read(self) -> TicketRecord:
        """Read what the ticket says. Raises FileNotFoundError where it was taken meanwhile, Damaged."""
        return codec.decode(TicketRecord, read_bytes(self.path), self.path)


def names(store: Store) -> list[str]:
    """Return the names of all queues, sorted; the default queue is always among them."""
    found = {DEFAULT}
    for home in folders(store):
        name = name_of(home)
        if name is not None and home.waiting.is_dir():
            found.add(name)
    return sorted(found)


def folders(store: Store) -> list[QueuePaths]:
    """Return the folders of queues, those too that are broken."""
    try:
        with os.scandir(store.paths.queues) as entries:
            found = [entry.name for entry in entries if not is_temporary(entry.name) and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [QueuePaths(store.paths.queues / name) for name in sorted(found) if name[0] != "."]


def name_of(home: QueuePaths) -> str | None:
    """Return a queue's name by its folder; None where the folder abbreviates it and its record does not say."""
    name = decode(home.home.name)
    if name is not None:
        return name
    with contextlib.suppress(FileNotFoundError, Damaged):
        return read_queue(home).name or None
    return None


def read_queue(home: QueuePaths) -> QueueRecord:
    """Read a queue's own record. Raises FileNotFoundError, Damaged."""
    return codec.decode(QueueRecord, read_bytes(home.record), home.record)


def of_queue(store: Store, queue: str, *, claimed: bool = False) -> list[Ticket]:
    """Return the tickets that wait in a queue in order, or those that workers have taken."""
    home = store.paths.queue(queue)
    return _tickets(queue, home.claimed if claimed else home.waiting)


def _tickets(queue: str, folder: Path) -> list[Ticket]:
    try:
        found = os.listdir(folder)  # noqa: PTH208 - names only
    except (FileNotFoundError, NotADirectoryError):
        return []
    places = sorted(place for name in found if (place := place_of(name)) is not None)
    return [Ticket(queue, place, folder / place.file_name) for place in places]


def of_task(store: Store, task_id: str, *, claimed: bool = False) -> Iterator[Ticket]:
    """Yield every ticket of a task that waits, or that is taken, in any queue."""
    for home in folders(store):
        queue = name_of(home)
        if queue is not None:
            found = _tickets(queue, home.claimed if claimed else home.waiting)
            yield from (ticket for ticket in found if ticket.task_id == task_id)


def write(store: Store, ticket: Ticket, record: TicketRecord) -> None:
    """Put a ticket into its queue, durably. Raises NotFound where there is no such queue."""
    try:
        with writing(store):
            replace_record(ticket.path, codec.encode(record))
    except FileNotFoundError:
        raise unknown(ticket.queue) from None


def new(store: Store, queue: str, place: Place) -> Ticket:
    """Return a ticket for a place in a queue; nothing is written."""
    return Ticket(queue, place, store.paths.queue(queue).waiting / place.file_name)


def moved(store: Store, ticket: Ticket, place: Place) -> Ticket | None:
    """Give a waiting ticket another place, by a rename; None where somebody else has taken it."""
    target = ticket.path.with_name(place.file_name)
    if target == ticket.path:
        return ticket
    try:
        with writing(store):
            ticket.path.rename(target)
    except FileNotFoundError:
        return None
    sync_folder(target.parent)
    return replace(ticket, place=place, path=target)


def discard(ticket: Ticket) -> bool:
    """Remove a ticket; tell whether it was there."""
    try:
        ticket.path.unlink()
    except FileNotFoundError:
        return False
    sync_folder(ticket.path.parent)
    return True


def unknown(queue: str) -> NotFound:
    """Return the error for a queue that is not there."""
    import shlex  # for errors only

    hint = f"`taskstore queue create {shlex.quote(queue)}` makes it, `taskstore queue ls` lists them"
    return NotFound("queue", queue, hint)


def is_good(queue: str, record: TaskRecord) -> bool:
    """Tell whether a task's record agrees that it waits in a queue."""
    return record.status is Status.QUEUED and record.execution is not None and record.execution.queue == queue


def mark_waiting(record: TaskRecord, queue: str, before: Status) -> None:
    """Write into a task's record which queue it waits in, and which status it goes back to."""
    if record.execution is None:
        record.execution = Execution()
    record.execution.queue = queue
    record.execution.launch = ""
    record.enqueue_status = before


def mark_left(record: TaskRecord, to: Status) -> None:
    """Take that out again, as the status is about to change; one that is started keeps the queue that it comes from."""
    if to is Status.QUEUED:
        return
    record.enqueue_status = None
    if to is Status.CREATED and record.execution is not None:
        record.execution.launch = ""  # whoever was launched for it and comes late finds that it is not to run
    has_not_run = to is Status.CREATED or (record.status is Status.QUEUED and to is not Status.IN_PROGRESS)
    if has_not_run and record.execution is not None:
        record.execution.queue = ""


def prune(store: Store, record: TaskRecord, *, is_elsewhere: bool = False) -> None:
    """Remove the waiting tickets of a task that are not good any more; the caller holds the task's lock.

    Of a task that waits elsewhere none is good here. A ticket that a worker has taken is the worker's.
    """
    for ticket in of_task(store, record.id):
        if is_elsewhere or not is_good(ticket.queue, record):
            discard(ticket)
