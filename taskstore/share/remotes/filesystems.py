"""A remote of any kind that fsspec speaks: S3 and other buckets, memory://, SMB, FTP and so on.

A bucket shows a file when its upload is completed. Elsewhere a file is written beside its target and moved over it.
Nothing that fsspec remembers is used: neither its instances nor its listings, which others' changes do not reach.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from typing import Any

from ...core.errors import RemoteError
from ...store import kinds
from . import addresses
from .filenames import parent_of, unfinished_beside
from .place import Reading, regrouped
from .steady import Patience, Steady

FileSystem = Any
"""fsspec.AbstractFileSystem: the library is imported when it is needed."""

_PIECE_BYTES = 4 << 20
"""One request of a read."""
_PART_BYTES = 5 << 20
"""One part of an upload, the least that S3 takes: a bucket takes 10,000, which is 50 GB."""
_FEW = threading.BoundedSemaphore(2)
"""So many large files go up at a time: a part of each is in memory several times over."""

_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "tos"})
"""Kinds where a file appears when it is complete."""
_NOT_MET = frozenset({"botocore.exceptions.EndpointConnectionError", "botocore.exceptions.ConnectTimeoutError"})
_LOSSES = frozenset(
    {
        *("botocore.exceptions.HTTPClientError", "botocore.parsers.ResponseParserError"),
        *("aiohttp.client_exceptions.ClientError", "fsspec.exceptions.FSTimeoutError"),
    }
)
"""What libraries raise, besides Python's own, where a connection was lost."""
_BUSY = frozenset({errno.EBUSY, errno.EAGAIN, getattr(errno, "EREMOTEIO", errno.EBUSY)})


class FsspecPlace:
    """Files below an address that fsspec reads. Credentials are where the kind's own library looks for them."""

    is_writable = True
    failures: tuple[type[Exception], ...] = (Exception,)
    """Each kind raises errors of its own library."""

    def __init__(self, address: str, patience: Patience) -> None:
        kinds.check(address)
        self.address = address
        self._scheme = addresses.scheme_of(address)
        self._options = _options(self._scheme, patience)
        self._patience = patience
        self._systems = threading.local()
        self._shared: tuple[int, FileSystem, str] | None = None
        self._lock = threading.Lock()
        self._was_reached = False

    def is_lost(self, error: Exception) -> bool:
        """Tell whether the connection was lost or the server is busy; one that nobody answers is not tried again."""
        kinds_of = _names_of(error)
        if kinds_of & _NOT_MET or isinstance(error, ConnectionRefusedError):
            return self._was_reached
        if isinstance(error, (ConnectionError, TimeoutError, EOFError)) or kinds_of & _LOSSES:
            return True
        return isinstance(error, OSError) and error.errno in _BUSY

    def size(self, name: str) -> int | None:
        """Return a file's size."""
        system, path = self._at(name)
        try:
            facts = system.info(path)
        except (FileNotFoundError, NotADirectoryError):
            facts = {}
        self._was_reached = True
        return int(facts["size"] or 0) if facts.get("type") == "file" else None

    def names(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder."""
        system, top = self._at(folder)
        _, root = self._at("")
        system.invalidate_cache()
        found = system.find(top, detail=True)
        self._was_reached = True
        for path, facts in sorted(found.items()):
            if facts.get("type") == "directory" or path == top or (path.endswith("/") and not facts["size"]):
                continue  # some tools put an empty object where a folder would be
            name = path[len(root) :].removeprefix("/") if path.startswith(f"{root}/") or not root else path
            if facts.get("islink") or facts.get("type") != "file":
                raise RemoteError(f"{self.address}: {ascii(name)} is refused: it is a link or a device, and no file")
            yield name, int(facts["size"] or 0)

    def read(self, name: str, offset: int) -> Reading:
        """Open a file."""
        system, path = self._at(name)
        try:
            stream = system.open(path, "rb", block_size=_PIECE_BYTES, cache_type="none")
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(name) from error
        facts = getattr(stream, "details", None) or system.info(path)
        self._was_reached = True
        changed = next((facts[key] for key in ("ETag", "etag", "mtime", "LastModified", "created") if key in facts), "")
        size = int(facts["size"] or 0)
        return Reading(f"{changed} {size}", self._chunks(name, stream, offset, size))

    def _chunks(self, name: str, stream: Any, offset: int, size: int) -> Generator[bytes, None, None]:  # noqa: ANN401 - fsspec's
        with stream:
            if offset:
                stream.seek(min(offset, size))
            while offset < size:
                try:
                    chunk = stream.read(min(_PIECE_BYTES, size - offset))
                except OSError as error:
                    if type(error).__name__ != "FileExpired":
                        raise
                    chunk = b""
                if not chunk:
                    raise RemoteError(f"{self.address}: {name} has changed while it was read; try again")
                offset += len(chunk)
                yield chunk

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put a file."""
        system, path = self._at(name)
        if self._scheme in _BUCKETS:
            _upload(system, path, chunks, self._patience)
        else:
            _, parent = self._at(parent_of(name))
            system.makedirs(parent, exist_ok=True)
            _write_beside(system, path, self._at(unfinished_beside(name))[1], chunks)
        self._was_reached = True

    def remove(self, name: str) -> None:
        """Remove a file."""
        system, path = self._at(name)
        system.rm_file(path)

    def close(self) -> None:
        """Let the file systems go; their connections end with them."""
        self._shared, self._systems = None, threading.local()

    def _at(self, name: str) -> tuple[FileSystem, str]:
        """Return the file system to use in this thread and process, and the path of a file there."""
        system, root = self._system()
        return system, f"{root}/{name}" if name else root

    def _system(self) -> tuple[FileSystem, str]:
        """One that works in an event loop serves all threads, and others a thread each; none outlives a fork."""
        own = self._shared or getattr(self._systems, "own", None)
        if own is not None and own[0] == os.getpid():
            return own[1], own[2]
        if own is not None:  # in a child by fork: another thread may have held the lock
            self._shared, self._lock = None, threading.Lock()
        with self._lock:
            if self._shared is None:
                system, root = kinds.library().core.url_to_fs(self.address, **self._options)
                if self._scheme in addresses.S3:
                    system.retries = 1  # of s3fs; see _options
                    # botocore limits no sending: a server that takes nothing more would hold us for ever
                    system.call_s3 = partial(system.call_s3, timeout=self._patience.upload_s(_PART_BYTES))
                made = (os.getpid(), system, root.rstrip("/"))
                if not getattr(system, "async_impl", False):
                    self._systems.own = made
                    return made[1], made[2]
                self._shared = made
            return self._shared[1], self._shared[2]


def _options(scheme: str, patience: Patience) -> dict[str, Any]:
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme in addresses.S3:
        options["config_kwargs"] = {
            "connect_timeout": patience.connect_s,
            "read_timeout": patience.answer_s,
            "retries": {"total_max_attempts": 1},  # what is tried again, and when, is said in one place
        }
    return options


def _names_of(error: BaseException) -> set[str]:
    """The classes of an error and of what caused it, by their full names."""
    names: set[str] = set()
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            break
        names.update(f"{each.__module__}.{each.__qualname__}" for each in type(seen).__mro__)
        seen = seen.__cause__ or seen.__context__
    return names


def _upload(system: FileSystem, path: str, chunks: Iterable[bytes], patience: Patience) -> None:
    """Put an object, in several parts where it is large; what is given up is taken back."""
    pieces = iter(chunks)
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= _PART_BYTES:
            break
    else:
        limit = {"timeout": patience.upload_s(len(head))} if system.async_impl else {}
        system.pipe_file(path, bytes(head), **limit)
        return
    with _FEW:
        _upload_parts(system, path, head, pieces)


def _upload_parts(system: FileSystem, path: str, head: bytearray, pieces: Iterator[bytes]) -> None:
    stream = system.open(path, "wb", block_size=_PART_BYTES)
    try:
        stream.write(head)
        head.clear()
        for each in regrouped(pieces):
            stream.write(each)
        stream.close()
    except BaseException:
        stream.closed = True  # or it would be completed as it is, with what it has, when it is collected
        stream.discard()
        raise


def _write_beside(system: FileSystem, path: str, beside: str, chunks: Iterable[bytes]) -> None:
    try:
        with system.open(beside, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
        try:
            _move(system, beside, path)
        except FileExistsError:  # where a move replaces nothing
            system.rm_file(path)
            _move(system, beside, path)
    except BaseException:
        if system.exists(beside):
            system.rm_file(beside)
        raise


def _move(system: FileSystem, source: str, target: str) -> None:
    """Rename a file; a kind that has no rename of its own has it copied there: fsspec's takes names for patterns."""
    if type(system).mv is kinds.library().AbstractFileSystem.mv:
        system.cp_file(source, target)
        system.rm_file(source)
    else:
        system.mv(source, target)


class FsspecRemote(Steady):
    """A remote of a kind that fsspec speaks."""

    def __init__(self, address: str, patience: Patience | None = None) -> None:
        patience = patience or Patience()
        super().__init__(FsspecPlace(address, patience), patience)
