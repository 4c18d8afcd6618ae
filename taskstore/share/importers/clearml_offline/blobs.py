"""The files of a session, copied into a task that nobody sees yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ....core.names import encode
from ....disk.atomic import make_folders, write_blob
from ....disk.layout import TaskPaths
from ....schema.record import FileRef
from ....store import blobs
from ....store.store import Store
from .session import Session


class Taken:
    """Copies files; each that a store has already becomes a link to it. `progress` hears of the bytes."""

    def __init__(
        self,
        store: Store,
        session: Session,
        paths: TaskPaths,
        beside: Path | None,
        progress: Callable[[int], None],
    ) -> None:
        self._store = store
        self._session = session
        self._paths = paths
        self._beside = beside
        self._progress = progress

    def file(self, member: str, target: Path) -> FileRef:
        """Copy a file of the session; the target's folder is made. Raises Damaged where it cannot be read."""
        make_folders(target.parent, until=self._paths.home)
        digest, size_bytes = write_blob(target, self._chunks(member))
        blobs.settle(self._store, target, digest, size_bytes)
        return FileRef(path=target.relative_to(self._paths.home).as_posix(), size=size_bytes, hash=digest)

    def below(self, member: str, folder: Path) -> FileRef:
        """Copy a file into a folder under its own name, further below where that is taken."""
        name = encode(member.rpartition("/")[2])
        target = folder / name
        count = 1
        while os.path.lexists(target) or self._is_taken(target):
            count += 1
            target = folder / str(count) / name
        return self.file(member, target)

    def _is_taken(self, target: Path) -> bool:
        return self._beside is not None and os.path.lexists(self._beside / target.relative_to(self._paths.home))

    def _chunks(self, member: str) -> Iterator[bytes]:
        for chunk in self._session.members.chunks(member):
            yield chunk
            self._progress(len(chunk))
