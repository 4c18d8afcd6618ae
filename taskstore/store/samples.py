"""Writing blobs that a log names: debug samples, of which each series keeps the latest, and pictures that are plots."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..disk.atomic import make_folders, write_blob
from ..disk.layout import TaskPaths
from ..schema.record import FileRef

DEFAULT_HISTORY = 100
_EXTENSION = re.compile(r"\.[a-z0-9]{1,10}\Z")


@dataclass(frozen=True)
class Sample:
    """What to store: pieces of bytes to be read once, or a `url` that is recorded and not fetched."""

    extension: str
    media_type: str
    name: str = ""
    chunks: Iterable[bytes] = ()
    url: str = ""


class SampleKeeper:
    """One writer's blobs. A series keeps its latest; what goes, goes after the line that says so.

    So a reader never sees a line whose blob was taken before it, and a crash leaves at most a blob that no line names,
    or one that a line has replaced: doctor knows both.
    """

    def __init__(self, writer: str, locate: Callable[[], TaskPaths]) -> None:
        self._writer = writer
        self._locate = locate
        self._count = itertools.count()
        self._kept: dict[tuple[str, str], deque[str]] = {}

    def put(self, title: str, series: str, sample: Sample, iteration: int) -> FileRef:
        """Write a blob, durable, under a name of its own. Raises OSError or NotFound."""
        paths = self._locate()
        extension = sample.extension.lower()
        ending = extension if _EXTENSION.match(extension) else ".bin"
        path = paths.sample(title, series, f"{iteration:08d}-{next(self._count)}.{self._writer}{ending}")
        make_folders(path.parent, until=paths.home)
        digest, size_bytes = write_blob(path, sample.chunks)
        return FileRef(path=path.relative_to(paths.home).as_posix(), size=size_bytes, hash=digest)

    def replaced_by(self, title: str, series: str, path: str, history: int) -> list[str]:
        """Count a new blob, and return the paths of those that are now too many; a history of 0 or less keeps all."""
        kept = self._kept.setdefault((title, series), deque())
        kept.append(path)
        return [kept.popleft() for _ in range(len(kept) - history)] if history > 0 else []

    def delete(self, replaced: Iterable[str]) -> None:
        """Delete the blobs that a line in the log has replaced."""
        home = self._locate().home
        for path in replaced:
            with contextlib.suppress(FileNotFoundError):
                (home / path).unlink()
