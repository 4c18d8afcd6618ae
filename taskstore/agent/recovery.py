"""What lost workers have left: each of their tasks goes on, is put back or has failed, and once only.

A ticket stays among the claimed until its task has ended, so a killed worker's tickets say what it had in hand. Who
clears up renames the ticket to its own name first: of any number that try, one does, and where that one is killed too,
another goes on from what it finds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from ..core.errors import BadTransition, Conflict, Damaged, NotFound, Refused, TaskstoreError
from ..core.states import Status
from ..disk.atomic import drop_abandoned
from ..disk.beacon import is_alive
from ..disk.layout import TaskPaths
from ..disk.process import owner_tag
from ..queues import claim, policy
from ..run import remote
from ..schema.queue import OnLost
from ..schema.record import Execution, TaskRecord
from ..sections import clone
from ..store import liveness, places, tasks, tickets, workers
from ..store.store import Store
from ..store.tickets import Ticket
from .options import Tell

MAX_REQUEUES = 3
"""How often a task is put back because its worker was lost: it may be what its workers die of."""
LOST = "worker lost"
_PUT_BACK = "put back: its worker was lost"


def recover(store: Store, *, tell: Tell) -> int:
    """Clear up after workers that are gone; return how many tickets that was about.

    A task that had not begun waits again. One that runs on without its worker is let run. One that died with it fails,
    or is reset and put back, as its queue says. Records of lost workers go.
    """
    done = 0
    for ticket in _abandoned(store):
        with contextlib.suppress(OSError):
            done += _clear(store, ticket, tell)
    if workers.forget_lost(store) or done:
        for folder in (store.paths.workers, store.paths.queues):
            drop_abandoned(folder)
    return done


def _abandoned(store: Store) -> Iterator[Ticket]:
    for name in tickets.names(store):
        for ticket in tickets.of_queue(store, name, claimed=True):
            if workers.is_abandoned(store, ticket):
                yield ticket


def _clear(store: Store, ticket: Ticket, tell: Tell) -> bool:
    named = f"task {ticket.task_id[:12]}, whose worker is gone"
    try:
        paths = places.locate(store, ticket.task_id)
        record = tasks.read(paths)
        if record.status is Status.IN_PROGRESS and is_alive(paths.beacon, store.locks):
            return False  # it goes on to its end, and its ticket is looked at again
        own = _taken_over(store, ticket)
        if own is None:
            return False
        what = _settled(store, own, record)
        drop_abandoned(places.locate(store, ticket.task_id).home)  # what the worker was writing as it was killed
    except (NotFound, FileNotFoundError):
        tickets.discard(ticket)
        what = "is deleted; its ticket is dropped"
    except (Damaged, TaskstoreError) as error:
        tell(f"{named}, stays as it is: {error}")
        return False
    tell(f"{named}, {what}")
    return True


def _taken_over(store: Store, ticket: Ticket) -> Ticket | None:
    place = replace(ticket.place, owner=owner_tag())
    target = store.paths.queue(ticket.queue).claimed / place.file_name
    try:
        ticket.path.rename(target)
    except FileNotFoundError:
        return None
    return Ticket(ticket.queue, place, target)


def _settled(store: Store, ticket: Ticket, record: TaskRecord) -> str:
    """Do what is to be done with a task whose worker is gone, and say it; the ticket is gone afterwards."""
    if record.status is Status.QUEUED:
        is_back = claim.give_back(store, ticket)
        return "waits again" if is_back else "was enqueued anew"
    if record.status is Status.IN_PROGRESS:
        liveness.settle(store, places.locate(store, ticket.task_id), record)
        with contextlib.suppress(BadTransition):
            _say_lost(store, ticket.task_id)
        record = tasks.read(places.locate(store, ticket.task_id))
    if not _was_lost(record):
        claim.ack(ticket)
        return f"had ended: it is {record.status.label}"
    if policy.read(store, ticket.queue).on_lost is OnLost.REQUEUE:
        if _requeues(record) < MAX_REQUEUES:
            put_back(store, ticket, _PUT_BACK)
            return f"is put back into queue '{ticket.queue}'"
        claim.ack(ticket)
        return f"has failed: it was put back {MAX_REQUEUES} times already"
    claim.ack(ticket)
    return "has failed with it"


def _say_lost(store: Store, task_id: str) -> None:
    """Call a task whose process died with its worker lost; what a run says itself about its end stands."""

    def keep_dead(paths: TaskPaths, record: TaskRecord) -> None:
        if is_alive(paths.beacon, store.locks):
            raise Conflict(f"task {task_id[:12]} runs after all")

    tasks.transition(
        store,
        task_id,
        Status.FAILED,
        only_from=frozenset({Status.IN_PROGRESS}),
        reason=LOST,
        also=keep_dead,
    )


def _was_lost(record: TaskRecord) -> bool:
    """Tell whether a task's end was that of its worker or machine, and nothing that it did itself."""
    if record.status is Status.FAILED:
        return record.status_reason in (LOST, "lost", "killed")
    return record.status is Status.CREATED and record.status_reason == _PUT_BACK


def _requeues(record: TaskRecord) -> int:
    return record.execution.requeues if record.execution is not None else 0


def put_back(store: Store, ticket: Ticket, reason: str) -> None:
    """Make a task a draft again and enqueue it where it was, with its priority; the ticket that was taken goes last."""

    def count(record: TaskRecord) -> None:
        record.execution = record.execution or Execution()
        record.execution.requeues += 1

    if tasks.read(places.locate(store, ticket.task_id)).status is not Status.CREATED:
        clone.reset(store, ticket.task_id, reason=reason)
        tasks.edit(store, ticket.task_id, count)
    with contextlib.suppress(Conflict):  # somebody has enqueued it meanwhile
        remote.enqueue(store, ticket.task_id, ticket.queue, priority=ticket.place.priority)
    claim.ack(ticket)


def requeue(store: Store, ticket: Ticket) -> str:
    """Put the task of a live worker's own ticket back, because that worker ends; say what became of it."""
    try:
        put_back(store, ticket, "put back: its worker was stopped")
    except (Refused, NotFound) as error:
        claim.ack(ticket)
        return f"cannot be put back: {error}"
    return f"is put back into queue '{ticket.queue}'"
