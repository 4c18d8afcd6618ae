"""Locks: of one change to a task or to the tree of projects, and what the beacon of a run is held by.

The kind is the store's property, so that every host treats a shared mount alike:

flock   the kernel's lock; it is gone the moment its holder is, also after SIGKILL
lease   a marker file in the store's `locks/`, for filesystems without flock; one whose holder is known to be gone is
        void at once, one that nobody can tell of when it has stood unchanged for as long as anybody waits
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from ..core.errors import Busy, ReadOnly
from .layout import StorePaths
from .process import start_of

EDIT_TIMEOUT_S = 30.0
_POLL_S = 0.004
_TORN_MARKER_S = 60.0
_SILENT_MARKER_S = 3600.0
_BREAKER = re.compile(r"\.(?:break|restore)\.([0-9]+)\.[0-9a-f]+\Z")
_ADVICE = "make it writable, or name another store"


class LockKind(str, Enum):
    """How a store locks."""

    FLOCK = "flock"
    LEASE = "lease"


@contextlib.contextmanager
def edit_lock(path: Path, kind: LockKind, *, timeout_s: float = EDIT_TIMEOUT_S) -> Iterator[None]:
    """Hold the lock at `path` for a change. Raises Busy, ReadOnly, or FileNotFoundError where its folder is gone.

    It is a leaf: hold it over nothing but reading and writing the records it guards.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(path.parent)
    hold = _flocked(path, timeout_s) if kind is LockKind.FLOCK else _leased(path, timeout_s)
    try:
        hold.__enter__()
    except FileNotFoundError:
        raise
    except PermissionError:
        raise ReadOnly(f"{path.parent} cannot be written by this user; {_ADVICE}") from None
    except OSError as error:
        raise ReadOnly(f"{path.parent} cannot be locked: {error.strerror or error}; {_ADVICE}") from None
    try:
        yield
    finally:
        hold.__exit__(None, None, None)


@contextlib.contextmanager
def _flocked(path: Path, timeout_s: float) -> Iterator[None]:
    descriptor = take_flock(path, timeout_s)
    try:
        yield
    finally:
        give_flock(descriptor)


def take_flock(path: Path, timeout_s: float) -> int:
    """Take the kernel's lock on a file, which is made where it is missing (its folder is not); return its descriptor.

    Raises Busy where it is not free in time. A forked child does not share it.
    """
    if os.name != "posix":
        return _take_windows(path, timeout_s)
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    _held.add(descriptor)
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):  # filesystems differ in how they say that it is held
                if time.monotonic() >= deadline:
                    raise Busy(path, timeout_s) from None
                time.sleep(_POLL_S)
            else:
                return descriptor
    except BaseException:
        _held.discard(descriptor)
        os.close(descriptor)
        raise


def give_flock(descriptor: int) -> None:
    """Give a lock back; in a forked child, which has given it up already, this does nothing."""
    if descriptor not in _held:
        return
    _held.discard(descriptor)
    if os.name != "posix":
        import filelock

        filelock.unlock_descriptor(descriptor)
    os.close(descriptor)  # the kernel's lock goes with its last descriptor


def _take_windows(path: Path, timeout_s: float) -> int:
    import filelock

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    deadline = time.monotonic() + timeout_s
    while not filelock.lock_descriptor(descriptor, blocking=False):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            raise Busy(path, timeout_s)
        time.sleep(_POLL_S)
    _held.add(descriptor)
    return descriptor


def has_flock(path: Path) -> bool:
    """Tell whether somebody holds the kernel's lock on a file; waits for nobody and changes nothing. POSIX only."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


_held: set[int] = set()
"""Descriptors of the edit locks that this process holds or waits for."""


def _give_up_in_child() -> None:
    """A forked child shares its parent's lock as long as it has the descriptor, also when the parent is gone."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_give_up_in_child)


@contextlib.contextmanager
def _leased(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold a marker, which no thread renews: a change takes milliseconds, and a process at its end starts no thread."""
    import filelock

    marker = _marker_of(path)
    lock = filelock.SoftFileLock(marker, poll_interval=_POLL_S)
    before = _signature(marker)
    try:
        lock.acquire(timeout=timeout_s)
    except filelock.Timeout:
        if before is None or _signature(marker) != before or timeout_s < EDIT_TIMEOUT_S:
            raise Busy(path, timeout_s) from None
        # The same marker all the time: no change takes so long. Its holder, on a host that we cannot ask, is gone.
        _take_out(marker, before)
        try:
            lock.acquire(timeout=_POLL_S)
        except filelock.Timeout:
            raise Busy(path, timeout_s) from None
    try:
        yield
    finally:
        lock.release()


def _signature(marker: Path) -> tuple[int, int] | None:
    try:
        stat = marker.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def _take_out(marker: Path, expected: tuple[int, int]) -> None:
    """Remove a void marker, unless somebody else has done so, and made a new one, just now."""
    aside = marker.with_name(f"{marker.name}.break.{os.getpid()}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        marker.rename(aside)
        if _signature(aside) != expected:
            aside.rename(marker)  # it was a new one: put it back
        else:
            aside.unlink()


def _marker_of(path: Path) -> Path:
    """Return where the lease on `path` is marked: not in the task's folder, which may be moved or be read-only."""
    for folder in path.parents:
        store = StorePaths(folder)
        if store.record.is_file():
            return store.lease("store" if folder == path.parent else path.parent.name)
    return path.with_name(path.name + ".lease")  # while the store is being made


def is_marker_void(marker: Path, now: float) -> bool:
    """Tell whether a lease's file is nobody's: its holder on this host is gone, or it has been silent for an hour.

    `<marker>.break.<pid>.…` is one that the process of that pid was about to take out.
    """
    try:
        touched = marker.stat().st_mtime
        text = marker.read_bytes()[:1024].decode("utf-8", "replace")
    except FileNotFoundError:
        return False
    fields = dict(line.partition("=")[::2] for line in text.splitlines())
    breaker = _BREAKER.search(marker.name)
    pid = breaker[1] if breaker else fields.get("pid", "")
    if pid.isdecimal() and fields.get("host") == socket.gethostname():
        return start_of(int(pid)) is None
    return now - touched > (_TORN_MARKER_S if not text else _SILENT_MARKER_S)
