"""What a transfer that was cut off has moved already, in cache/transfers/<hash of the address>.

Files that came are kept by their SHA-256 until their task is there whole; half a file is gone on with. Of files that
went, a log says which arrived, and what they were. All of it is a hint: deleting it costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from ...disk.atomic import chunks_of, sync_folder, write_all
from ...store.store import Store
from .peer import Unfit

_MAX_LOG_BYTES = 64 << 20
Fetch = Callable[[int], Iterator[bytes]]
"""Yields a file's bytes from an offset on."""


class Sent(msgspec.Struct, array_like=True, frozen=True):
    """One file that arrived at a remote."""

    name: str
    size: int
    hash: str


_decoder = msgspec.json.Decoder(Sent)


class Transfer:
    """The folder for one place that a store exchanges tasks with. Several threads and processes may use it at once."""

    def __init__(self, store: Store, address: str) -> None:
        self.folder = store.paths.transfers(hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32])
        self._log = self.folder / "sent.jsonl"
        self._lock = threading.Lock()
        self._sent: dict[str, Sent] | None = None

    def has_sent(self, name: str, size: int, digest: str) -> bool:
        """Tell whether a file arrived as what is wanted there now."""
        with self._lock:
            if self._sent is None:
                self._sent = _read_log(self._log)
            return self._sent.get(name) == Sent(name, size, digest)

    def note_sent(self, name: str, size: int, digest: str) -> None:
        """Note that a file has arrived. A store that cannot be written notes nothing."""
        line = msgspec.json.encode(Sent(name, size, digest)) + b"\n"
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                write_all(descriptor, line)
            finally:
                os.close(descriptor)

    def receive(self, key: str, size: int, digest: str, fetch: Fetch, *, seed: Path | None = None) -> Path:
        """Return the file that is kept as `key`, fetching what is missing of it; no digest is any.

        `seed` may hold its beginning, as an older copy of a log does. Two that fetch the same at once write the same
        bytes to the same places. Raises Unfit where what comes is something else.
        """
        target = self.folder / key
        if target.is_file():
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{key}.part"
        if not part.exists() and seed is not None:
            _copy(seed, part, size)
        is_begun = part.exists()
        if not _filled(part, size, digest, fetch) and not (is_begun and _refilled(part, size, digest, fetch)):
            part.unlink(missing_ok=True)
            raise Unfit("it is not what its task says: its size or its SHA-256 is another one")
        try:
            part.replace(target)
        except FileNotFoundError:  # another process was first
            if not target.is_file():
                raise
        sync_folder(self.folder)
        return target

    def drop(self, keys: Iterable[str]) -> None:
        """Remove files that have come to their task."""
        for key in keys:
            with contextlib.suppress(OSError):
                (self.folder / key).unlink()

    def clear(self) -> None:
        """Forget all: what was wanted is where it was to go."""
        with self._lock:
            self._sent = None
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                path.unlink()
            self.folder.rmdir()


def _read_log(path: Path) -> dict[str, Sent]:
    """Return the last word on each file; a line that cannot be read is passed over."""
    found: dict[str, Sent] = {}
    with contextlib.suppress(OSError), path.open("rb") as stream:
        for line in stream.read(_MAX_LOG_BYTES).splitlines():
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                sent = _decoder.decode(line)
                found[sent.name] = sent
    return found


def _copy(seed: Path, part: Path, size: int) -> None:
    """Begin a file with what another one holds, as far as it can be its beginning."""
    left = size
    with contextlib.suppress(FileNotFoundError), part.open("wb") as stream:
        for chunk in chunks_of(seed):
            stream.write(chunk[:left])
            left -= len(chunk)
            if left <= 0:
                break


def _refilled(part: Path, size: int, digest: str, fetch: Fetch) -> bool:
    part.unlink(missing_ok=True)
    return _filled(part, size, digest, fetch)


def _filled(part: Path, size: int, digest: str, fetch: Fetch) -> bool:
    """Bring a file to its size; tell whether it then has the SHA-256."""
    hashed = hashlib.sha256()
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "r+b", buffering=0) as stream:
        offset = 0
        while offset < size and (chunk := stream.read(min(1 << 20, size - offset))):
            hashed.update(chunk)
            offset += len(chunk)
        if offset < size:
            for chunk in fetch(offset):
                piece = chunk[: size - offset]  # a log may have grown since
                stream.seek(offset)
                write_all(descriptor, piece)
                hashed.update(piece)
                offset += len(piece)
                if offset >= size:
                    break
        stream.truncate(offset)
        os.fsync(descriptor)
    return offset == size and digest in ("", hashed.hexdigest())
