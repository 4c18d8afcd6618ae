"""Repairs, one a kind of finding. Each looks again under the lock, keeps what it replaces, and can be interrupted."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from ...core.clock import Clock
from ...core.errors import Damaged, Refused
from ...core.ids import is_id
from ...core.names import decode, encode
from ...core.states import Status
from ...disk.atomic import replace_record, sync_folder
from ...disk.beacon import is_alive
from ...disk.layout import StorePaths, TaskPaths
from ...disk.lock import LockKind, edit_lock
from ...disk.log import read_complete
from ...disk.text import parse_yaml_object, read_bytes
from ...schema import codec
from ...schema.record import ProjectRecord, TaskRecord
from .. import events, liveness, places, projects, published, tasks, trash
from ..store import Store
from . import quarantine, queues, salvage
from .contents import PARTS, orphans
from .finding import Finding, Kind


def repair_one(store: Store, finding: Finding) -> None:
    """Do what a finding's `repair` says. Raises OSError or TaskstoreError, with everything as it was."""
    _REPAIRS[finding.kind](store, finding)


def rebuild_store_record(root: Path, clock: Clock) -> None:
    """Write a new record for a store that does not open for want of one; the old one stays beside it in quarantine."""
    paths = StorePaths(root)
    data = _bytes_of(paths.record)
    record = salvage.store_record(
        data, secrets.token_hex(16), has_lock_file=paths.lock.exists() and not paths.leases.exists()
    )
    store = Store(paths, record.id, LockKind(record.locks), clock)
    if data:
        quarantine.keep_bytes(store, paths.record, data, "it could not be read")
    with edit_lock(paths.lock, store.locks):
        _rewrite(paths.record, record, data)


def _bytes_of(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except (FileNotFoundError, Damaged):
        return b""


def _rewrite(path: Path, record: msgspec.Struct, data: bytes) -> None:
    """Replace a record by a rebuilt one, with the keys of the old one that this program does not know."""
    known = msgspec.json.encode(salvage.readable(data))
    replace_record(path, codec.encode_over(record, known, path))


@contextlib.contextmanager
def _locked(store: Store, paths: TaskPaths, *, also_running: bool = False) -> Iterator[None]:
    with edit_lock(paths.lock, store.locks), tasks.writable(paths):
        if not also_running and is_alive(paths.beacon, store.locks):
            raise Refused(f"task {paths.id[:12]} is running; look again when it has ended")
        yield


def _task_record(store: Store, finding: Finding) -> None:
    paths = TaskPaths(finding.path.parent)
    if finding.path.is_dir():
        quarantine.take(store, finding.path, finding.message)
    is_frozen = paths.manifest.exists() and not paths.home.stat().st_mode & 0o200
    with _locked(store, paths):
        data = _bytes_of(paths.record)
        with contextlib.suppress(Damaged):
            codec.decode(TaskRecord, data, paths.record)
            return  # somebody was first
        if data:
            quarantine.keep_bytes(store, paths.record, data, finding.message)
        record = salvage.task_record(data, paths.id, is_frozen=is_frozen, clock=store.clock)
        _rewrite(paths.record, record, data)


def _part(store: Store, finding: Finding) -> None:
    path = finding.path
    # A live run changes its records under the same lock.
    with _locked(store, TaskPaths(path.parent), also_running=True):
        if path.is_dir():
            quarantine.take(store, path, finding.message)
            return
        data = _bytes_of(path)
        quarantine.keep_bytes(store, path, data, finding.message)
        kind = PARTS.get(path.name)
        if kind is not None:
            _rewrite(path, salvage.part(kind, data), data)
        else:
            replace_record(path, codec.encode_plain(salvage.readable(data)))


def _id(store: Store, finding: Finding) -> None:
    paths = TaskPaths(finding.path.parent)

    def change(record: TaskRecord) -> None:
        record.id = paths.id

    _edit_record(store, paths, finding, change)


def _not_trashed(store: Store, finding: Finding) -> None:
    def change(record: TaskRecord) -> None:
        record.trashed = None

    _edit_record(store, TaskPaths(finding.path.parent), finding, change)


def _edit_record(store: Store, paths: TaskPaths, finding: Finding, change: Callable[[TaskRecord], None]) -> None:
    with _locked(store, paths):
        previous = read_bytes(paths.record)
        record = codec.decode(TaskRecord, previous, paths.record)
        if finding.kind is Kind.ID:
            quarantine.keep_bytes(store, paths.record, previous, finding.message)
        change(record)
        tasks.write(paths, record, previous)


def _dead_run(store: Store, finding: Finding) -> None:
    paths = TaskPaths(finding.path)
    if not _is_settled(store, paths):
        # A reader is told the truth also where it cannot be written; who wants it repaired is told why it cannot.
        with _locked(store, paths):
            replace_record(paths.record, read_bytes(paths.record))
        if not _is_settled(store, paths):
            raise Refused(f"the end of task {paths.id[:12]} could not be written down; look again later")


def _is_settled(store: Store, paths: TaskPaths) -> bool:
    liveness.settle(store, paths, tasks.read(paths))
    return tasks.read(paths).status is not Status.IN_PROGRESS


def _task_folder(store: Store, finding: Finding) -> None:
    paths = TaskPaths(finding.path)
    # A run that lives in it goes on writing, and finds its records again.
    with _locked(store, paths, also_running=True):
        task_id = tasks.read(paths).id
        is_there = any(found == task_id for _, found in places.walk(store, []))
        if is_there or store.paths.trashed(task_id).home.exists():
            raise Refused(f"there is a task {task_id} by now")
        tasks.rename_home(paths, finding.path.with_name(task_id))


def _duplicate(store: Store, finding: Finding) -> None:
    if is_alive(TaskPaths(finding.path).beacon, store.locks):
        raise Refused(f"{finding.path} is running; look again when it has ended")
    _quarantine(store, finding)
    store.places.pop(finding.path.name, None)


def _quarantine(store: Store, finding: Finding) -> None:
    home = TaskPaths(finding.path.parent)
    with tasks.writable(home):
        quarantine.take(store, finding.path, finding.message)


def _orphan(store: Store, finding: Finding) -> None:
    paths = TaskPaths(next(folder for folder in finding.path.parents if is_id(folder.name)))
    with _locked(store, paths):
        if finding.path in orphans(paths):  # whoever has put it there may have named it since
            quarantine.take(store, finding.path, finding.message)


def _torn_log(store: Store, finding: Finding) -> None:
    log = finding.path
    with _locked(store, TaskPaths(log.parent.parent)):
        if liveness.may_be_written(store, log):
            raise Refused(f"{log} is being written; look again later")
        length = len(read_complete(log))
        with log.open("rb") as stream:
            stream.seek(length)
            torn = stream.read()
        if torn:
            quarantine.keep_bytes(store, log, torn, f"{finding.message}: it was cut off at byte {length}")
            os.truncate(log, length)


def _summary(store: Store, finding: Finding) -> None:
    paths = TaskPaths(finding.path.parent)
    with _locked(store, paths):
        if paths.summary.is_dir():
            quarantine.take(store, paths.summary, finding.message)
        replace_record(paths.summary, codec.encode(events.rebuild_summary(paths)))
        if not paths.record.stat().st_mode & 0o200:
            paths.summary.chmod(paths.summary.stat().st_mode & ~0o222)


def _write_bits(store: Store, finding: Finding) -> None:
    paths = TaskPaths(finding.path)
    with edit_lock(paths.lock, store.locks):
        if tasks.read(paths).status is Status.PUBLISHED:
            published.take_write_bits(paths)


def _permissions(store: Store, finding: Finding) -> None:
    # Of a published task the next round takes the write permissions off again.
    finding.path.chmod(finding.path.stat().st_mode | (0o700 if finding.path.is_dir() else 0o600))


def _project_record(store: Store, finding: Finding) -> None:
    path = finding.path
    folder = path.parent
    with edit_lock(store.paths.lock, store.locks):
        if path.is_dir():
            quarantine.take(store, path, finding.message)
        data = _bytes_of(path)
        try:
            raw = parse_yaml_object(path, data)
            record = codec.convert(ProjectRecord, raw, path)
        except Damaged:
            raw = {}
            record = salvage.project_record(data, folder.name)
            quarantine.keep_bytes(store, path, data, finding.message)
        names = (decode(folder.name), record.name, record.renaming_to)
        record.name = next((name for name in names if name and encode(name) == folder.name), "")
        record.renaming_to = ""
        projects.write(folder, record, raw)


def _project_folder(store: Store, finding: Finding) -> None:
    with edit_lock(store.paths.lock, store.locks):
        target = finding.path.with_name(encode(finding.path.name))
        if target.exists():
            raise Refused(f"there is {target} already")
        finding.path.rename(target)
        sync_folder(target.parent)
    store.places.clear()


def _unpurged(store: Store, finding: Finding) -> None:
    if finding.path.parent == store.paths.trash:
        trash.remove_tree(finding.path)
    else:
        projects.remove_empty(finding.path)


def _cache(store: Store, finding: Finding) -> None:
    if finding.path.is_dir():
        quarantine.take(store, finding.path, finding.message)
    else:
        finding.path.unlink(missing_ok=True)


def _store_record(store: Store, finding: Finding) -> None:
    rebuild_store_record(store.root, store.clock)


_REPAIRS: Mapping[Kind, Callable[[Store, Finding], None]] = {
    Kind.STORE: _store_record,
    Kind.RECORD: _task_record,
    Kind.PART: _part,
    Kind.ID: _id,
    Kind.DUPLICATE: _duplicate,
    Kind.TASK_FOLDER: _task_folder,
    Kind.TRASHED: _not_trashed,
    Kind.DEAD_RUN: _dead_run,
    Kind.SAMPLE: _quarantine,
    Kind.LOG: _torn_log,
    Kind.SUMMARY: _summary,
    Kind.MANIFEST: _quarantine,
    Kind.WRITE_BITS: _write_bits,
    Kind.ORPHAN: _orphan,
    Kind.BEACON: _quarantine,
    Kind.LEASE: _quarantine,
    Kind.LEFTOVER: _quarantine,
    Kind.UNPURGED: _unpurged,
    Kind.GHOST: _quarantine,
    Kind.STRAY: _quarantine,
    Kind.PERMISSIONS: _permissions,
    Kind.PROJECT: _project_record,
    Kind.PROJECT_FOLDER: _project_folder,
    Kind.QUEUE: queues.mend_queue,
    Kind.TICKET: queues.mend_ticket,
    Kind.CLAIM: queues.mend_claim,
    Kind.UNQUEUED: queues.mend_unqueued,
    Kind.REMOTES: _quarantine,
    Kind.VIEWS: _quarantine,
    Kind.CACHE: _cache,
}
