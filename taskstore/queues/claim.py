"""Taking tickets: of any number of takers one wins each, and what is not good is dropped with a word."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..core.errors import Busy, Damaged, NotFound
from ..disk.atomic import replace_record
from ..disk.layout import TaskPaths
from ..disk.process import owner_tag
from ..schema import codec
from ..schema.queue import TicketRecord
from ..store import places, tasks, tickets
from ..store.store import Store, writing
from ..store.tickets import Ticket
from . import queue

Tell = Callable[[str], None]


def claim(store: Store, queues: Sequence[str], worker: str, *, tell: Tell) -> Ticket | None:
    """Take the first good ticket of the first queue that has one; None where there is none.

    The ticket is then in `claimed/`, named after this process too, until `ack` or `give_back`. A ticket that is not
    good is dropped, and one that cannot be told is left where it is; `tell` hears of both. Raises NotFound for a queue
    that is not there.
    """
    for name in queues:
        for ticket in tickets.of_queue(store, queue.find(store, name)):
            taken = _take(store, ticket)
            if taken is not None and _is_kept(store, ticket, taken, tell):
                _sign(store, taken, worker)
                return taken
    return None


def _take(store: Store, ticket: Ticket) -> Ticket | None:
    """Rename a ticket into `claimed/`; None where another was first. Raises ReadOnly."""
    place = replace(ticket.place, owner=owner_tag())
    target = store.paths.queue(ticket.queue).claimed / place.file_name
    try:
        with writing(store):
            ticket.path.rename(target)
    except FileNotFoundError:
        return None
    return Ticket(ticket.queue, place, target)


def _is_kept(store: Store, ticket: Ticket, taken: Ticket, tell: Tell) -> bool:
    """Tell whether a taken ticket is good; what is not is gone afterwards, or back where it was."""
    named = f"queue '{ticket.queue}': the ticket of task {ticket.task_id[:12]}"
    try:
        problem = _problem(store, ticket)
    except (Busy, Damaged) as error:
        _return(taken, ticket)
        tell(f"{named} is passed over: {error}")
        return False
    if problem is None:
        return True
    tickets.discard(taken)
    tell(f"{named} is dropped: {problem}")
    return False


def _problem(store: Store, ticket: Ticket) -> str | None:
    try:
        record = tasks.read(places.locate(store, ticket.task_id))
        if tickets.is_good(ticket.queue, record):
            return None
        # Whoever enqueues it holds its lock from before the ticket until its record says so.
        return tasks.under_lock(store, ticket.task_id, lambda paths: queue.why_not(ticket, tasks.read(paths)))
    except (NotFound, FileNotFoundError) as error:
        return str(error)


def _sign(store: Store, taken: Ticket, worker: str) -> None:
    """Write into a ticket who has taken it; its name says so too, which is what counts."""
    record = TicketRecord()
    with contextlib.suppress(Damaged):
        record = taken.read()
    record.rev += 1
    record.task, record.worker, record.claimed = taken.task_id, worker, store.clock.now()
    replace_record(taken.path, codec.encode(record), is_durable=False)


def _return(taken: Ticket, ticket: Ticket) -> bool:
    try:
        taken.path.rename(ticket.path)
    except FileNotFoundError:
        return False
    return True


def ack(ticket: Ticket) -> bool:
    """Be done with a ticket that was taken: its task has begun, or is not to be run. Tell whether it was there."""
    return tickets.discard(ticket)


def give_back(store: Store, ticket: Ticket) -> bool:
    """Put a ticket that was taken back to its place in the queue; tell whether it waits there again.

    Where its task is not queued there any more (it was started, dequeued or deleted), the ticket is dropped; so too
    where it was dequeued and enqueued again, for then it has another.
    """
    waiting = tickets.new(store, ticket.queue, replace(ticket.place, owner=""))

    def action(paths: TaskPaths) -> bool:
        has_another = any(each.queue == ticket.queue for each in tickets.of_task(store, ticket.task_id))
        if tickets.is_good(ticket.queue, tasks.read(paths)) and not has_another:
            return _return(ticket, waiting)
        tickets.discard(ticket)
        return False

    try:
        return tasks.under_lock(store, ticket.task_id, action)
    except NotFound:
        tickets.discard(ticket)
        return False
