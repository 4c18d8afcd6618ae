"""A remote that is no store on a disk: the same tree of files, and in sync/ what is in it.

    taskstore.json, projects/…          as in a store
    sync/tasks/<task id>-<digest>.json  the state of each task; where it is, the files that it names are there
    sync/manifest.json                  which state each task has now

They are written from the bottom up: a task's blobs, its logs, its records, its state, the manifest. So whoever reads
from the manifest on finds all that is named. What is named no more is removed once the manifest says so.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...core.errors import Damaged, NotFound, NotSupported, ReadOnly, Refused, TaskstoreError
from ...disk.layout import EVENTS, RECORD, STORE, SUMMARY
from ...schema import codec
from ...schema.record import FORMAT, StoreRecord
from ...store import events
from ...store.store import Store
from ..merging import MERGED, NEW, File, Origin, Outcome, TaskState, conflicts, digest, is_trashed, join
from ..merging.own import Here
from ..merging.reading import RECORDS, files_of_value
from ..remotes.base import Remote
from ..source import Source
from . import choosing, here, manifest, tree
from .choosing import Choice
from .kept import Transfer
from .manifest import Entry, Manifest, Told
from .outgoing import Fetched, Outgoing, finished, hashed
from .peer import Moved, There, Tick, Unfit

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

    def __init__(
        self,
        store: Store,
        remote: Remote,
        pool: Executor,
        tick: Tick,
        *,
        is_trusted: bool,
        must_exist: bool = False,
    ) -> None:
        self.origin = Origin(store_id="", address=remote.address, is_trusted=is_trusted)
        self._store = store
        self._remote = remote
        self._must_exist = must_exist
        self._pool = pool
        self._tick = tick
        self._transfer = Transfer(store, remote.address)
        self._lock = threading.Lock()
        self._told: Manifest = {}
        self._put: dict[str, _Put] = {}
        self._states: frozenset[str] | None = None
        self._is_untidy = False

    def manifest(self, problems: list[TaskstoreError]) -> dict[str, Entry]:
        """Return what the remote says that it holds; where it says nothing, nothing has been pushed there yet.

        Raises NotFound for that, where it must exist.
        """
        self._told = self._read_manifest().tasks
        return self._told

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
        if not is_store and self._must_exist:
            raise NotFound(
                "store", self._remote.address, "nothing of taskstore's is there yet; the first push makes one"
            )
        if not is_store:
            return told
        raise Refused(
            f"{self._remote.address} is a store that is worked in there, and no remote: mount it and give its folder, "
            "or copy it (rsync -a) and `taskstore merge` the copy"
        )

    def check_writable(self) -> None:
        """Raise ReadOnly for a kind that can only be read."""
        if not self._remote.is_writable:
            raise ReadOnly(f"{self._remote.address} can only be read; `taskstore pull` takes tasks from it")

    def make(self) -> None:
        """Make an empty remote where there is none."""
        if self._remote.size(STORE) is not None:
            return
        if self._remote.size(tree.MANIFEST) is None:
            self._write_manifest(Told())
        record = StoreRecord(format=FORMAT, id=secrets.token_hex(16), locks=self._store.locks.value)
        record.created = self._store.clock.now()
        self._remote.write(STORE, [codec.encode(record)])

    def expect(self, known: Manifest, wanted: list[str]) -> None:
        """Need nothing."""

    def chosen(self, choice: Choice, theirs: Manifest, mine: Manifest) -> set[str]:
        """Return the ids of its tasks that are meant. For a condition, each that differs has to be looked at."""
        named = choosing.in_manifest(theirs, choice.references, choice.project, self.origin.address)
        where = choice.where
        if where is None:
            return named

        def is_meant(task_id: str) -> bool:
            state = self.look(task_id, theirs[task_id]).state
            files = Fetched(self._remote, tree.folder(state), {}, {}, self._tick, Moved())
            return choosing.matches(state, theirs[task_id].project, files, where)

        differing = [task_id for task_id in sorted(named) if _digest(mine, task_id) != theirs[task_id].digest]
        meant = self._pool.map(is_meant, differing)
        return {task_id for task_id, is_one in zip(differing, meant, strict=True) if is_one}

    def look(self, task_id: str, entry: Entry) -> There:
        """Return what the manifest tells of. Raises Unfit, and FileNotFoundError where it was replaced since."""
        name = tree.state_name(task_id, entry.digest)
        where = f"{self._remote.address}: {name}"
        data = manifest.joined(self._remote.read(name), where, _MAX_STATE_BYTES)
        try:
            there = tree.decode_state_file(data, Path(name))
        except Damaged as error:
            raise Unfit(f"{where}: {error.why}; {manifest.NEXT}") from None
        if there.state.id != task_id or digest(there.state) != entry.digest:
            raise Unfit(f"{where} does not hold the state that it is named by; {manifest.NEXT}")
        return there

    # from there

    @contextmanager
    def source(self, theirs: There, mine: Here | None, moved: Moved) -> Iterator[Source]:
        """Fetch the files that this side lacks, several at once; they are kept until the task is here whole."""
        state = theirs.state
        if is_trashed(state):
            yield Fetched(self._remote, "", {}, {}, self._tick, moved)
            return
        wanted = lacking(theirs, mine)
        home = mine.paths.home if mine is not None and mine.paths is not None else None
        under_way = {
            name: self._pool.submit(self._fetch, state, name, file, home, moved) for name, file in wanted.items()
        }
        yield Fetched(self._remote, tree.folder(state), theirs.files, finished(under_way), self._tick, moved)
        self._transfer.drop(_key(state.id, name, file) for name, file in wanted.items())

    def _fetch(self, state: TaskState, name: str, file: File, home: Path | None, moved: Moved) -> Path:
        place = f"{tree.folder(state)}/{name}"

        def fetch(offset: int) -> Iterator[bytes]:
            for chunk in self._remote.read(place, offset):
                self._tick(len(chunk))
                moved.bytes_in += len(chunk)
                yield chunk

        is_log = home is not None and name.startswith(f"{EVENTS}/") and (home / name).is_file()
        seed = home / name if home is not None and is_log else here.twin(self._store, file) if file.hash else None
        try:
            return self._transfer.receive(_key(state.id, name, file), file.size, file.hash, fetch, seed=seed)
        except Unfit as error:
            raise Unfit(f"{self._remote.address}: {place}: {error}") from None

    # to there

    def put(self, mine: Here, theirs: There | None, moved: Moved) -> Outcome:
        """Write what is missing there: blobs, logs, records, what is said of them."""
        state = mine.state
        told = digest(state)
        before = digest(theirs.state) if theirs is not None else _digest(self._told, state.id)
        name = tree.state_name(state.id, told)
        parts = {} if is_trashed(state) else self._parts(mine, moved)
        there = There(state, {part: each.file for part, each in parts.items()})
        if name not in self._known_states():
            self._write_files(there, parts, theirs)
            data = tree.encode_state_file(there)
            self._send(name, [data], hashed(data))
        used = frozenset([name, *_places(there)])
        stale = self._stale(there, theirs) - used if theirs is not None else frozenset()
        with self._lock:
            self._put[state.id] = _Put(before, tree.entry_of(state, told), used, stale)
        return Outcome(task_id=state.id, kind=MERGED if theirs else NEW, conflicts=tuple(sorted(conflicts(state))))

    def _parts(self, mine: Here, moved: Moved) -> dict[str, Outgoing]:
        """Return the files of a task of this side: those that have a hash, and of records what they hold."""
        assert mine.survey is not None  # noqa: S101 - it is not deleted, so it was surveyed
        source, survey = here.files(mine), mine.survey
        records = dict(survey.records)
        for name in tree.UNHASHED:
            with suppress(FileNotFoundError):
                records[name] = b"".join(source.chunks(name))
        if mine.paths is not None and mine.state.logs and SUMMARY not in records:
            records[SUMMARY] = codec.encode(events.read_summary(mine.paths))
        tick = self._tick
        path = Path(mine.state.id)
        parts = {
            name: Outgoing(partial(source.chunks, name), file, path / name, tick, moved)
            for name, file in survey.files.items()
        }
        for name, data in records.items():
            parts[name] = Outgoing(partial(iter, (data,)), hashed(data), path / name, tick, moved)
        return parts

    def _write_files(self, there: There, parts: Mapping[str, Outgoing], theirs: There | None) -> None:
        if not parts:
            return
        folder = tree.folder(there.state)
        is_same_place = theirs is not None and not is_trashed(theirs.state) and tree.folder(theirs.state) == folder
        held = theirs.files if theirs is not None and is_same_place else {}
        for place, data in tree.project_records(there.state).items():
            if self._remote.size(place) is None:
                self._remote.write(place, [data])
        for group in tree.in_order(parts):
            wanted = [name for name in group if held.get(name) != parts[name].file]
            finished(
                {
                    name: self._pool.submit(self._send, f"{folder}/{name}", parts[name], parts[name].file)
                    for name in wanted
                }
            )

    def _send(self, name: str, data: Iterable[bytes], file: File) -> None:
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

    def _stale(self, there: There, theirs: There) -> frozenset[str]:
        """Return the files of a task that its new state may not have."""
        state = tree.state_name(theirs.state.id, digest(theirs.state))
        if is_trashed(theirs.state):
            return frozenset([state])
        folder = tree.folder(theirs.state)
        is_gone = is_trashed(there.state) or tree.folder(there.state) != folder
        return frozenset([state, *(self._remote.names(folder) if is_gone else _places(theirs))])

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
            for name in sorted(now.stale, key=_when_removed):
                self._remote.remove(name)
            self._write_manifest(Told(now.tasks))
        self._is_untidy = False
        return sorted(raced)

    def _write_manifest(self, told: Told) -> None:
        self._remote.write(tree.MANIFEST, [manifest.encode(told)])

    def forget(self) -> None:
        """Forget what is known of transfers that were cut off: all that was wanted is there."""
        self._transfer.clear()

    def remember(self) -> None:
        """Need nothing: the manifest is there."""


def _when_removed(name: str) -> tuple[int, str]:
    """Put what names other files before them."""
    return (0 if name.startswith(tree.STATES) else 1 if name.endswith(f"/{RECORD}") else 2, name)


def _digest(told: Manifest, task_id: str) -> str:
    entry = told.get(task_id)
    return entry.digest if entry is not None else ""


def _places(there: There) -> list[str]:
    if is_trashed(there.state):
        return []
    folder = tree.folder(there.state)
    return [f"{folder}/{name}" for name in there.files]


def lacking(theirs: There, mine: Here | None) -> dict[str, File]:
    """Return the files of the other side that the join needs and that this side has not, whatever they are called."""
    if mine is None or mine.survey is None:
        unread = {*RECORDS, *tree.UNHASHED} - {SUMMARY}
        return {name: file for name, file in theirs.files.items() if name not in unread}
    joined = join(mine.state, theirs.state)
    is_current = joined.generation == theirs.state.generation
    named = {
        file.hash
        for name, unit in joined.units.items()
        for version in unit.heads
        for _, file in files_of_value(name, version.value)
    }
    held = mine.survey.by_hash()
    return {
        name: file
        for name, file in theirs.files.items()
        if (is_current and name in theirs.state.logs and file.hash not in held)
        or (is_current and name in theirs.state.samples and name not in mine.survey.files)
        or (file.hash and file.hash in named and file.hash not in held)
    }


def _key(task_id: str, name: str, file: File) -> str:
    """Return what a file is kept as: by its hash, or by its name where nobody has hashed it; for its task alone."""
    return f"{task_id}-{file.hash or hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
