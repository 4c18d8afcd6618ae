"""Files on their way into a task: fetched aside, hashed in the one pass that writes them, no lock held meanwhile."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...core.errors import Damaged
from ...disk.atomic import chunks_of, write_blob
from ...disk.layout import CONFLICTS
from ..source import Source
from . import units
from .reading import exactly
from .state import File


class Fetcher:
    """Takes files of a task from a source into a folder, each once."""

    def __init__(self, source: Source, task_id: str, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self._task_id = task_id
        self._sizes = source.sizes()
        self._numbers = itertools.count()
        self._fetched: dict[tuple[str, File], Path] = {}

    def size(self, name: str) -> int | None:
        """Return a file's size; None where the source has none of that name."""
        return self._sizes.get(name)

    def has(self, name: str, file: File) -> bool:
        """Tell whether the source seems to have a file, at its name or where it is when that one is taken."""
        return any(self._sizes.get(place) == file.size for place in _places(name, file))

    def fetch(self, name: str, file: File) -> Path:
        """Return where a file now is that the source has. Raises Damaged where its bytes have another hash."""
        if (name, file) not in self._fetched:  # two files of the same bytes are two
            found = [place for place in _places(name, file) if self._sizes.get(place) == file.size]
            self._fetched[name, file] = self._first_right(found, file, name)
        return self._fetched[name, file]

    def _first_right(self, found: Iterable[str], file: File, name: str) -> Path:
        for place in found:
            path = self._next()
            digest, _ = write_blob(path, exactly(self.source.chunks(place), file.size, Path(self._task_id, place)))
            if digest == file.hash or not file.hash:
                return path
            path.unlink()
        raise Damaged(Path(self._task_id, name), "its SHA-256 is not the one that it was named by")

    def fetch_log(self, name: str, log: File) -> Path:
        """Return where a log now is as it was; it may have grown since. Raises Damaged."""
        path = self._next()
        digest, _ = write_blob(path, exactly(self.source.chunks(name), log.size, Path(self._task_id, name)))
        if digest != log.hash:
            raise Damaged(Path(self._task_id, name), "its SHA-256 is not the one that it was named by")
        return path

    def fetch_tail(self, name: str, file: File, start: Path) -> Path | None:
        """Return where the bytes now are that a log has behind those of `start`; None where it does not begin so."""
        offset = start.stat().st_size
        digest = hashlib.sha256()
        for chunk in chunks_of(start):
            digest.update(chunk)
        path = self._next()
        chunks = exactly(self.source.chunks(name, offset), file.size - offset, Path(self._task_id, name))
        write_blob(path, _seen(chunks, digest))
        if digest.hexdigest() == file.hash:
            return path
        path.unlink()
        return None

    def text(self, name: str, max_bytes: int) -> bytes:
        """Return a small file's bytes. Raises Damaged where it is larger."""
        found = bytearray()
        for chunk in self.source.chunks(name):
            found += chunk
            if len(found) > max_bytes:
                raise Damaged(Path(self._task_id, name), f"larger than {max_bytes >> 20} MiB")
        return bytes(found)

    def _next(self) -> Path:
        return self.folder / f"{next(self._numbers)}"


def _seen(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _places(name: str, file: File) -> list[str]:
    if not file.hash:
        return [name]
    return [name, units.aside(name, file.hash), f"{CONFLICTS}/{file.hash}"]
