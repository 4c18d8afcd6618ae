"""The two locks of a task: the edit lock, held for one change, and the beacon, held for the whole of a run.

The kind is the store's property, so that every host treats a shared mount alike:

flock   the kernel's lock; it is gone the moment its holder is, also after SIGKILL
lease   a marker file in the store's `locks/`, for filesystems without flock: its holder renews it (its mtime), and one
        that is not renewed for `LEASE_S`, or whose holder is known to be gone, is void
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..core.errors import Busy, ReadOnly
from .layout import StorePaths
from .process import ProcessIdentity, identity, is_gone, is_here, start_of

if TYPE_CHECKING:
    from filelock import BaseFileLock

LEASE_S = 300.0
HEARTBEAT_S = 5.0
_FRESH_S = 6 * HEARTBEAT_S
EDIT_TIMEOUT_S = 30.0
_POLL_S = 0.004
_ACQUIRE_BEACON_S = 2.0
_EDIT_LEASE_S = 60.0
_TORN_MARKER_S = 60.0
_SILENT_MARKER_S = 3600.0
_BREAKER = re.compile(r"\.(?:break|restore)\.([0-9]+)\.[0-9a-f]+\Z")


class LockKind(str, Enum):
    """How a store locks."""

    FLOCK = "flock"
    LEASE = "lease"


class Beacon(msgspec.Struct, omit_defaults=True):
    """What the beacon file says of the run that holds it; `oom_kills` is the kernel's count at the start."""

    process: ProcessIdentity
    oom_kills: int | None = None
    is_released: bool = False


_beacon_decoder = msgspec.json.Decoder(Beacon)


@contextlib.contextmanager
def edit_lock(path: Path, kind: LockKind, *, timeout_s: float = EDIT_TIMEOUT_S) -> Iterator[None]:
    """Hold the lock at `path` for a change. Raises Busy, ReadOnly, or FileNotFoundError where its folder is gone.

    It is a leaf: hold it over nothing but reading and writing the records it guards.
    """
    import filelock

    if not path.parent.is_dir():
        raise FileNotFoundError(path.parent)
    hold = _flocked(path, timeout_s) if kind is LockKind.FLOCK else _leased(path, timeout_s)
    try:
        hold.__enter__()
    except filelock.Timeout:
        raise Busy(path, timeout_s) from None
    except FileNotFoundError:
        raise
    except PermissionError:
        raise ReadOnly(f"{path.parent} cannot be written by this user") from None
    except OSError as error:
        raise ReadOnly(f"{path.parent} cannot be locked: {error.strerror or error}") from None
    try:
        yield
    finally:
        hold.__exit__(None, None, None)


@contextlib.contextmanager
def _flocked(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the kernel's lock, on a descriptor of our own: FileLock would bring back a folder that has moved away."""
    import filelock

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    _held.add(descriptor)
    try:
        deadline = time.monotonic() + timeout_s
        while not filelock.lock_descriptor(descriptor, blocking=False):
            if time.monotonic() >= deadline:
                raise filelock.Timeout(str(path))
            time.sleep(_POLL_S)
        yield
    finally:
        if descriptor in _held:
            _held.discard(descriptor)
            with contextlib.suppress(OSError):
                filelock.unlock_descriptor(descriptor)
            os.close(descriptor)


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
    import filelock

    # A marker whose holder on this host is gone is void at once, one of another host when nobody has renewed it.
    lock = filelock.SoftFileLease(_marker_of(path), poll_interval=_POLL_S, lease_duration=_EDIT_LEASE_S)
    lock.acquire(timeout=timeout_s)
    try:
        yield
    finally:
        lock.release()


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


def _file_lock(path: Path) -> BaseFileLock:
    import filelock

    if os.name == "posix":
        return filelock.UnixFileLock(path, fallback_to_soft=False, poll_interval=_POLL_S)
    return filelock.FileLock(path, poll_interval=_POLL_S)


class HeldBeacon:
    """A live run's hold on its task. `beat` renews it; `release` gives it up. A forked child does not hold it."""

    def __init__(self, path: Path, lock: BaseFileLock | None) -> None:
        self._path = path
        self._lock = lock
        self._pid = os.getpid()
        self._is_released = False

    def beat(self, path: Path) -> None:
        """Renew the heartbeat; `path` is where the beacon file is now."""
        os.utime(path)

    def release(self, path: Path | None = None) -> None:
        """Give the beacon up; the file stays. `path` is where it is now, if it has been moved since."""
        if self._pid != os.getpid() or self._is_released:
            return
        self._is_released = True
        if self._lock is not None:
            self._lock.release()
            return
        where = path or self._path
        beacon = read_beacon(where)
        if beacon is not None and beacon.process == identity():
            beacon.is_released = True
            with contextlib.suppress(OSError):
                where.write_bytes(msgspec.json.encode(beacon) + b"\n")


def hold_beacon(path: Path, kind: LockKind) -> HeldBeacon:
    """Take a task's beacon for this process. Raises Busy where another live run holds it."""
    import filelock

    lock: BaseFileLock | None = None
    if kind is LockKind.FLOCK:
        lock = _file_lock(path)
        try:
            # A reader that looks whether we live holds it for an instant.
            lock.acquire(timeout=_ACQUIRE_BEACON_S)
        except filelock.Timeout:
            raise Busy(path, _ACQUIRE_BEACON_S) from None
    elif is_alive(path, kind):
        raise Busy(path, 0)
    beacon = Beacon(identity(), oom_kills())
    # In place: renaming over it would leave the lock on a file that nobody finds.
    path.write_bytes(msgspec.json.encode(beacon) + b"\n")
    return HeldBeacon(path, lock)


def read_beacon(path: Path) -> Beacon | None:
    """Return what the beacon says; None where there is none, or it was torn."""
    try:
        return _beacon_decoder.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return None


def is_alive(path: Path, kind: LockKind, *, now: float | None = None) -> bool:
    """Tell whether a live run holds the beacon at `path`; waits for nobody and changes nothing.

    On the run's own machine the kernel knows (flock), or the process table (lease); elsewhere the heartbeat does.
    """
    try:
        heartbeat = path.stat().st_mtime
    except OSError:
        return False
    beacon = read_beacon(path)
    if beacon is not None and beacon.is_released:
        return False
    silence_s = (time.time() if now is None else now) - heartbeat
    if beacon is not None and not is_here(beacon.process):
        has_rebooted = beacon.process.host == identity().host
        return silence_s < (_FRESH_S if has_rebooted else LEASE_S)
    if kind is LockKind.FLOCK and os.name == "posix":
        return _is_flocked(path)
    gone = None if beacon is None else is_gone(beacon.process)
    return silence_s < LEASE_S if gone is None else not gone


def _is_flocked(path: Path) -> bool:
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


def why_gone(path: Path) -> tuple[str, str]:
    """Return the reason and a message for a run that is no longer alive: as much as can be known afterwards."""
    beacon = read_beacon(path)
    if beacon is None:
        return "lost", "the run ended without a word, and left no beacon"
    where = f"process {beacon.process.pid} on {beacon.process.host}"
    if not is_here(beacon.process):
        if beacon.process.host == identity().host:
            return "lost", f"{beacon.process.host} was restarted while {where} ran"
        return "lost", f"no heartbeat from {where} for more than {LEASE_S:g} s"
    kills = oom_kills()
    if beacon.oom_kills is not None and kills is not None and kills > beacon.oom_kills:
        return "out of memory", f"{where} is gone, and the kernel has killed for lack of memory since it started"
    return "killed", f"{where} is gone and did not say goodbye: it was killed, or it crashed"


def oom_kills() -> int | None:
    """Return how often the kernel has killed for lack of memory in this control group; None where it does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        group = Path("/proc/self/cgroup").read_text("utf-8").strip().rpartition("::")[2]
        for line in (Path("/sys/fs/cgroup") / group.lstrip("/") / "memory.events").read_text("ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/vmstat").read_text("ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None
