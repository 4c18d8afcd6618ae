"""Files on their way into a task: fetched aside, hashed in the one pass that writes them, no lock held meanwhile."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
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
        self._fetched: dict[str, Path] = {}

    def size(self, name: str) -> int | None:
        """Return a file's size; None where the source has none of that name."""
        return self._sizes.get(name)

    def has(self, name: str, file: File) -> bool:
        """Tell whether the source seems to have a file, at its name or where it is when that one is taken."""
        return seems_to_have(self._sizes, name, file)

    def fetch(self, name: str, file: File) -> Path:
        """Return where a file now is that the source has; each call gives one of its own to take away.

        Raises Damaged where its bytes have another hash.
        """
        twin = self._fetched.get(file.hash)
        if twin is not None:
            path = self._next()
            write_blob(path, chunks_of(twin))
            return path
        found = [place for place in _places(name, file) if self._sizes.get(place) == file.size]
        path = self._first_right(found, file, name)
        if file.hash:
            self._fetched[file.hash] = path
        return path

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
        path, size = Path(self._task_id, name), self._sizes[name]
        if size > max_bytes:
            raise Damaged(path, f"larger than {max_bytes >> 20} MiB")
        return b"".join(exactly(self.source.chunks(name), size, path))

    def _next(self) -> Path:
        return self.folder / f"{next(self._numbers)}"


def seems_to_have(sizes: Mapping[str, int], name: str, file: File) -> bool:
    """Tell by the sizes of a source's files whether it has one, at its name or where it is when that one is taken."""
    return any(sizes.get(place) == file.size for place in _places(name, file))


def _seen(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _places(name: str, file: File) -> list[str]:
    if not file.hash:
        return [name]
    return [name, units.aside(name, file.hash), f"{CONFLICTS}/{file.hash}"]
