"""Files that a task does not have because they were left out of the bundle that it came in: that is no damage."""

from __future__ import annotations

import contextlib

from ..core.errors import Damaged
from ..disk.layout import TaskPaths
from ..schema.bundle import PREFIXES
from ..schema.record import TaskRecord
from . import tasks


def kinds(record: TaskRecord) -> list[str]:
    """Return what was left out when the task came in, as `taskstore zip --without` calls it; it may have come since."""
    return list(dict.fromkeys(kind for mark in record.imported for kind in mark.without))


def may_miss(record: TaskRecord, name: str) -> bool:
    """Tell whether a file of the task that is not there, by its name within the task, was left out."""
    return any(name.startswith(PREFIXES[kind]) for kind in kinds(record) if kind in PREFIXES)


def is_left_out(paths: TaskPaths, name: str) -> bool:
    """Tell the same by what the task's record says now."""
    with contextlib.suppress(Damaged, FileNotFoundError):
        return may_miss(tasks.read(paths), name)
    return False
