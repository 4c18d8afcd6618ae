"""A run's state is never a lie: who finds a dead run says so, in the record where that can be written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ..core.clock import UTC
from ..core.errors import BadTransition, Busy, NotFound, ReadOnly
from ..core.states import ENDED, Status, parse
from ..disk.atomic import drop_abandoned
from ..disk.beacon import BY_EXIT_CODE, ended_by_signal, exit_code, is_alive, last_sign, read_beacon, why_gone
from ..disk.layout import TaskPaths
from ..disk.log import is_writer_gone
from ..schema.record import Change, TaskRecord
from . import ancestry, events, stopping, tasks, workers
from .store import Store

_NO_BEACON_S = 7200.0
"""How long a task without a beacon counts as running after its last change: one that a person, an importer or a
remote marked as started. ClearML's watchdog waits as long."""
_SILENT_S = 3600.0


def is_running(store: Store, paths: TaskPaths, record: TaskRecord) -> bool:
    """Tell whether a live process stands behind a task that says it is in progress."""
    if record.status is not Status.IN_PROGRESS:
        return False
    if paths.beacon.exists():
        return is_alive(paths.beacon, store.locks)
    if ancestry.is_elsewhere(paths, record):
        return True  # only its own store can tell
    if _is_being_prepared(record):
        return workers.is_alive_by_name(store, record.last_worker)
    silent = store.clock.now() - (record.last_update or record.created)
    return silent < timedelta(seconds=_NO_BEACON_S)


def is_held(store: Store, paths: TaskPaths, record: TaskRecord) -> bool:
    """Tell whether a process of this store's has a task in hand: one that runs it, or a worker that makes it ready."""
    if record.status is not Status.IN_PROGRESS or ancestry.is_elsewhere(paths, record):
        return False
    if paths.beacon.exists():
        return is_alive(paths.beacon, store.locks)
    return _is_being_prepared(record) and workers.is_alive_by_name(store, record.last_worker)


def _is_being_prepared(record: TaskRecord) -> bool:
    """Tell whether a worker has taken a task that has no beacon: its process has not begun."""
    return bool(record.last_worker and record.execution is not None and record.execution.launch)


def settle(store: Store, paths: TaskPaths, record: TaskRecord) -> TaskRecord:
    """Return the record as it truly is: a run that died becomes failed, with the reason where it can be known.

    That is written down, and the summary brought up to date, where the store can be written; otherwise only the
    returned record says it. What the run was writing when it died goes: nothing was promised of it, no record
    names it, and to be killed is an ordinary end, after which `doctor` is to have nothing to say.
    """
    if record.status is not Status.IN_PROGRESS or is_running(store, paths, record):
        return record
    status, reason, message = how_it_ended(paths)
    if _is_being_prepared(record) and not paths.beacon.exists():
        message = f"worker '{record.last_worker}' is gone, and had not started the task's process"
    if status is Status.STOPPED:
        message = "\n".join(filter(None, (stopping.who_asked(paths), message)))
    ended_at = _last_sign(store, paths)
    try:
        settled = tasks.transition(
            store,
            record.id,
            status,
            only_from=frozenset({Status.IN_PROGRESS}),
            reason=reason,
            message=message,
            also=_still_dead(store, ended_at),
        )
    except (_Alive, BadTransition, NotFound):
        # It lives, or somebody else was first; what they wrote is the truth.
        with contextlib.suppress(FileNotFoundError):
            return tasks.read(paths)
        return record
    except (ReadOnly, Busy, OSError):
        change = Change(status=status, time=store.clock.now(), reason=reason, message=message)
        seen = msgspec.structs.replace(
            record,
            status=status,
            status_reason=reason,
            status_message=message,
            history=[*record.history, change],
        )
        _set_end(seen, ended_at)
        return seen
    with contextlib.suppress(OSError):
        paths.stop.unlink(missing_ok=True)
        events.refresh_summary(paths)
    drop_abandoned(paths.home)
    return settled


def forget_earlier_run(store: Store) -> Callable[[TaskPaths, TaskRecord], None]:
    """Return what a transition to in_progress does too: what an earlier run left says nothing of the new one."""

    def forget(paths: TaskPaths, record: TaskRecord) -> None:
        if not is_alive(paths.beacon, store.locks):
            paths.beacon.unlink(missing_ok=True)

    return forget


def how_it_ended(paths: TaskPaths) -> tuple[Status, str, str]:
    """Return what a run that is gone ended in: what it said itself, else failed."""
    beacon = read_beacon(paths.beacon)
    if beacon is not None and beacon.ended == BY_EXIT_CODE:
        code = exit_code(paths.beacon)
        return (Status.FAILED, f"exit code {code}", "") if code else (Status.COMPLETED, "completed", "")
    said = parse(beacon.ended) if beacon is not None and beacon.ended else None
    if beacon is not None and said in ENDED:
        return said, beacon.reason, "said by the run itself, which could not write its record"
    marked = ended_by_signal(paths.beacon)
    if marked is not None:
        return Status.STOPPED, f"terminated ({marked[0]})", marked[1]
    return Status.FAILED, *why_gone(paths.beacon)


def last_shown(paths: TaskPaths) -> float | None:
    """Return when a run has shown last that it lives, in seconds since 1970: its beacon renewed, or a log written."""
    moments = [last_sign(path) for path in (paths.beacon, *events.scalar_logs(paths), *events.console_logs(paths))]
    return max((moment for moment in moments if moment is not None), default=None)


def _last_sign(store: Store, paths: TaskPaths) -> datetime | None:
    """Return when a run was last seen alive. That, not now, is when it ended."""
    shown = last_shown(paths)
    return min(datetime.fromtimestamp(shown, tz=UTC), store.clock.now()) if shown is not None else None


def _set_end(record: TaskRecord, ended_at: datetime | None) -> None:
    if ended_at is None:
        return
    record.completed = max(ended_at, record.started or ended_at)
    if record.started is not None:
        record.active_duration = (record.completed - record.started).total_seconds()


class _Alive(Exception):
    """The run was found alive after all, under the lock."""


def _still_dead(store: Store, ended_at: datetime | None) -> Callable[[TaskPaths, TaskRecord], None]:
    def check(paths: TaskPaths, record: TaskRecord) -> None:
        if paths.beacon.exists() and is_alive(paths.beacon, store.locks):
            raise _Alive
        _set_end(record, ended_at)

    return check


def may_be_written(store: Store, log: Path) -> bool:
    """Tell whether the writer of a log, or of a sample, may still be there."""
    is_gone = is_writer_gone(log.name)
    if is_gone is not None:
        return not is_gone
    try:
        return store.clock.now().timestamp() - log.stat().st_mtime < _SILENT_S
    except FileNotFoundError:
        return True
