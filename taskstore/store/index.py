"""What a listing knows of every task, kept in cache/ so that the next one reads one file and not three a task.

The index is never trusted further than the records' own signatures (inode, mtime, size), and a record that was
written in the last instants before it was read is not trusted at all, because a clock's tick is longer than an edit.
A log has no signature, for a process may outlive the run and still report: where the writer of one may be alive, the
sizes of the logs are remembered, and looked at again.
Deleting the cache changes nothing but speed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..core.errors import Damaged, NotFound, TaskstoreError
from ..core.states import Status
from ..disk import mounts
from ..disk.atomic import replace_record
from ..disk.layout import EVENTS, PARAMS, RECORD, SUMMARY, TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.record import LastMetric, Parameter, ParamsRecord, SummaryRecord, TaskRecord
from . import events, liveness, places
from .store import Store

_VERSION = 2
_RACY_NS = 50_000_000
_STALE_BEFORE_SAVE = 50


class Entry(msgspec.Struct, array_like=True):
    """One task as the listing last read it. `signature` is empty where it must be read again.

    `watched` are the sizes of its scalar logs; None where nobody can be writing to them any more.
    """

    id: str
    folder: str
    signature: tuple[int, ...]
    task: TaskRecord
    hyperparams: dict[str, dict[str, Parameter]]
    last_metrics: dict[str, dict[str, LastMetric]]
    last_iteration: int | None = None
    watched: dict[str, int] | None = None


class _File(msgspec.Struct, array_like=True):
    version: int
    store_id: str
    entries: list[Entry]


_decoder = msgspec.msgpack.Decoder(_File)


def entries(store: Store, damaged: list[Damaged], known: dict[str, Entry] | None = None) -> Iterator[Entry]:
    """Yield an entry for each task in the tree, each as its files are now; broken ones go to `damaged`.

    Live runs are looked at closely: a dead one is settled, and metrics are read up to the last line. Who lists again
    and again gives `known`, which is filled: what has not changed since is then the same object.
    """
    cached = known or _load(store)
    found: list[Entry] = []
    stale = 0
    root = str(store.paths.projects)
    for folder, task_id in places.walk(store, damaged):
        home = f"{folder}{os.sep}{task_id}"
        signature = _signature(home)
        entry = cached.get(task_id)
        if entry is None or not entry.signature or entry.signature != signature or _has_grown(store, home, entry):
            stale += 1
            entry = _read(store, home, signature, damaged)
            if entry is None:
                continue
        entry.folder = folder[len(root) + 1 :]
        if entry.task.status is Status.IN_PROGRESS:
            entry = _look_closely(store, Path(home), entry)
        found.append(entry)
        yield entry
    if stale > _STALE_BEFORE_SAVE or len(cached) > 2 * len(found) + _STALE_BEFORE_SAVE:
        _save(store, found)
    if known is not None:
        known.clear()
        known.update((entry.id, entry) for entry in found)


def _signature(home: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for name in (RECORD, PARAMS, SUMMARY):
        try:
            stat = os.stat(f"{home}/{name}")  # noqa: PTH116 - ten thousand of them: a Path each costs as much again
        except OSError:
            numbers += (0, 0, 0)
        else:
            numbers += (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    try:
        stat = os.stat(f"{home}/{EVENTS}")  # noqa: PTH116 - as above
    except OSError:
        numbers += (0, 0, 0)
    else:
        numbers += (stat.st_ino, max(stat.st_mtime_ns, stat.st_ctime_ns), 0)  # a copy of a store keeps the first
    return tuple(numbers)


def _has_grown(store: Store, home: str, entry: Entry) -> bool:
    """Tell whether the logs of a task are not as they were read, or may be read now for good."""
    if entry.watched is None:
        return False
    paths = TaskPaths(Path(home))
    return events.scalar_sizes(paths) != entry.watched or _watched(store, paths) is None


def _watched(store: Store, paths: TaskPaths) -> dict[str, int] | None:
    if any(liveness.may_be_written(store, log) for log in events.scalar_logs(paths)):
        return events.scalar_sizes(paths)
    return None


def _read(store: Store, home: str, signature: tuple[int, ...], damaged: list[Damaged]) -> Entry | None:
    paths = TaskPaths(Path(home))
    is_racy = max(signature[1::3]) > time.time_ns() - _RACY_NS
    try:
        task = codec.decode(TaskRecord, read_bytes(paths.record), paths.record)
        if task.id != paths.id:
            raise Damaged(paths.record, f"it says that its id is {task.id!r}")  # noqa: TRY301
        params = _optional(ParamsRecord, paths.params)
    except FileNotFoundError:
        if paths.home.is_dir():
            damaged.append(Damaged(paths.record, "the file is missing"))
        return None
    except Damaged as error:
        damaged.append(error)
        return None
    watched = _watched(store, paths)  # before the logs are read: what comes after is news
    summary = _summary(paths, task)
    return Entry(
        paths.id,
        "",
        () if is_racy else signature,
        task,
        params.hyperparams if params else {},
        summary.last_metrics,
        summary.last_iteration,
        watched,
    )


def entry_of(store: Store, paths: TaskPaths) -> Entry:
    """Return one task's entry, read afresh. Raises Damaged, or NotFound where it has just gone."""
    damaged: list[Damaged] = []
    entry = _read(store, str(paths.home), _signature(str(paths.home)), damaged)
    if damaged:
        raise damaged[0]
    if entry is None:
        raise NotFound("task", paths.id, "it was moved or deleted just now")
    return _look_closely(store, paths.home, entry) if entry.task.status is Status.IN_PROGRESS else entry


def _optional(kind: type[ParamsRecord], path: Path) -> ParamsRecord | None:
    try:
        return codec.decode(kind, read_bytes(path), path)
    except FileNotFoundError:
        return None


def _summary(paths: TaskPaths, task: TaskRecord) -> SummaryRecord:
    """Return the summary as the logs are now: a child of the run may have reported since its end.

    What was behind is written down, but for a published task, whose files are final.
    """
    is_sound = True
    try:
        stored = codec.decode(SummaryRecord, read_bytes(paths.summary), paths.summary)
    except FileNotFoundError:
        stored = SummaryRecord()
    except Damaged:
        stored, is_sound = SummaryRecord(), False  # doctor's
    if task.status is Status.IN_PROGRESS:
        return stored  # it is looked at closely
    try:
        if stored.covered == events.scalar_sizes(paths) and is_sound:
            return stored
        summary = events.read_summary(paths)
    except (OSError, TaskstoreError):
        return stored
    if is_sound and summary != stored and task.status not in (Status.PUBLISHED, Status.PUBLISHING):
        with contextlib.suppress(OSError):
            events.write_summary(paths, summary)
    return summary


def _look_closely(store: Store, home: Path, entry: Entry) -> Entry:
    paths = TaskPaths(home)
    try:
        mounts.bring_task(home)
        task = liveness.settle(store, paths, entry.task)
        summary = events.read_summary(paths)
    except (OSError, TaskstoreError):
        return entry
    return Entry(entry.id, entry.folder, (), task, entry.hyperparams, summary.last_metrics, summary.last_iteration)


def _load(store: Store) -> dict[str, Entry]:
    try:
        file = _decoder.decode(store.paths.index.read_bytes())
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, RecursionError, ValueError):
        return {}
    if file.version != _VERSION or file.store_id != store.id:
        return {}
    return {entry.id: entry for entry in file.entries}


def is_sound(store: Store) -> bool:
    """Tell whether the stored index can be read, or there is none: a listing does without one that cannot."""
    try:
        _decoder.decode(store.paths.index.read_bytes())
    except FileNotFoundError:
        return True
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, RecursionError, ValueError):
        return False
    return True


def _save(store: Store, found: list[Entry]) -> None:
    data = msgspec.msgpack.encode(_File(_VERSION, store.id, found))
    # A store on a read-only mount, or a full disk: the next listing is slower, and no more.
    with contextlib.suppress(OSError):
        store.paths.cache.mkdir(exist_ok=True)
        replace_record(store.paths.index, data, is_durable=False)
