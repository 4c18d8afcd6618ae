"""Ending a run from outside: it is asked first, and made to after a time of grace."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.clock import SYSTEM, Clock
from ..core.errors import BadTransition, BadValue, Refused, TaskstoreError
from ..core.states import Status
from ..disk.beacon import HEARTBEAT_S, is_alive, read_beacon
from ..disk.layout import TaskPaths
from ..disk.process import ProcessIdentity, is_gone, is_here
from ..schema.record import TaskRecord
from ..store import ancestry, events, liveness, places, stopping, tasks
from ..store.store import Store
from .stopping import POLL_S

if TYPE_CHECKING:
    import psutil

GRACE_S = 10.0
_POLL_S = 0.05
_KILL_WAIT_S = 5.0
_SEEN_WITHIN_S = 4 * HEARTBEAT_S
"""A run on another machine looks at each heartbeat whether it is asked to stop; shared folders are late, too."""


@dataclass(frozen=True)
class Aborted:
    """What became of a task that was aborted; `is_killed` where it did not end by itself in time."""

    record: TaskRecord
    is_killed: bool = False


def abort(
    store: Store,
    task_id: str,
    *,
    grace_s: float = GRACE_S,
    clock: Clock = SYSTEM,
    pause: Callable[[float], None] = time.sleep,
) -> Aborted:
    """End a running or queued task, and return when it has ended.

    A run that has an abort callback is asked first, and given the time that it wants. Its process gets SIGTERM, and
    where it still lives `grace_s` seconds later SIGKILL. One on another machine is asked through the store to end
    itself, and where an agent has started it, made to by that. What it says itself about its end stands; otherwise it
    is stopped. Raises Refused where it has not ended in time there (naming the host), BadTransition where it does not
    run: a run that is found dead is failed from then on.
    """
    if not grace_s >= 0:
        raise BadValue(f"the time of grace is {grace_s}; it is a number of seconds from 0 on")
    paths = places.locate(store, task_id)
    before = tasks.read(paths)
    record = liveness.settle(store, paths, before)
    if ancestry.is_elsewhere(paths, record):
        raise Refused(
            f"task {task_id[:12]} is {record.status.label} in the store that it was copied from; end it there, and "
            "bring it in again"
        )
    if record.status is Status.QUEUED:
        record = stop(store, task_id, frozenset({Status.QUEUED}), "aborted", "it had not begun")
        if record.status is Status.STOPPED:
            return Aborted(record)  # else it has just been started
    if record.status is not Status.IN_PROGRESS:
        raise BadTransition(task_id, record.status.value, Status.STOPPED.value, _hint(before, record))
    beacon = read_beacon(paths.beacon)
    if beacon is None:
        # Marked as started by a person or an importer: there is no process to end.
        return Aborted(stop(store, task_id, frozenset({Status.IN_PROGRESS}), "aborted", ""))
    if not _is_ours(beacon.process):
        return _elsewhere(store, paths, beacon.process, grace_s, clock, pause)
    process = _local(beacon.process)
    if process is not None:
        _ask(store, paths, clock, pause)
    is_killed = _end(store, task_id, process, grace_s, clock, pause)
    return _outcome(store, task_id, grace_s, is_killed=is_killed)


def _ask(store: Store, paths: TaskPaths, clock: Clock, pause: Callable[[float], None]) -> None:
    """Ask a run that wants to be asked, and wait for its answer or its end, but no longer than it wants."""
    listening = stopping.read(paths)
    if listening is None or listening.timeout_s is None:
        return
    asked = stopping.ask(store, paths.id, "", ends_itself=False)

    def is_busy() -> bool:
        home = places.locate(store, paths.id)
        record = stopping.read(home)
        return record is not None and record.answered is None and is_alive(home.beacon, store.locks)

    # It looks every so often, and then writes its answer.
    _wait_while(is_busy, (asked.timeout_s or 0.0) + 3 * POLL_S, clock, pause)


def _hint(before: TaskRecord, now: TaskRecord) -> str:
    if before.status is Status.IN_PROGRESS:
        return f"its process was gone already ({now.status_reason})"
    if now.status is Status.CREATED:
        return f"it has not run; `taskstore rm {now.id[:12]}` deletes it"
    return "it has ended already"


def _is_ours(process: ProcessIdentity) -> bool:
    """Tell whether a process is one of this host that its pid names here, too: that of another container is not."""
    return is_here(process) and is_gone(process) is not None


def _elsewhere(
    store: Store,
    paths: TaskPaths,
    process: ProcessIdentity,
    grace_s: float,
    clock: Clock,
    pause: Callable[[float], None],
) -> Aborted:
    """Ask a run on another machine to end itself; the agent that has started it sees that too, and makes it."""
    asked = stopping.ask(store, paths.id, "", ends_itself=True, grace_s=grace_s)

    def is_running() -> bool:
        home = places.locate(store, paths.id)
        record = tasks.read(home)
        return record.status is Status.IN_PROGRESS and is_alive(home.beacon, store.locks)

    if _wait_while(is_running, (asked.timeout_s or 0.0) + grace_s + _SEEN_WITHIN_S, clock, pause):
        raise Refused(
            f"task {paths.id[:12]} on {process.host} (process {process.pid}) was asked to end and has not yet; "
            f"`taskstore show {paths.id[:12]}` tells when it has, `taskstore abort` there makes it"
        )
    record = tasks.read(places.locate(store, paths.id))
    if record.status is Status.IN_PROGRESS:  # its process is gone, and could not say so
        record = stop(store, paths.id, frozenset({Status.IN_PROGRESS}), "aborted", "")
    return Aborted(record, is_killed="SIGKILL" in record.status_reason)


def _local(process: ProcessIdentity) -> psutil.Process | None:
    """Return the run's process; None where it has just gone."""
    if is_gone(process):
        return None
    import psutil

    try:
        return psutil.Process(process.pid)
    except psutil.NoSuchProcess:
        return None


def _end(
    store: Store,
    task_id: str,
    process: psutil.Process | None,
    grace_s: float,
    clock: Clock,
    pause: Callable[[float], None],
) -> bool:
    """Ask the process to end, then make it; tell whether that was needed."""
    if process is None:
        return False
    import psutil

    def is_running() -> bool:
        # Its beacon, which it gives up when all is written, and not its pid: a zombie has ended too.
        return is_alive(places.locate(store, task_id).beacon, store.locks)

    try:
        process.terminate()
        if not _wait_while(is_running, grace_s, clock, pause):
            return False
        process.kill()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        raise Refused(
            f"task {task_id[:12]} is the process {process.pid} of another user, who alone may end it"
        ) from None
    if _wait_while(is_running, _KILL_WAIT_S, clock, pause):
        raise Refused(f"process {process.pid} of task {task_id[:12]} was killed and does not go; the system holds it")
    return True


def _wait_while(condition: Callable[[], bool], seconds: float, clock: Clock, pause: Callable[[float], None]) -> bool:
    """Wait until the condition is false, at most so long; return it as it is then."""
    deadline = clock.monotonic() + seconds
    while condition():
        left = deadline - clock.monotonic()
        if left <= 0:
            return True
        pause(min(_POLL_S, left))
    return False


def _outcome(store: Store, task_id: str, grace_s: float, *, is_killed: bool) -> Aborted:
    if is_killed:
        message = f"it had not ended {grace_s:g} s after SIGTERM"
        # Who looked in the meantime has called it failed.
        from_ = frozenset({Status.IN_PROGRESS, Status.FAILED})
        return Aborted(stop(store, task_id, from_, "aborted (SIGKILL)", message), is_killed=True)
    return Aborted(stop(store, task_id, frozenset({Status.IN_PROGRESS}), "aborted", ""))


def stop(store: Store, task_id: str, only_from: frozenset[Status], reason: str, message: str) -> TaskRecord:
    """Say that the task is stopped, and sum up its logs, where it has not said itself how it ended."""
    message = "\n".join(filter(None, (stopping.who_asked(places.locate(store, task_id)), message)))
    try:
        record = tasks.transition(store, task_id, Status.STOPPED, only_from=only_from, reason=reason, message=message)
    except BadTransition:
        return tasks.read(places.locate(store, task_id))
    with contextlib.suppress(OSError, TaskstoreError):  # derived: it is read on from, or made again
        paths = places.locate(store, task_id)
        paths.stop.unlink(missing_ok=True)
        events.refresh_summary(paths)
    return record
