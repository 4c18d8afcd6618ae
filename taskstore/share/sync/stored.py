"""The manifest of a store, kept in cache/ so that the next one reads one file and not every record and log.

As the index of listings it is trusted no further than the files' own signatures; a file that was written in the last
instants before it was read is read again. Records, configuration objects and logs are looked at one by one; blobs are
never changed, and a record names each. Deleting the cache changes nothing but speed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec

from ...core.errors import Damaged, TaskstoreError
from ...core.ids import is_id
from ...core.states import Status
from ...disk.atomic import is_temporary, replace_record
from ...disk.layout import BEACON, LOCK, STOP, SUMMARY
from ...store import places
from ...store.store import Store
from ..merging import TaskState, digest, own_state, shown
from ..merging.state import STATUS
from . import tree
from .manifest import Entry

_VERSION = 1
_RACY_NS = 50_000_000
_NOT_SHARED = frozenset({SUMMARY, STOP, LOCK, BEACON})
_BLOBS = frozenset({"source", "files"})


class _Known(msgspec.Struct, array_like=True):
    """One task as it was last read. `signature` is empty where it must be read again."""

    id: str
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
        known = cached.get(task_id)
        try:
            signature = _signature(home, home[len(root) :])
            if known is None or not known.signature or known.signature != signature:
                is_stale = True
                known = _read(store, task_id, home, signature)
        except FileNotFoundError:
            continue  # moved or deleted just now
        except Damaged as error:
            problems.append(error)
            continue
        found.append(known)
    if is_stale or len(cached) != len(found):
        _save(store, found)
    return {known.id: known.entry for known in found}


def _read(store: Store, task_id: str, home: str, signature: bytes) -> _Known:
    store.places[task_id] = Path(home)  # it was found just now
    state = own_state(store, task_id)
    if state is None:
        raise FileNotFoundError(task_id)
    return _Known(task_id, b"" if _may_end(state) else signature, tree.entry_of(state, digest(state)))


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


def _signature(home: str, place: str) -> bytes:
    """Return what changes when a task's files do, or its place; empty where a clock may be too coarse to tell.

    Raises FileNotFoundError where the task has gone.
    """
    found: list[str] = [place]
    latest = _look(home, found)
    if latest > time.time_ns() - _RACY_NS:
        return b""
    return blake2b("\n".join(found).encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _look(folder: str, found: list[str]) -> int:
    """Append a line for each file; return when one was changed last."""
    latest = 0
    try:
        with os.scandir(folder) as entries:
            names = sorted(entries, key=lambda entry: entry.name)
    except NotADirectoryError:  # a tombstone
        facts = os.stat(folder)  # noqa: PTH116 - as below
        found.append(f"{facts.st_ino}:{facts.st_mtime_ns}:{facts.st_size}")
        return max(facts.st_mtime_ns, facts.st_ctime_ns)
    for entry in names:
        name = entry.name
        if name in _NOT_SHARED or is_temporary(name):
            continue
        facts = entry.stat(follow_symlinks=False)
        changed = max(facts.st_mtime_ns, facts.st_ctime_ns)
        latest = max(latest, changed)
        if not stat.S_ISDIR(facts.st_mode):
            found.append(f"{name}:{facts.st_ino}:{changed}:{facts.st_size}")
        elif name in _BLOBS:
            found.append(f"{name}/{changed}")
        else:
            found.append(f"{name}/")
            latest = max(latest, _look(entry.path, found))
    return latest


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
