"""Handing a task over to a queue: from outside, and by the program that runs in it."""

from __future__ import annotations

import os
import sys

from ..core.errors import BadValue, Refused
from ..core.states import Status
from ..queues import queue as queues
from ..schema.record import TaskRecord
from ..sections import clone
from ..store import liveness, places, tasks, tickets
from ..store.store import ROOT_VARIABLE, Store
from . import launch, trust
from . import session as sessions
from .ending import Outcome
from .mode import TASK_VARIABLE, Mode
from .session import Session
from .sink import warn

_RESET_FIRST = frozenset({Status.COMPLETED, Status.CLOSED})
"""What cannot be enqueued as it is: what was stopped or has failed can, and keeps what it has produced."""


def enqueue(
    store: Store,
    task_id: str,
    queue: str = tickets.DEFAULT,
    *,
    priority: int = 0,
    force: bool = False,
    is_trusted: bool = False,
) -> TaskRecord:
    """Put a task into a queue; with `force` one that is completed is reset first, which deletes its outputs.

    Raises as `queues.queue.enqueue` does, and Refused for one that came from elsewhere and is not trusted, or is no
    Python program, before anything is deleted.
    """
    queue = queues.find(store, queue)
    trust.check(store, task_id, is_trusted=is_trusted)
    paths = places.locate(store, task_id)
    launch.check_binary(f"task {task_id[:12]}", tasks.read_script(paths).binary)
    record = liveness.settle(store, paths, tasks.read(paths))
    if force and record.status in _RESET_FIRST:
        clone.reset(store, task_id)
    return queues.enqueue(store, task_id, queue, priority=priority)


def dequeue(store: Store, task_id: str) -> TaskRecord:
    """Take a task out of its queue. Raises Refused where it waits in none."""
    return queues.dequeue(store, task_id)


def execute_remotely(
    store: Store, task_id: str, queue: str | None, *, with_clone: bool, exit_process: bool
) -> str | None:
    """Hand this process's task over to a queue, and leave; return the id of what was enqueued where it goes on.

    See `Lifecycle.execute_remotely`.
    """
    session = sessions.opened()
    if session is None or session.task_id != task_id:
        return _enqueue_another(store, task_id, queue, with_clone=with_clone)
    if session.is_rerun or session.mode is Mode.HELPER:
        return None  # launched for it, or a part of what was, or of what decides itself
    if not with_clone and not exit_process:
        raise BadValue("a task that goes on here cannot be enqueued too; give clone=True, or exit_process=True")
    if not session.is_recording:
        warn("execute_remotely: this run is not recorded, so there is nothing to enqueue; it goes on here")
        return None
    if queue is not None:
        queue = queues.find(store, queue)
    handed = _cloned(session) if with_clone else _stopped(session, queue)
    if queue is not None:
        queues.enqueue(store, handed, queue)
    elif not with_clone:
        clone.reset(store, handed)
    _tell(handed, queue)
    if exit_process:
        sys.exit(0)
    return handed


def simulate(store: Store, task_id: str, *, with_reset: bool) -> None:
    """Have this process's Task.init begin a task as if it had been launched for it, by its environment alone.

    Raises BadTransition for a task that has ended, unless it is reset, which deletes what it has produced; Refused
    where a task is open in this process, or the task came from elsewhere and nobody has said that it may run.
    """
    session = sessions.opened()
    if session is not None:
        raise Refused(f"task {session.task_id[:12]} is open in this process; say it before Task.init")
    trust.check(store, task_id, is_trusted=False)
    if with_reset:
        clone.reset(store, task_id)
    launch.check_runnable(store, places.locate(store, task_id))
    os.environ[TASK_VARIABLE], os.environ[ROOT_VARIABLE] = task_id, str(store.root)


def _enqueue_another(store: Store, task_id: str, queue: str | None, *, with_clone: bool) -> str:
    if queue is None:
        raise Refused(f"task {task_id[:12]} is not this process's open task; name the queue that it is to wait in")
    queue = queues.find(store, queue)
    warn(f"execute_remotely: task {task_id[:12]} is not this process's own; it is enqueued, and nothing else is done")
    if with_clone:
        task_id = clone.clone(store, places.locate(store, task_id)).id
    enqueue(store, task_id, queue)
    return task_id


def _cloned(session: Session) -> str:
    session.wait_for_code()
    return clone.clone(session.store, session.paths(), name=tasks.read(session.paths()).name).id


def _stopped(session: Session, queue: str | None) -> str:
    where = f"queue '{queue}'" if queue is not None else "nobody: left as a draft"
    session.close(Outcome(Status.STOPPED, f"handed over to {where}"))
    session.sink.writer.refuse(Refused(f"task {session.task_id[:12]} was handed over to {where}"))
    return session.task_id


def _tell(task_id: str, queue: str | None) -> None:
    if queue is None:
        warn(f"task {task_id[:12]} is a draft; `taskstore run {task_id[:12]}` runs it")
    else:
        warn(f"task {task_id[:12]} waits in queue '{queue}'; `{queues.how_to_run(queue)}` runs what waits there")
