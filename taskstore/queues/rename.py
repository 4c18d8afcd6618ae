"""Giving a queue another name: its tasks move over one by one, each as when it is enqueued in another queue.

Until the last has moved both queues are there, and each task that waits does so in one of them; the first one's record
says what it is being renamed to. So an interrupted renaming is gone on with by doing it again, and who enqueues or
claims meanwhile loses nothing.
"""

from __future__ import annotations

import contextlib
import errno

from ..core.errors import Busy, Conflict, Damaged, NotFound, Refused
from ..core.states import Status
from ..disk.atomic import is_temporary, replace_record, sync_folder
from ..disk.layout import QueuePaths, TaskPaths
from ..disk.lock import edit_lock
from ..schema import codec
from ..schema.queue import QueueRecord, TicketRecord
from ..schema.record import TaskRecord
from ..store import tasks, tickets
from ..store.store import Store, writing
from ..store.tickets import DEFAULT, Ticket
from . import policy, queue

_MAX_ROUNDS = 1000
"""So often new tickets may come while the last one leaves."""


def rename(store: Store, name: str, to: str) -> int:
    """Rename a queue; return how many tasks moved with it, each keeping its place.

    Refused for the default queue, and while workers have tickets of it that they are not done with: where one takes a
    ticket meanwhile, all others have moved, and the same call later ends it. Raises NotFound, BadName, ReadOnly;
    Conflict where there is a queue of the new name.
    """
    name, to = queue.find(store, name), queue.check(to)
    if name == DEFAULT:
        raise Refused(f"the queue '{DEFAULT}' is always there; `taskstore enqueue --queue` moves a task to another one")
    home = store.paths.queue(name)
    _check_unclaimed(store, name)
    _announce(store, home, name, to)
    count = 0
    for _ in range(_MAX_ROUNDS):
        count += sum(_moved(store, ticket, to) for ticket in tickets.of_queue(store, name))
        if _is_closed(store, home, name):
            return count
    raise Busy(home.home, 0)


def _check_unclaimed(store: Store, name: str) -> None:
    taken = tickets.of_queue(store, name, claimed=True)
    if taken:
        ids = ", ".join(ticket.task_id[:12] for ticket in taken[:3])
        raise Refused(f"workers have taken tasks from queue '{name}' just now: {ids}; rename it when they have ended")


def _announce(store: Store, home: QueuePaths, name: str, to: str) -> None:
    """Write the new name into the queue's record, and make the queue of that name; one that is there is refused."""
    with writing(store), edit_lock(store.paths.lock, store.locks):
        record = QueueRecord(name=name)
        with contextlib.suppress(FileNotFoundError, Damaged):
            record = tickets.read_queue(home)
        is_there = to == DEFAULT or store.paths.queue(to).waiting.is_dir()
        if record.renaming_to != to:
            if is_there:
                raise Conflict(f"there is a queue '{to}' already")
            record.renaming_to = to
            record.rev += 1
            replace_record(home.record, codec.encode(record))
    with contextlib.suppress(Conflict):  # it was begun before
        queue.create(store, to)
    policy.change(store, to, on_lost=record.on_lost, time_limit_s=record.time_limit_s or 0)


def _moved(store: Store, ticket: Ticket, to: str) -> bool:
    """Move one waiting task; tell whether it did. What is no good any more goes, as when its turn comes."""

    def put(paths: TaskPaths, record: TaskRecord) -> None:
        before = tasks.read(paths)
        if not tickets.is_good(ticket.queue, before) or not ticket.path.exists():
            raise Refused(f"task {before.id[:12]} does not wait in queue '{ticket.queue}' any more")
        tickets.mark_waiting(record, to, before.enqueue_status or Status.CREATED)
        said = TicketRecord(rev=1, task=ticket.task_id, enqueued=store.clock.now(), who=tasks.who())
        with contextlib.suppress(FileNotFoundError, Damaged):
            said = ticket.read()
        tickets.write(store, tickets.new(store, to, ticket.place), said)

    only_from = frozenset({Status.QUEUED})
    reason = f"queue '{ticket.queue}' renamed to '{to}'"
    try:
        tasks.transition(store, ticket.task_id, Status.QUEUED, only_from=only_from, reason=reason, also=put)
    except Refused:
        tickets.discard(ticket)
        return False
    except NotFound as error:
        if error.kind != "task":
            raise  # the new queue is gone again: here it waits on
        tickets.discard(ticket)
        return False
    return True


def _is_closed(store: Store, home: QueuePaths, name: str) -> bool:
    """Remove the old queue where nothing is in it; false where a ticket has just come. Raises Refused."""
    try:
        with writing(store):
            home.waiting.rmdir()
    except FileNotFoundError:
        return True  # another renaming has ended it
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    try:
        _check_unclaimed(store, name)
    except Refused:
        home.waiting.mkdir(exist_ok=True)  # whoever has taken one may give it back
        raise
    with contextlib.suppress(OSError):  # somebody makes it again just now; doctor finishes what else is in the way
        home.claimed.rmdir()
        for path in home.home.iterdir():
            if path == home.record or is_temporary(path.name):
                path.unlink()
        home.home.rmdir()
    sync_folder(store.paths.queues)
    return True
