r"""Logs: append-only, one writer a file, one write(2) an entry, no lock.

What `append` has returned from is with the kernel and survives SIGKILL; `sync` takes it to the disk. A reader
takes whole lines only: a torn last line is what a crash leaves, and a torn line within (a full disk) ends at
the next line's start, because the writer that noticed begins its next entry with a line end.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from . import mounts
from .process import start_of

_WRITER = re.compile(r"\.(?P<host>[A-Za-z0-9-]+)-(?P<pid>[0-9]+)-[0-9a-f]{8}\.[a-z0-9]+\Z")
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")


def writer_name() -> str:
    """Return a fresh name for this process as a writer: host, pid and a nonce, safe in a file name."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_writer_gone(log_name: str) -> bool | None:
    """Tell from the name of a log (or a sample) whether its writer has ended; None where it is not of this host."""
    found = _WRITER.search(log_name)
    return start_of(int(found["pid"])) is None if found and found["host"] == _host() else None


def _host() -> str:
    return _UNSAFE.sub("-", socket.gethostname())[:40] or "host"


class LogWriter:
    """Appends to one log file, made on the first entry.

    `path` is asked anew at each opening, because the task's folder may have been moved since.
    """

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path = path
        self._descriptor = -1
        self._is_torn = False
        self._is_synced = True

    def append(self, entry: bytes) -> None:
        """Append one entry, which ends in a line end and holds no other. Raises OSError."""
        if self._descriptor < 0:
            self._open()
        if self._is_torn:
            entry = b"\n" + entry
        self._is_synced = False
        written = os.write(self._descriptor, entry)
        if written != len(entry):
            self._is_torn = True
            self._finish(entry[written:])
        self._is_torn = False

    @property
    def descriptor(self) -> int:
        """The open file, for a caller that writes whole entries itself; it makes the file."""
        if self._descriptor < 0:
            self._open()
        self._is_synced = False
        return self._descriptor

    def sync(self) -> None:
        """Take what was appended to the disk, so that it survives a power cut."""
        if self._descriptor >= 0 and not self._is_synced:
            self._is_synced = True
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Sync and close; a later append opens the file again."""
        if self._descriptor >= 0:
            try:
                self.sync()
            finally:
                os.close(self._descriptor)
                self._descriptor = -1

    def abandon(self) -> None:
        """Close without syncing: a forked child gives up its parent's file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        path = self._path()
        path.parent.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = above_standard_streams(os.open(path, flags, 0o666))

    def _finish(self, rest: bytes) -> None:
        while rest:
            count = os.write(self._descriptor, rest)
            if count == 0:
                raise OSError(f"nothing more can be written to {self._path()}")
            rest = rest[count:]


def plain_logs(folder: Path, pattern: str) -> list[Path]:
    """Return the logs of a folder by name, without links, which may lead anywhere, pipes and devices.

    A folder in the place of one is among them: to read it is Damaged.
    """
    return sorted(log for log in folder.glob(pattern) if _is_plain(log))


def _is_plain(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def read_complete(path: Path, start: int = 0) -> bytes:
    """Return the whole lines of a log from byte `start` on; what follows the last line end is left out."""
    with path.open("rb") as stream:
        stream.seek(start)
        data = stream.read()
    return data[: data.rfind(b"\n") + 1]


def read_blocks(path: Path, size_bytes: int = 4 << 20, *, start: int = 0) -> Iterator[bytes]:
    """Yield the whole lines of a log in blocks of about `size_bytes`, so that a long one is never in memory at once.

    It begins at byte `start`; what follows the last line end is left out.
    """
    rest: list[bytes] = []  # joined once, as a line may be longer than many blocks are
    for data in _pieces(path, size_bytes, start):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join([*rest, data[:end]])
            rest = [data[end:]]
        else:
            rest.append(data)


def _pieces(path: Path, size_bytes: int, start: int) -> Iterator[bytes]:
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        packed = mounts.chunks(path)
        if packed is None:
            raise
        for chunk in packed:
            yield chunk[start:]
            start = max(0, start - len(chunk))
        return
    with stream:
        stream.seek(start)
        while data := stream.read(size_bytes):
            yield data


def above_standard_streams(descriptor: int) -> int:
    """Move a file off the numbers of the standard streams, where a program that closed them would print into it."""
    taken = []
    while descriptor <= 2:
        taken.append(descriptor)
        descriptor = os.dup(descriptor)
    for low in taken:
        os.close(low)
    return descriptor
