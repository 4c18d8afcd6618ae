"""The beacon: what a live run holds, and by which everybody knows that it lives, and afterwards how it ended.

The file is `BEACON_BYTES` long from its first moment: one line of JSON, filled up with spaces, then one byte for an
exit code, then a line end. All that is written later is written over it, in place, which needs no room on the disk:
a run says how it ended also where the disk is full. Behind it a process that dies of one of `MARKED_SIGNALS` leaves
where it was (run/signals.py): the text begins that many bytes after the end as the signal has others before it.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import msgspec

from ..core.errors import Busy
from .layout import TaskPaths
from .lock import LockKind, edit_lock, give_flock, has_flock, take_flock
from .log import above_standard_streams
from .process import ProcessIdentity, identity, is_gone, is_here

LEASE_S = 300.0
HEARTBEAT_S = 5.0
BEACON_BYTES = 1024
EXIT_CODE_AT = BEACON_BYTES - 2
"""Where a process that knows its exit code only when it is all but gone leaves it, as one byte."""
BY_EXIT_CODE = "exit"
"""What `ended` says where the exit code's byte tells the rest."""

MARKED_SIGNALS = ("SIGTERM", "SIGHUP")

_FRESH_S = 6 * HEARTBEAT_S
_ACQUIRE_S = 2.0
_MAX_REASON = 300
_MAX_MARK = 64 << 10


class Beacon(msgspec.Struct, omit_defaults=True):
    """What the beacon file says of the run that holds it; `oom_kills` is the kernel's count at the start.

    `ended` is the status that the run gave itself at its end ("" while it runs), or "exit": see `exit_code`.
    """

    process: ProcessIdentity
    oom_kills: int | None = None
    is_released: bool = False
    ended: str = ""
    reason: str = ""


_decoder = msgspec.json.Decoder(Beacon)


class HeldBeacon:
    """A live run's hold on its task. `beat` renews it; `release` gives it up. A forked child does not hold it."""

    def __init__(self, beacon: Beacon, descriptor: int, kind: LockKind) -> None:
        self._beacon = beacon
        self._descriptor = descriptor
        self._kind = kind
        self._pid = os.getpid()
        self._is_released = False

    def beat(self, path: Path) -> None:
        """Renew the heartbeat; `path` is where the beacon file is now."""
        os.utime(path)

    def say_end(self, ended: str, reason: str) -> None:
        """Write down how the run ended, in place; raises OSError. The record says it too, where it can be written."""
        # Lone surrogates have no UTF-8.
        text = reason.encode("utf-8", "backslashreplace").decode("utf-8")
        self._beacon.ended, self._beacon.reason = ended, text[:_MAX_REASON]
        self._write()

    def release(self) -> None:
        """Give the beacon up; the file stays."""
        if self._pid != os.getpid() or self._is_released:
            return
        self._is_released = True
        self._beacon.is_released = True
        with contextlib.suppress(OSError):
            self._write()
        if self._kind is LockKind.FLOCK:
            give_flock(self._descriptor)
        else:
            os.close(self._descriptor)

    def _write(self) -> None:
        if self._pid == os.getpid():
            _write_at_start(self._descriptor, self._beacon)


def hold_beacon(path: Path, kind: LockKind) -> HeldBeacon:
    """Take a task's beacon for this process. Raises Busy where another live run holds it."""
    beacon = Beacon(identity(), oom_kills())
    if kind is LockKind.FLOCK:
        # A reader that looks whether we live holds it for an instant.
        descriptor = take_flock(path, _ACQUIRE_S)
        _begin(descriptor, beacon)
    else:
        with edit_lock(TaskPaths(path.parent).lock, kind):  # of two at once one finds the other's beacon
            if is_alive(path, kind):
                raise Busy(path, 0)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
            _begin(descriptor, beacon)
    return HeldBeacon(beacon, descriptor, kind)


def _begin(descriptor: int, beacon: Beacon) -> None:
    # In place: renaming over it would leave the lock on a file that nobody finds.
    _write_at_start(descriptor, beacon)
    os.truncate(descriptor, BEACON_BYTES)


def _write_at_start(descriptor: int, beacon: Beacon) -> None:
    text = msgspec.json.encode(beacon)
    if len(text) > EXIT_CODE_AT:
        beacon.reason = ""
        text = msgspec.json.encode(beacon)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, text.ljust(BEACON_BYTES - 1) + b"\n")


def mark_released(path: Path) -> None:
    """Write down that a run is gone which cannot do so, and for which nobody can look: it was in a container.

    Nothing is done where it has said so itself, or has none. Raises OSError.
    """
    beacon = read_beacon(path)
    if beacon is None or beacon.is_released:
        return
    beacon.is_released = True
    text = msgspec.json.encode(beacon).ljust(EXIT_CODE_AT)[:EXIT_CODE_AT]  # and an exit code stays as it is
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def read_beacon(path: Path) -> Beacon | None:
    """Return what the beacon says; None where there is none, or it was torn."""
    try:
        return _decoder.decode(path.read_bytes()[:EXIT_CODE_AT])
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return None


def exit_code(path: Path) -> int | None:
    """Return the exit code that the process left at its very end; None where it left none."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[EXIT_CODE_AT] if len(data) == BEACON_BYTES and data[EXIT_CODE_AT : EXIT_CODE_AT + 1] != b" " else None


def open_mark(path: Path, name: str) -> int:
    """Open the place where the end by the signal `name` is marked; return a descriptor to write to. Raises OSError."""
    descriptor = above_standard_streams(os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)))
    os.lseek(descriptor, BEACON_BYTES + MARKED_SIGNALS.index(name), os.SEEK_SET)
    return descriptor


def ended_by_signal(path: Path) -> tuple[str, str] | None:
    """Return the name of the signal that the run died of, and where it was then; None where no mark says so."""
    try:
        with path.open("rb") as stream:
            stream.seek(BEACON_BYTES)
            mark = stream.read(_MAX_MARK)
    except OSError:
        return None
    text = mark.lstrip(b"\0")
    place = len(mark) - len(text)
    if not text or place >= len(MARKED_SIGNALS):
        return None
    # A signal that is sent twice is marked twice.
    begin, separator, rest = text.decode("utf-8", "replace").partition("\n")
    return MARKED_SIGNALS[place], f"{begin}{separator}{rest.partition(begin)[0]}".strip()


def last_sign(path: Path) -> float | None:
    """Return when the run last gave a sign of life, in seconds since 1970; None where there is no beacon."""
    try:
        return path.stat().st_mtime
    except OSError:
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
        return has_flock(path)
    gone = None if beacon is None else is_gone(beacon.process)
    return silence_s < LEASE_S if gone is None else not gone


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
    if is_gone(beacon.process) is False:
        return "copied", f"this is a copy, made while {where} ran; the original may go on"
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
