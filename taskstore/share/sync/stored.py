"""The manifest of a store, kept in cache/ so that the next one reads one file and not every record and log.

As the index of listings it is trusted no further than the files' own signatures; a file that was written in the last
instants before it was read is read again. Records, configuration objects and logs are looked at one by one; blobs are
never changed, and a record names each. Deleting the cache changes nothing but speed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec

from ...core.errors import Damaged, TaskstoreError
from ...core.ids import is_id
from ...core.states import Status
from ...disk.atomic import replace_record
from ...disk.layout import RECORD
from ...store import places
from ...store.store import Store
from ..merging import TaskState, digest, is_shared, own_state, shown
from ..merging.state import STATUS
from . import tree
from .manifest import Entry

_VERSION = 2
_RACY_NS = 50_000_000
_BLOBS = frozenset({"source", "files"})


class _Known(msgspec.Struct, array_like=True):
    """One task as it was last read. `signature` is empty where it must be read again.

    `names` are the files that it was made of, a line each, and their folders: a new file changes its folder's time.
    """

    id: str
    names: str
    signature: bytes
    entry: Entry


class _File(msgspec.Struct, array_like=True):
    version: int
    store_id: str
    known: list[_Known]


_decoder = msgspec.msgpack.Decoder(_File)


def store_manifest(store: Store, problems: list[TaskstoreError]) -> dict[str, Entry]:
    """Return an entry for each task in the store, each as its files are now; what cannot be read goes to `problems`."""
    cached = _load(store)
    found: list[_Known] = []
    is_stale = False
    root = str(store.root)
    for home, task_id in _walk(store, problems):
        known, place = cached.get(task_id), home[len(root) :]
        try:
            if known is None or not known.signature or known.signature != _signature(home, place, known.names):
                is_stale = True
                known = _read(store, task_id, home, place)
        except FileNotFoundError:
            if os.path.isdir(home):  # noqa: PTH112 - a text, as all of them
                problems.append(Damaged(Path(home, RECORD), "the file is missing"))
            continue  # otherwise it was moved or deleted just now
        except Damaged as error:
            problems.append(error)
            continue
        found.append(known)
    if is_stale or len(cached) != len(found):
        _save(store, found)
    return {known.id: known.entry for known in found}


def _read(store: Store, task_id: str, home: str, place: str) -> _Known:
    store.places[task_id] = Path(home)  # it was found just now
    names = _names(home)
    signature = _signature(home, place, names, time.time_ns() - _RACY_NS)
    state = own_state(store, task_id)
    if state is None:
        raise FileNotFoundError(task_id)
    if _may_end(state) or _names(home) != names:
        signature = b""
    return _Known(task_id, names, signature, tree.entry_of(state, digest(state)))


def _may_end(state: TaskState) -> bool:
    """Tell whether a task may be found dead the next time, of which none of its files tells."""
    status = state.units.get(STATUS)
    return status is not None and shown(status).value.get("status") == Status.IN_PROGRESS.value


def _walk(store: Store, problems: list[TaskstoreError]) -> Iterator[tuple[str, str]]:
    """Yield the place and the id of each task: in a project, in the trash, and of each that was removed for good."""
    damaged: list[Damaged] = []
    ids = set()
    for folder, task_id in places.walk(store, damaged):
        ids.add(task_id)
        yield f"{folder}{os.sep}{task_id}", task_id
    problems += damaged
    try:
        names = os.listdir(store.paths.trash)  # noqa: PTH208 - names only
    except FileNotFoundError:
        return
    for name in sorted(names):
        task_id = name.removesuffix(".json")
        if is_id(task_id) and task_id not in ids:
            ids.add(task_id)
            yield f"{store.paths.trash}{os.sep}{name}", task_id


def _signature(home: str, place: str, names: str, trusted_ns: int = sys.maxsize) -> bytes:
    """Return what changes when a task's files do, or its place; empty where one has gone, or is later than that."""
    found = [place]
    for name in names.split("\n"):
        try:
            facts = os.lstat(f"{home}/{name}" if name else home)  # noqa: PTH116 - a Path each costs as much again
        except (FileNotFoundError, NotADirectoryError):
            return b""
        found.append(f"{facts.st_ino} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_size}")
        if facts.st_mtime_ns > trusted_ns or facts.st_ctime_ns > trusted_ns:
            return b""
    return blake2b("\n".join(found).encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _names(home: str) -> str:
    """Return the names of a task's files, and of the folders in which there may be more; itself is the empty one.

    Raises FileNotFoundError where it has gone.
    """
    found, pending = [""], [""]
    while pending:
        prefix = pending.pop()
        try:
            entries = sorted(os.scandir(f"{home}/{prefix}"), key=lambda entry: entry.name)
        except NotADirectoryError:  # a tombstone
            break
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if not is_shared(name) or "\n" in name:
                continue
            found.append(name)
            if entry.is_dir(follow_symlinks=False) and name not in _BLOBS:
                pending.append(f"{name}/")
    return "\n".join(found)


def _load(store: Store) -> dict[str, _Known]:
    try:
        file = _decoder.decode(store.paths.shared_manifest.read_bytes())
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, RecursionError, ValueError):
        return {}
    if file.version != _VERSION or file.store_id != store.id:
        return {}
    return {known.id: known for known in file.known}


def _save(store: Store, found: list[_Known]) -> None:
    data = msgspec.msgpack.encode(_File(_VERSION, store.id, found))
    # A store on a read-only mount, or a full disk: the next time is slower, and no more.
    with contextlib.suppress(OSError):
        store.paths.cache.mkdir(exist_ok=True)
        replace_record(store.paths.shared_manifest, data, is_durable=False)
