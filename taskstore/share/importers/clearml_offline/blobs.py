"""The files of a session, copied into a task that nobody sees yet."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ....core.names import encode
from ....disk.atomic import make_folders, sha256_of, write_blob
from ....disk.layout import TaskPaths
from ....schema.record import FileRef
from ....store import artifacts, blobs, models
from ....store.store import Store
from .session import Session


class Taken:
    """Copies files; each that a store has already becomes a link to it. `progress` hears of the bytes.

    `beside` is the task that they will be moved into.
    """

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

    def below(self, member: str, folder: Path, owner: str) -> FileRef:
        """Copy a file into a folder under its own name, further below where that is taken.

        `owner` is the artifact or model that it is of.
        """
        name = encode(member.rpartition("/")[2])
        target = self._before(member, folder, owner) or folder / name
        count = 1
        while os.path.lexists(target) or self._is_taken(target, member, owner):
            count += 1
            target = folder / str(count) / name
        return self.file(member, target)

    def _before(self, member: str, folder: Path, owner: str) -> Path | None:
        """Return where an import that was killed has put the same file for the same owner."""
        for path, named in self._named.items() if self._beside is not None else ():
            target = self._paths.home / path
            if named == owner and target.is_relative_to(folder) and not self._is_taken(target, member, owner):
                return target
        return None

    def _is_taken(self, target: Path, member: str, owner: str) -> bool:
        """Tell whether the task has other bytes under that name, or another artifact or model the same ones.

        What an import has left there that was killed is not in the way: it is what this one puts there.
        """
        if self._beside is None:
            return False
        path = target.relative_to(self._paths.home).as_posix()
        there = self._beside / path
        if not os.path.lexists(there):
            return False
        is_ours = self._named.get(path, owner) == owner and there.is_file() and not there.is_symlink()
        return not is_ours or sha256_of(there) != self._hash(member)

    def _hash(self, member: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._session.members.chunks(member):
            digest.update(chunk)
        return digest.hexdigest()

    @functools.cached_property
    def _named(self) -> dict[str, str]:
        """The files that the task's records name, and the artifact or model that each is of."""
        assert self._beside is not None  # noqa: S101 - asked of a task only
        paths = TaskPaths(self._beside)
        found = {item.file.path: key for key, item in artifacts.read(paths).artifacts.items() if item.file is not None}
        for model in models.read(paths).output.values():
            refs = [model.file, *(snapshot.file for snapshot in model.snapshots)]
            found |= {ref.path: model.id for ref in refs if ref is not None}
        return found

    def _chunks(self, member: str) -> Iterator[bytes]:
        for chunk in self._session.members.chunks(member):
            yield chunk
            self._progress(len(chunk))
