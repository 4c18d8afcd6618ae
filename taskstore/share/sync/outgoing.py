"""Files on their way: what is written at a remote can be read anew for another attempt, and is what it claims to be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from pathlib import Path
from typing import TypeVar

from ...core.errors import Damaged
from ..merging import File
from ..remotes.base import Remote
from .peer import Moved, Tick

T = TypeVar("T")


def hashed(data: bytes) -> File:
    """Return size and hash of some bytes."""
    return File(size=len(data), hash=hashlib.sha256(data).hexdigest())


class Outgoing:
    """The bytes of a file of this side, as often as they are asked for.

    Raises Damaged at their end where they are not what was said of them, so that nothing wrong is ever put anywhere.
    """

    def __init__(self, open_: Callable[[], Iterator[bytes]], file: File, path: Path, tick: Tick, moved: Moved) -> None:
        self._open = open_
        self.file = file
        self._path = path
        self._tick = tick
        self._moved = moved

    def __iter__(self) -> Iterator[bytes]:
        left = self.file.size
        digest = hashlib.sha256()
        try:
            for chunk in self._open() if left else ():
                piece = chunk[:left]  # a log may have grown since
                left -= len(piece)
                digest.update(piece)
                self._tick(len(piece))
                self._moved.bytes_out += len(piece)
                yield piece
                if not left:
                    break
        except FileNotFoundError:
            raise Damaged(self._path, "the file is missing") from None
        if left or self.file.hash not in ("", digest.hexdigest()):
            raise Damaged(self._path, "it is not what its task's records say")


class Fetched:
    """A task's files at a remote, as it says that they lie; those that have come already are read here."""

    def __init__(
        self,
        remote: Remote,
        folder: str,
        files: Mapping[str, File],
        come: Mapping[str, Path],
        tick: Tick,
        moved: Moved,
    ) -> None:
        self._remote = remote
        self._folder = folder
        self._files = files
        self._come = come
        self._tick = tick
        self._moved = moved

    def sizes(self) -> dict[str, int]:
        """Return the names and sizes of its files."""
        return {name: file.size for name, file in self._files.items()}

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes."""
        path = self._come.get(name)
        if path is None:
            for chunk in self._remote.read(f"{self._folder}/{name}", offset):
                self._tick(len(chunk))
                self._moved.bytes_in += len(chunk)
                yield chunk
            return
        with path.open("rb") as stream:
            stream.seek(offset)
            while chunk := stream.read(1 << 20):
                yield chunk


def finished(under_way: Mapping[str, Future[T]]) -> dict[str, T]:
    """Wait for all, and return what they return. Raises what the first that failed has raised, once none runs."""
    done, pending = wait(under_way.values(), return_when=FIRST_EXCEPTION)
    failed = next((future for future in done if future.exception() is not None), None)
    if failed is not None:
        for future in pending:
            future.cancel()
        wait(pending)
        failed.result()
    return {name: future.result() for name, future in under_way.items()}
