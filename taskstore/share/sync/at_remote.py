"""A remote that is no store on a disk: the same tree of files, and in sync/ what is in it.

    taskstore.json, projects/…          as in a store
    sync/tasks/<task id>-<digest>.json  the state of each task; where it is, the files that it names are there
    sync/manifest.json                  which state each task has now

They are written from the bottom up: a task's blobs, its logs, its records, its state, the manifest. So whoever reads from
the manifest finds all that is named. What is named no more is removed once the manifest says so.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import Damaged, NotSupported, ReadOnly, Refused, TaskstoreError
from ...disk.layout import STORE
from ...schema import codec
from ...schema.record import FORMAT, StoreRecord
from ...store.store import Store
from ..remotes.base import Remote
from ..source import Source
from . import choosing, here, manifest, tree
from ..merging import File, Origin, Outcome, TaskState, conflicts, decode_state, digest, encode_state, files_of, is_trashed
from .choosing import Choice
from .kept import Transfer
from .manifest import Entry, Manifest, Told
from .outgoing import Fetched, Outgoing, finished, hashed
from .peer import Moved, Tick, Unfit

_MAX_STATE_BYTES = 256 << 20


@dataclass(frozen=True)
class _Put:
    """A task that is there, and that the manifest does not tell of yet; `before` is the digest that it tells of."""

    before: str
    entry: Entry
    names: frozenset[str]
    stale: frozenset[str]


class RemotePeer:
    """Tasks at a remote. `pool` runs the transfers of single files."""

    can_merge = False

    def __init__(self, store: Store, remote: Remote, pool: Executor, tick: Tick, *, is_trusted: bool) -> None:
        self.origin = Origin(store_id="", address=remote.address, is_trusted=is_trusted)
        self._store = store
        self._remote = remote
        self._pool = pool
        self._tick = tick
        self._transfer = Transfer(store, remote.address)
        self._lock = threading.Lock()
        self._put: dict[str, _Put] = {}
        self._states: frozenset[str] | None = None
        self._is_untidy = False

    def manifest(self, problems: list[TaskstoreError]) -> dict[str, Entry]:
        """Return what the remote says that it holds; where it says nothing, nothing has been pushed there yet."""
        return self._read_manifest().tasks

    def _read_manifest(self) -> Told:
        where = f"{self._remote.address}: {tree.MANIFEST}"
        try:
            told = manifest.decode(manifest.joined(self._remote.read(tree.MANIFEST), where), where)
        except FileNotFoundError:
            told = Told()
            is_store = self._remote.size(STORE) is not None
        else:
            self._is_untidy = bool(told.stale)
            return told
        if not is_store:
            return told
        raise Refused(
            f"{self._remote.address} is a store that is worked in there, and no remote: mount it and give its folder, "
            "or copy it (rsync -a) and `taskstore merge` the copy"
        )

    def check_writable(self) -> None:
        """Make an empty remote where there is none."""
        if not self._remote.is_writable:
            raise ReadOnly(f"{self._remote.address} can only be read; `taskstore pull` takes tasks from it")
        if self._remote.size(tree.MANIFEST) is not None:
            return
        self._write_manifest(Told())
        record = StoreRecord(format=FORMAT, id=secrets.token_hex(16), locks=self._store.locks.value)
        record.created = self._store.clock.now()
        self._remote.write(STORE, [codec.encode(record)])

    def chosen(self, choice: Choice, theirs: Manifest, mine: Manifest) -> set[str]:
        """Return the ids of its tasks that are meant. For a condition, each that differs has to be looked at."""
        named = choosing.in_manifest(theirs, choice.references, choice.project, self.origin.address)
        where = choice.where
        if where is None:
            return named

        def is_meant(task_id: str) -> bool:
            state = self.state(task_id, theirs[task_id])
            files = Fetched(self._remote, tree.folder(state), {}, {}, Moved())
            return choosing.matches(state, theirs[task_id].project, files, where)

        differing = [task_id for task_id in sorted(named) if _digest(mine, task_id) != theirs[task_id].digest]
        meant = self._pool.map(is_meant, differing)
        return {task_id for task_id, is_one in zip(differing, meant, strict=True) if is_one}

    def state(self, task_id: str, entry: Entry) -> TaskState:
        """Return the state that the manifest tells of. Raises Unfit, and FileNotFoundError where it is replaced."""
        name = tree.state_name(task_id, entry.digest)
        where = f"{self._remote.address}: {name}"
        data = manifest.joined(self._remote.read(name), where, _MAX_STATE_BYTES)
        try:
            state = decode_state(data, Path(name))
        except Damaged as error:
            raise Unfit(f"{where}: {error.why}; {manifest.NEXT}") from None
        if state.id != task_id or digest(state) != entry.digest:
            raise Unfit(f"{where} does not hold the state that it is named by; {manifest.NEXT}")
        return state

    # from there

    @contextmanager
    def source(self, state: TaskState, mine: TaskState | None, moved: Moved) -> Iterator[Source]:
        """Fetch the files that this side lacks, several at once; they are kept until the task is there whole."""
        wanted = {} if is_trashed(state) else _missing(state, mine)
        under_way = {name: self._pool.submit(self._fetch, state, name, file, moved) for name, file in wanted.items()}
        yield Fetched(self._remote, tree.folder(state), files_of(state), finished(under_way), moved)
        self._transfer.drop(_key(state.id, name, file) for name, file in wanted.items())

    def _fetch(self, state: TaskState, name: str, file: File, moved: Moved) -> Path:
        place = f"{tree.folder(state)}/{name}"

        def fetch(offset: int) -> Iterator[bytes]:
            for chunk in self._remote.read(place, offset):
                self._tick(len(chunk))
                moved.bytes_in += len(chunk)
                yield chunk

        home = here.folder(self._store, state.id) if name.startswith("events/") else None
        seed = home / name if home is not None and (home / name).is_file() else None
        try:
            return self._transfer.receive(_key(state.id, name, file), file.size, file.hash, fetch, seed=seed)
        except Unfit as error:
            raise Unfit(f"{self._remote.address}: {place}: {error}") from None

    # to there

    def put(self, mine: TaskState, files: Source, theirs: TaskState | None, moved: Moved) -> Outcome:
        """Write what is missing there: blobs, logs, records, the state."""
        told = digest(mine)
        name = tree.state_name(mine.id, told)
        if name not in self._known_states():
            if not is_trashed(mine):
                self._write_files(mine, files, theirs, moved)
            data = encode_state(mine)
            self._send(name, [data], hashed(data), moved)
        before = digest(theirs) if theirs is not None else ""
        names = frozenset([name, *tree.names(mine)])
        stale = self._stale(mine, theirs) - names if theirs is not None else frozenset()
        with self._lock:
            self._put[mine.id] = _Put(before, tree.entry_of(mine, told), names, stale)
        return Outcome(task_id=mine.id, kind="merged" if theirs else "new", conflicts=tuple(conflicts(mine)))

    def _write_files(self, mine: TaskState, files: Source, theirs: TaskState | None, moved: Moved) -> None:
        folder, known = tree.folder(mine), files_of(mine)
        held = files_of(theirs) if theirs and not is_trashed(theirs) and tree.folder(theirs) == folder else {}
        for place, data in tree.project_records(mine).items():
            if self._remote.size(place) is None:
                self._remote.write(place, [data])
        for group in tree.in_order({*files.sizes(), *known}, known):
            parts = [self._part(mine.id, name, known.get(name), files, moved) for name in group]
            finished(
                {
                    name: self._pool.submit(self._send, f"{folder}/{name}", part, part.file, moved)
                    for name, part in zip(group, parts, strict=True)
                    if held.get(name) != part.file
                }
            )

    def _part(self, task_id: str, name: str, file: File | None, files: Source, moved: Moved) -> Outgoing:
        """Return a file to be sent; of a record, of which no state says what it holds, what it holds now."""
        path = Path(task_id, name)
        if file is not None:
            return Outgoing(lambda: files.chunks(name), file, path, self._tick, moved)
        data = b"".join(files.chunks(name))
        return Outgoing(lambda: iter((data,)), hashed(data), path, self._tick, moved)

    def _send(self, name: str, data: Iterable[bytes], file: File, moved: Moved) -> None:
        """Write a file, unless a transfer that was cut off has done so."""
        if self._transfer.has_sent(name, file.size, file.hash) and self._remote.size(name) == file.size:
            return
        self._remote.write(name, data)
        self._transfer.note_sent(name, file.size, file.hash)

    def _known_states(self) -> frozenset[str]:
        """Return the states that are there, told of or not: of what was put before a cut nothing is written again."""
        with self._lock:
            if self._states is None:
                try:
                    self._states = frozenset(self._remote.names(tree.STATES))
                except NotSupported:
                    self._states = frozenset()
            return self._states

    def _stale(self, mine: TaskState, theirs: TaskState) -> frozenset[str]:
        """Return the files of a task that its new state may not have."""
        state = tree.state_name(theirs.id, digest(theirs))
        if is_trashed(theirs):
            return frozenset([state])
        is_elsewhere = is_trashed(mine) or tree.folder(mine) != tree.folder(theirs)
        return frozenset([state, *(self._remote.names(tree.folder(theirs)) if is_elsewhere else tree.names(theirs))])

    def publish(self) -> list[str]:
        """Write the manifest with what was put since; return the ids of tasks that others have changed meanwhile."""
        with self._lock:
            done, self._put = self._put, {}
            self._states = None
        if not done and not self._is_untidy:
            return []
        now = self._read_manifest()
        raced = {key for key, put in done.items() if _digest(now.tasks, key) not in (put.before, put.entry.digest)}
        told = {key: put for key, put in done.items() if key not in raced}
        now.tasks |= {key: put.entry for key, put in told.items()}
        used = {name for put in told.values() for name in put.names}
        now.stale = [
            name for name in {*now.stale, *(each for put in told.values() for each in put.stale)} if name not in used
        ]
        self._write_manifest(now)
        if now.stale:
            for name in now.stale:
                self._remote.remove(name)
            self._write_manifest(Told(now.tasks))
        self._is_untidy = False
        return sorted(raced)

    def _write_manifest(self, told: Told) -> None:
        self._remote.write(tree.MANIFEST, [manifest.encode(told)])

    def forget(self) -> None:
        """Forget what is known of transfers that were cut off: all that was wanted is there."""
        self._transfer.clear()


def _digest(told: Manifest, task_id: str) -> str:
    entry = told.get(task_id)
    return entry.digest if entry is not None else ""


def _missing(state: TaskState, mine: TaskState | None) -> dict[str, File]:
    held = files_of(mine) if mine is not None and not is_trashed(mine) else {}
    return {name: file for name, file in files_of(state).items() if held.get(name) != file}


def _key(task_id: str, name: str, file: File) -> str:
    """Return what a file is kept as: by its hash, or by its name where nobody has hashed it."""
    return file.hash or hashlib.sha256(f"{task_id}/{name}".encode("utf-8", "surrogatepass")).hexdigest()
