"""A store: finding, making and opening one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..core.clock import SYSTEM, Clock
from ..core.errors import BadValue, Conflict, Damaged, NotFound, ReadOnly, Refused
from ..disk.atomic import is_temporary, replace_record
from ..disk.layout import IGNORE, LOCK, PROJECTS, QUEUES, REMOTES, SETTINGS, STORE, TRASH, VIEWS, StorePaths
from ..disk.lock import LockKind, edit_lock
from ..disk.text import read_bytes
from ..schema import codec, migrate
from ..schema.record import FORMAT, StoreRecord

ROOT_VARIABLE = "TASKSTORE_ROOT"
LOCAL_FOLDER = ".taskstore"


@dataclass(frozen=True)
class Store:
    """An open store. Any number of processes may have it open; nothing is held between calls."""

    paths: StorePaths
    id: str
    locks: LockKind
    clock: Clock = SYSTEM
    places: dict[str, Path] = field(default_factory=dict, repr=False, compare=False)
    """Where tasks were when last seen: a hint that `tasks.locate` checks before it trusts it."""
    zip: Path | None = None
    """The zip that the store lies in, which is only read; its root is where what is read of it is unpacked."""
    absent: frozenset[str] = field(default_factory=frozenset, repr=False, compare=False)
    """Tasks that a walk through all of the store has just not found: of these `tasks.locate` says so without another.

    Set it for the length of an exchange of many tasks, on a copy of the store.
    """

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self.paths.root


def find_root(explicit: str | Path | None = None, *, environ: Mapping[str, str], cwd: Path, home: Path | None) -> Path:
    """Return the store to use: `explicit`, TASKSTORE_ROOT, the nearest .taskstore above `cwd`, or ~/.taskstore.

    Raises Refused where that would be in the home folder of a user who has none.
    """
    if explicit:
        return Path(explicit).expanduser().absolute()
    named = environ.get(ROOT_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    for folder in (cwd, *cwd.parents):
        candidate = folder / LOCAL_FOLDER
        if StorePaths(candidate).record.is_file():
            return candidate
    if home is None:
        raise Refused("this user has no home folder to keep a store in; name another place in TASKSTORE_ROOT")
    return home / LOCAL_FOLDER


def open_default(explicit: str | Path | None = None, *, clock: Clock = SYSTEM) -> Store:
    """Open the store that `find_root` finds; where it is not there yet it is made, unless it was named explicitly."""
    root = find_root(explicit, environ=os.environ, cwd=Path.cwd(), home=_home())
    is_missing = not StorePaths(root).record.exists() and not root.is_file()
    if not explicit and is_missing and not is_named_as_zip(root):
        return init(root, clock=clock)
    return open_at(root, clock=clock)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a container that runs as a user whom no password file knows
        return None


def open_at(root: str | Path, *, clock: Clock = SYSTEM) -> Store:
    """Open the store at `root`, which may be a zip; an older format is migrated first.

    Raises NotFound where there is none, TooNew where it is later than this program, Damaged where its record is.
    """
    paths = StorePaths(Path(root).expanduser().absolute())
    try:
        record = read_record(paths)
    except (FileNotFoundError, NotADirectoryError):
        if paths.root.is_file():
            return _open_zip(paths.root, clock)
        import shlex  # for errors only

        if is_named_as_zip(paths.root):
            raise NotFound("zip", str(paths.root), "look at its name; `taskstore zip` makes one of tasks") from None
        raise NotFound("store", str(paths.root), f"`taskstore init {shlex.quote(str(paths.root))}` makes one") from None
    if migrate.check(record.format, paths.record):
        record = _migrated(paths, clock)
    return Store(paths, record.id, _lock_kind(record, paths), clock)


def is_named_as_zip(root: Path) -> bool:
    """Tell whether a store that is not there would be a zip, which nobody makes by working in it."""
    return root.suffix.lower() == ".zip" and not root.exists()


def _open_zip(path: Path, clock: Clock) -> Store:
    from .zipped import open_zip  # what reads zips is for those who have one

    try:
        found = open_zip(path)
    except Damaged as error:
        raise Damaged(error.path, error.why, "nothing in a zip is repaired; get it once more") from None
    return Store(StorePaths(found.mount.root), found.record.id, LockKind.FLOCK, clock, zip=path)


def init(root: str | Path, *, locks: str | None = None, clock: Clock = SYSTEM) -> Store:
    """Make a store at `root`, or open the one that is there.

    Raises Conflict where `locks` differs from what the store that is there has, and Refused where the folder
    holds other things or cannot be made.
    """
    wanted = _parse_locks(locks) if locks else None
    paths = StorePaths(Path(root).expanduser().absolute())
    if not paths.record.exists():
        _make(paths, wanted or LockKind.FLOCK, clock)
    store = open_at(paths.root, clock=clock)
    if wanted is not None and store.locks is not wanted:
        raise Conflict(
            f"the store at {paths.root} locks by {store.locks.value}, which cannot be changed to {wanted.value}"
        )
    return store


def _make(paths: StorePaths, kind: LockKind, clock: Clock) -> None:
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        strangers = sorted(entry.name for entry in paths.root.iterdir() if not _is_own(entry.name))
        if strangers:
            raise Refused(f"{paths.root} is not empty (it holds {strangers[0]!r}); name an empty or a new folder")
        if not paths.record.exists() and paths.projects.is_dir() and any(paths.projects.iterdir()):
            raise Damaged(paths.record, "it is missing, and there are projects beside it")
        with edit_lock(paths.lock, kind):
            if paths.record.exists():
                return
            paths.projects.mkdir(exist_ok=True)
            paths.trash.mkdir(exist_ok=True)
            if not paths.ignore.exists():
                replace_record(paths.ignore, b"*\n")
            record = StoreRecord(format=FORMAT, id=secrets.token_hex(16), locks=kind.value, created=clock.now())
            replace_record(paths.record, codec.encode(record))
    except OSError as error:
        raise ReadOnly(f"no store can be made at {paths.root}: {error.strerror or error}") from None


def check_writable(store: Store) -> None:
    """Raise ReadOnly for a store in a zip, before anything is done to what was unpacked of it."""
    if store.zip is not None:
        import shlex  # for errors only

        raise ReadOnly(
            f"{store.zip} is a zip, which is only read; `taskstore import {shlex.quote(str(store.zip))}` brings its "
            "tasks into a store, where they can be changed"
        )


@contextlib.contextmanager
def writing(store: Store) -> Iterator[None]:
    """Change files of a store within the block. Raises ReadOnly where the system lets nobody, or not us, write."""
    check_writable(store)
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise ReadOnly(
            f"the store at {store.root} cannot be written: {error.strerror}; make it writable, or name another"
        ) from None


_OWN_NAMES = frozenset(
    {
        *(PROJECTS, QUEUES, TRASH, STORE, IGNORE, SETTINGS, REMOTES, VIEWS),
        *("cache", "quarantine", "locks", "ranks", "workers"),
    }
)


def _is_own(name: str) -> bool:
    """Tell whether a name is one of a store, or what a crash while making one left."""
    return name in _OWN_NAMES or is_temporary(name) or name.startswith(LOCK)


def read_record(paths: StorePaths) -> StoreRecord:
    """Return a store's record. Raises FileNotFoundError, TooNew, Damaged."""
    data = read_bytes(paths.record)
    # The format comes first: a later one may have changed everything else.
    head = codec.decode(_Head, data, paths.record)
    migrate.check(head.format, paths.record)
    record = codec.decode(StoreRecord, data, paths.record)
    _lock_kind(record, paths)
    return record


class _Head(msgspec.Struct):
    format: int


def _migrated(paths: StorePaths, clock: Clock) -> StoreRecord:
    record = read_record(paths)
    with edit_lock(paths.lock, _lock_kind(record, paths)):
        record = read_record(paths)  # another process may have done it meanwhile

        def reached(number: int) -> None:
            record.format = number
            replace_record(paths.record, codec.encode_over(record, read_bytes(paths.record), paths.record))

        migrate.migrate(paths.root, record.format, reached)
    return read_record(paths)


def _parse_locks(text: str) -> LockKind:
    try:
        return LockKind(text)
    except ValueError:
        raise BadValue(f"no lock kind {text!r}; it is flock or lease") from None


def _lock_kind(record: StoreRecord, paths: StorePaths) -> LockKind:
    try:
        return LockKind(record.locks)
    except ValueError:
        raise Damaged(paths.record, f"unknown lock kind {record.locks!r}") from None
