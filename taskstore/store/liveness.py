"""A run's state is never a lie: who finds a dead run says so, in the record where that can be written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta

import msgspec

from ..core.errors import BadTransition, Busy, NotFound, ReadOnly
from ..core.states import Status
from ..disk.layout import TaskPaths
from ..disk.lock import is_alive, why_gone
from ..schema.record import Change, TaskRecord
from . import events, tasks
from .store import Store

_NO_BEACON_S = 7200.0
"""How long a task without a beacon counts as running after its last change: one that a person, an importer or a
remote marked as started. ClearML's watchdog waits as long."""


def is_running(store: Store, paths: TaskPaths, record: TaskRecord) -> bool:
    """Tell whether a live process stands behind a task that says it is in progress."""
    if record.status is not Status.IN_PROGRESS:
        return False
    if paths.beacon.exists():
        return is_alive(paths.beacon, store.locks)
    silent = store.clock.now() - (record.last_update or record.created)
    return silent < timedelta(seconds=_NO_BEACON_S)


def settle(store: Store, paths: TaskPaths, record: TaskRecord) -> TaskRecord:
    """Return the record as it truly is: a run that died becomes failed, with the reason where it can be known.

    That is written down, and the summary brought up to date, where the store can be written; otherwise only the
    returned record says it.
    """
    if record.status is not Status.IN_PROGRESS or is_running(store, paths, record):
        return record
    status, reason, message = _how_it_ended(paths)
    try:
        settled = tasks.transition(
            store,
            record.id,
            status,
            only_from=frozenset({Status.IN_PROGRESS}),
            reason=reason,
            message=message,
            also=_check_still_dead(store),
        )
    except (_Alive, BadTransition, NotFound):
        # It lives, or somebody else was first; what they wrote is the truth.
        with contextlib.suppress(FileNotFoundError):
            return tasks.read(paths)
        return record
    except (ReadOnly, Busy, OSError):
        change = Change(status=status, time=store.clock.now(), reason=reason, message=message)
        return msgspec.structs.replace(
            record,
            status=status,
            status_reason=reason,
            status_message=message,
            history=[*record.history, change],
        )
    with contextlib.suppress(OSError):
        events.refresh_summary(paths)
    return settled


def _how_it_ended(paths: TaskPaths) -> tuple[Status, str, str]:
    """Return what a run that is gone ended in: what its exit code says where it left one, else failed."""
    with contextlib.suppress(OSError):
        left = paths.exit_code.read_bytes()
        if left == b"\0":
            return Status.COMPLETED, "completed", ""
        if left:
            return Status.FAILED, f"exit code {left[0]}", ""
    return Status.FAILED, *why_gone(paths.beacon)


class _Alive(Exception):
    """The run was found alive after all, under the lock."""


def _check_still_dead(store: Store) -> Callable[[TaskPaths, TaskRecord], None]:
    def check(paths: TaskPaths, record: TaskRecord) -> None:
        if paths.beacon.exists() and is_alive(paths.beacon, store.locks):
            raise _Alive

    return check
