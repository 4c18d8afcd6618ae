"""Changing a record of a task that names blobs: blob first, then the record, both under the task's lock."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.artifact import ArtifactsRecord
from ..schema.model import ModelsRecord
from ..schema.record import FileRef
from . import blobs, tasks
from .store import Store

T = TypeVar("T", ArtifactsRecord, ModelsRecord)
R = TypeVar("R")


def read(kind: type[T], path: Path) -> T:
    """Return a record; none is an empty one. Raises Damaged."""
    try:
        return codec.decode(kind, read_bytes(path), path)
    except FileNotFoundError:
        return kind()


def change(
    store: Store,
    task_id: str,
    kind: type[T],
    path_of: Callable[[TaskPaths], Path],
    files_of: Callable[[T], Iterable[FileRef]],
    action: Callable[[TaskPaths, T], R],
) -> R:
    """Let `action` change a record, and delete the blobs that it no longer names afterwards.

    `action` may be run again when the task moves during it; what it raises leaves the record as it was.
    """

    def under_lock(paths: TaskPaths) -> R:
        path = path_of(paths)
        previous = read_bytes(path) if path.exists() else b"{}"
        record = codec.decode(kind, previous, path)
        before = {ref.path: ref for ref in files_of(record)}
        result = action(paths, record)
        record.rev += 1
        tasks.replace_part(path, record, previous)
        _remove(paths, before, {ref.path for ref in files_of(record)})
        return result

    return tasks.under_lock(store, task_id, under_lock)


def replace(path: Path, record: T) -> None:
    """Replace a record that has changed; the caller holds the task's lock."""
    record.rev += 1
    tasks.replace_part(path, record, read_bytes(path))


def _remove(paths: TaskPaths, before: dict[str, FileRef], after: set[str]) -> None:
    for path, ref in before.items():
        if path not in after:
            with contextlib.suppress(OSError, RuntimeError):
                blobs.remove(paths, ref)
