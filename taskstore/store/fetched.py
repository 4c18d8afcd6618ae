"""What was fetched from elsewhere: files in the store's cache, of which the least recently used go.

An entry is a folder, whose time of change says when it was used last. Entries are found, placed and taken away under
one lock; what is fetched, or deleted, is that outside of it, beside the entries. So nobody sees half an entry, and a
path that somebody was handed stays good for ten minutes at least, unless its own process makes room for more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..core.errors import Busy, ReadOnly
from ..disk.atomic import is_abandoned, is_temporary, staging_beside
from ..disk.layout import PURGE_PREFIX
from ..disk.lock import edit_lock
from . import settings
from .store import Store

GRACE_S = 600.0
"""For how long after its use by another process an entry stays, however much there is."""
_MIB = 1 << 20


class _Use(NamedTuple):
    """The time of change that this process gave an entry, and until when another one may be using it besides."""

    used_ns: int
    others_until_s: float


_own: dict[Path, _Use] = {}
"""The entries that this process has used."""


def find(store: Store, digest: str, name: str) -> Path | None:
    """Return a file of an entry, which counts as used now; None where it is not there."""
    target = store.paths.fetched(digest) / name
    with _locked(store):
        if not target.is_file():
            return None
        _touch(store, target.parent, _others_until(target.parent))
        return target


def aside(store: Store, digest: str) -> Path:
    """Return a path for what is being fetched; its folder is made."""
    folder = store.paths.fetched(digest)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return staging_beside(folder)


def put(store: Store, digest: str, name: str, staging: Path) -> Path:
    """Give a whole file its place in an entry, where it replaces what is there; it counts as used now."""
    target = store.paths.fetched(digest) / name
    with _locked(store):
        is_new = not target.parent.is_dir()
        target.parent.mkdir(exist_ok=True)
        others_until_s = 0.0 if is_new else _others_until(target.parent)
        staging.replace(target)
        _touch(store, target.parent, others_until_s)
    return target


def make_room(store: Store, *, keep: Path, max_files: int = 0) -> None:
    """Delete the least recently used entries until the rest fits `cache.fetched_mib`, and `max_files` (0: any number).

    The entry `keep` stays, and what other processes have used a moment ago. Nothing is raised: it is a cache.
    """
    configured, _ = settings.load_sound(store)
    max_bytes = int(configured.cache.fetched_mib * _MIB)
    with contextlib.suppress(OSError), _locked(store):
        gone = list(_take_away(store, keep, max_bytes, max_files))
    for folder in gone:
        _delete(folder)


def _take_away(store: Store, keep: Path, max_bytes: int, max_files: int) -> Iterator[Path]:
    """Rename what has to go, so that nobody finds it any more; under the lock."""
    now = store.clock.now().timestamp()
    folder = keep.parent
    for path in folder.iterdir():
        if is_temporary(path.name) and is_abandoned(path, now):
            yield path
    entries = [path for path in folder.iterdir() if path.is_dir() and not is_temporary(path.name)]
    sizes = {path: _size_bytes(path) for path in entries}
    total_bytes, count = sum(sizes.values()), len(entries)
    for path in sorted(entries, key=lambda path: path.stat().st_mtime_ns):
        is_too_large = 0 < max_bytes < total_bytes and sizes[path] > 0
        if not is_too_large and not 0 < max_files < count:
            continue
        if path == keep or not _may_go(path, now):
            continue
        aside = staging_beside(path, PURGE_PREFIX)
        with contextlib.suppress(OSError):  # on Windows, a file that is open
            path.rename(aside)
            total_bytes, count = total_bytes - sizes[path], count - 1
            yield aside


def _may_go(path: Path, now: float) -> bool:
    used_ns = path.stat().st_mtime_ns
    own = _own.get(path)
    if own is not None and own.used_ns == used_ns:
        return now > own.others_until_s
    return now - used_ns / 1e9 > GRACE_S


def _others_until(folder: Path) -> float:
    """Return until when a process that has used an entry before this one may be at it."""
    used_ns = folder.stat().st_mtime_ns
    own = _own.get(folder)
    return own.others_until_s if own is not None and own.used_ns == used_ns else used_ns / 1e9 + GRACE_S


def _size_bytes(folder: Path) -> int:
    """Return what deleting a folder gives back: a link to a file of a task's gives nothing."""
    facts = [path.stat() for path in folder.iterdir()]
    return sum(each.st_size for each in facts if each.st_nlink == 1)


def _touch(store: Store, folder: Path, others_until_s: float) -> None:
    now_ns = int(store.clock.now().timestamp() * 1e9)
    with contextlib.suppress(OSError):  # a store that cannot be written
        os.utime(folder, ns=(now_ns, now_ns))
        _own[folder] = _Use(folder.stat().st_mtime_ns, others_until_s)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink()


@contextlib.contextmanager
def _locked(store: Store) -> Iterator[None]:
    """Hold the lock; where it cannot be held, go on without: what cannot be written loses no entry either."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(Busy, ReadOnly, FileNotFoundError):
            held.enter_context(edit_lock(store.paths.fetched_lock, store.locks))
        yield
