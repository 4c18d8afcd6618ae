"""Files that a task does not have because they were left out of the bundle that it came in: that is no damage."""

from __future__ import annotations

import contextlib

from ..core.errors import Damaged
from ..disk import mounts
from ..disk.layout import BUNDLE, TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.bundle import PREFIXES, BundleRecord
from ..schema.record import TaskRecord
from . import tasks

WHY = "left out of the bundle that the task came in; `taskstore import` of a whole one brings it"


def kinds(record: TaskRecord) -> list[str]:
    """Return what was left out when the task came in, as `taskstore zip --without` calls it; it may have come since."""
    return list(dict.fromkeys(kind for mark in record.imported for kind in mark.without))


def gone(paths: TaskPaths, record: TaskRecord) -> list[str]:
    """Return what was left out and has not come since: there is no file of that kind."""
    wanted = {kind: PREFIXES[kind] for kind in [*kinds(record), *_without(paths)] if kind in PREFIXES}
    return [kind for kind, prefix in wanted.items() if not _has(paths, prefix)]


def _has(paths: TaskPaths, prefix: str) -> bool:
    packed = mounts.has(paths.home, prefix)
    if packed is not None:
        return packed
    folder, _, start = prefix.rpartition("/")
    home = paths.home / folder
    return home.is_dir() and any(path.is_file() and path.name.startswith(start) for path in home.rglob("*"))


def may_miss(record: TaskRecord, name: str) -> bool:
    """Tell whether a file of the task that is not there, by its name within the task, was left out."""
    return any(name.startswith(PREFIXES[kind]) for kind in kinds(record) if kind in PREFIXES)


def is_left_out(paths: TaskPaths, name: str) -> bool:
    """Tell the same by what the task's record says now, or the bundle that the task is read in."""
    with contextlib.suppress(Damaged, FileNotFoundError):
        if may_miss(tasks.read(paths), name):
            return True
    return name.startswith(without(paths))


def without(paths: TaskPaths) -> tuple[str, ...]:
    """Return how the names of files begin that are not in the bundle that the task is read in; () for a store."""
    return tuple(PREFIXES[kind] for kind in _without(paths) if kind in PREFIXES)


def _without(paths: TaskPaths) -> list[str]:
    for folder in paths.home.parents:
        with contextlib.suppress(Damaged, OSError):
            path = folder / BUNDLE
            return codec.decode(BundleRecord, read_bytes(path), path).without
    return []
