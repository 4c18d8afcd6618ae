"""Who is who among processes, across hosts, restarts and reused pids."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import sys
import time
from pathlib import Path

import msgspec


class ProcessIdentity(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process: its host, the boot of that host, its pid and when it started (ticks or seconds, as the OS counts).

    `pid_space` is the pid namespace on Linux: two containers may share a boot and not their pids.
    """

    host: str
    boot_id: str
    pid: int
    start: float | None = None
    pid_space: str = ""


@functools.cache
def boot_id() -> str:
    """Return what names this boot of this machine; empty where the OS does not tell."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    import psutil

    return f"boot-{int(psutil.boot_time())}"


@functools.cache
def pid_space() -> str:
    """Return what names this pid namespace; empty outside Linux."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - it is no path
    return ""


def start_of(pid: int) -> float | None:
    """Return when a process of this machine started, or None where there is none."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        fields = stat[stat.rfind(b")") + 2 :].split()
        return None if fields[0] in (b"Z", b"X") else float(fields[19])
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def started_at() -> float:
    """Return when this process started, in seconds since 1970."""
    if sys.platform == "linux":
        start = start_of(os.getpid())
        if start is not None:
            # psutil knows the time of boot in whole seconds only.
            age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - start / os.sysconf("SC_CLK_TCK")
            return time.time() - age_s
    import psutil

    return float(psutil.Process().create_time())


def identity(pid: int | None = None) -> ProcessIdentity:
    """Describe this process, or another of this machine."""
    pid = os.getpid() if pid is None else pid
    return ProcessIdentity(socket.gethostname(), boot_id(), pid, start_of(pid), pid_space())


def is_here(process: ProcessIdentity) -> bool:
    """Tell whether the process ran under this boot of this machine."""
    return process.boot_id == boot_id() != "" or (not process.boot_id and process.host == socket.gethostname())


def is_gone(process: ProcessIdentity) -> bool | None:
    """Tell whether a process of this machine has ended; None where its pid means nothing here."""
    if process.pid_space != pid_space():
        return None
    start = start_of(process.pid)
    return start is None or (process.start is not None and start != process.start)


def owner_tag() -> str:
    """Name this process within a file name, short and for this boot of this machine only: `<place>-<pid>`."""
    return f"{_place()}-{os.getpid()}"


@functools.cache
def _place() -> str:
    return hashlib.sha256(f"{boot_id()}\n{pid_space()}".encode()).hexdigest()[:8]


def is_owner_gone(tag: str, touched: float) -> bool | None:
    """Tell whether the process that `owner_tag` named has ended; None where that cannot be known from here.

    `touched` is when it last changed its file (seconds since 1970): a process that started later is another one,
    which was given the same pid.
    """
    place, _, pid = tag.partition("-")
    if place != _place():
        return None
    if start_of(int(pid)) is None:
        return True
    import psutil

    try:
        return psutil.Process(int(pid)).create_time() > touched + 2
    except psutil.Error:
        return True
