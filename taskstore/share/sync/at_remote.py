"""A remote that is no store on a disk: the same tree of files, and in sync/ what is in it.

    projects/<part>/…/<task id>/…       the files of each task, as in a store
    sync/tasks/<task id>-<digest>.json  the state of each; where it is, the files that it names are there
    sync/manifest.json                  which state each task has now

They are written in this order: a task's blobs, its logs, its records, its state, the manifest. So whoever reads from
the bottom up finds all that is named. What a state names no more is removed once the manifest says so.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import Damaged, NotSupported, TaskstoreError
from ...store.store import Store
from ..merging.state import File, TaskState, digest, join
from ..remotes.base import Remote
from ..source import Source
from . import manifest, tree
from .kept import Transfer
from .manifest import Entry
from .peer import Moved, Unfit, Watch

MANIFEST = "sync/manifest.json"
STATES = "sync/tasks"
_MAX_STATE_BYTES = 256 << 20


@dataclass(frozen=True)
class _Put:
    """A task that is there, and that the manifest does not tell of yet; `before` is what it told of it then."""

    before: str
    entry: Entry
    stale: tuple[str, ...]


class RemotePeer:
    """Tasks at a remote. `files` runs the transfers of single files, and no task's."""

    def __init__(self, store: Store, remote: Remote, files: Executor, watch: Watch) -> None:
        self._store = store
        self._remote = remote
        self._files = files
        self._watch = watch
        self._transfer = Transfer(store, remote.address)
        self._lock = threading.Lock()
        self._put: dict[str, _Put] = {}
        self._told: dict[str, Entry] = {}
        self._states: frozenset[str] | None = None

    @property
    def address(self) -> str:
        """Where it is."""
        return self._remote.address

    def manifest(self, problems: list[TaskstoreError]) -> dict[str, Entry]:
        """Return what the remote says that it holds; nothing is there yet where it has no manifest."""
        where = f"{self.address}: {MANIFEST}"
        try:
            self._told = manifest.decode(manifest.joined(self._remote.read(MANIFEST), where), where)
        except FileNotFoundError:
            self._told = {}
        return dict(self._told)

    def state(self, task_id: str, entry: Entry) -> TaskState:
        """Return the state that the manifest tells of. Raises Unfit, and FileNotFoundError where it is replaced."""
        name = state_name(task_id, entry.digest)
        where = f"{self.address}: {name}"
        data = manifest.joined(self._remote.read(name), where, _MAX_STATE_BYTES)
        try:
            state = tree.decode_state(data)
        except Damaged as error:
            raise Unfit(f"{where}: {error.why}") from None
        if state.id != task_id or digest(state) != entry.digest:
            raise Unfit(f"{where} does not hold the state that its name says; {manifest.NEXT}")
        return state

    # from there

    @contextmanager
    def source(self, state: TaskState, mine: TaskState | None, moved: Moved) -> Iterator[Source]:
        """Fetch the files that this side lacks, several at once, and keep them until the block ends well."""
        wanted = tree.missing(state, mine)
        kept = {name: self._files.submit(self._fetch, state, name, file, moved) for name, file in wanted.items()}
        yield _Fetched(state, {name: future.result() for name, future in _all(kept).items()})
        self._transfer.drop(tree.kept_as(name, file) for name, file in wanted.items())

    def _fetch(self, state: TaskState, name: str, file: File, moved: Moved) -> Path:
        place = f"{tree.folder(state)}/{name}"

        def fetch(offset: int) -> Iterator[bytes]:
            for chunk in self._remote.read(place, offset):
                self._watch.moved(len(chunk))
                moved.bytes_in += len(chunk)
                yield chunk

        seed = tree.older_copy(self._store, state.id, name)
        try:
            return self._transfer.receive(file.size, tree.kept_as(name, file), file.hash, fetch, seed=seed)
        except Unfit as error:
            raise Unfit(f"{self.address}: {place}: {error}") from None

    # to there

    def put(self, mine: TaskState, files: Source, theirs: TaskState | None, moved: Moved) -> list[str]:
        """Write what is missing there: blobs, logs, records, the state."""
        state = mine if theirs is None else join(mine, theirs)
        told = digest(state)
        name = state_name(state.id, told)
        if name not in self._known_states():
            self._write_files(_Sources(mine, files, theirs, self._remote), state, theirs, moved)
            data = tree.encode_state(state)
            self._send(name, _Bytes(data), _told(data), moved)
        stale = tree.stale(theirs, state) if theirs is not None else []
        if theirs is not None and digest(theirs) != told:
            stale = [state_name(state.id, digest(theirs)), *stale]
        before = digest(theirs) if theirs is not None else ""
        with self._lock:
            self._put[state.id] = _Put(before, tree.entry_of(state), tuple(stale))
        return tree.conflicts(state)

    def _write_files(self, sources: _Sources, state: TaskState, theirs: TaskState | None, moved: Moved) -> None:
        folder = tree.folder(state)
        held = tree.held(theirs) if theirs is not None else {}
        for part in (tree.blobs(state), tree.logs(state)):
            self._send_all(
                {
                    f"{folder}/{name}": (sources.chunks(name, file), file)
                    for name, file in part.items()
                    if held.get(f"{folder}/{name}") != file
                },
                moved,
            )
        records = {f"{folder}/{name}": data for name, data in tree.records(state).items()}
        records |= tree.project_files(state)
        last = records.pop(f"{folder}/{tree.RECORD}")
        for some in (records, {f"{folder}/{tree.RECORD}": last}):
            told = {name: (_Bytes(data), _told(data)) for name, data in some.items()}
            self._send_all({name: it for name, it in told.items() if held.get(name) != it[1]}, moved)

    def _send_all(self, wanted: Mapping[str, tuple[Iterable[bytes], File]], moved: Moved) -> None:
        sent = {name: self._files.submit(self._send, name, data, file, moved) for name, (data, file) in wanted.items()}
        for future in _all(sent).values():
            future.result()

    def _send(self, name: str, data: Iterable[bytes], file: File, moved: Moved) -> None:
        """Write a file, unless a transfer that was cut off has done so."""
        if self._transfer.has_sent(name, file.size, file.hash) and self._remote.size(name) == file.size:
            return
        self._remote.write(name, _Counted(data, self._watch, moved))
        self._transfer.note_sent(name, file.size, file.hash)

    def _known_states(self) -> frozenset[str]:
        """Return the states that are there, told of or not: of what was put before a cut nothing is written again."""
        with self._lock:
            if self._states is None:
                try:
                    self._states = frozenset(self._remote.names(STATES))
                except NotSupported:
                    self._states = frozenset()
            return self._states

    def publish(self) -> list[str]:
        """Write the manifest with what was put since; return the ids of tasks that others have changed meanwhile."""
        with self._lock:
            done, self._put = self._put, {}
        if not done:
            return []
        now = self.manifest([])
        raced = [task_id for task_id, put in done.items() if _told_digest(now, task_id) not in (put.before, put.entry.digest)]
        for task_id, put in done.items():
            if task_id not in raced:
                now[task_id] = put.entry
        self._remote.write(MANIFEST, _Bytes(manifest.encode(now)))
        self._told = now
        for task_id, put in done.items():
            if task_id not in raced:
                for name in put.stale:
                    self._remote.remove(name)
        self._states = None
        return raced
