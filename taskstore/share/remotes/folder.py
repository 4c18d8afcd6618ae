"""A remote that is a folder of this machine: a mount, a USB stick. It must be there: what is unmounted is not empty."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from ...core.errors import RemoteError
from ...disk.atomic import make_folders, write_blob
from .place import CHUNK_BYTES, Reading
from .steady import Patience, Steady


class FolderPlace:
    """Files below a folder. A link below it is refused: it may lead to what was never meant to be shared."""

    is_writable = True
    failures: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, root: Path) -> None:
        self.root = root
        self.address = str(root)

    def is_lost(self, error: Exception) -> bool:
        """Say no: a file system tries again by itself, or has failed."""
        return False

    def size(self, name: str) -> int | None:
        """Return a file's size."""
        try:
            facts = self._path(name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return facts.st_size if stat.S_ISREG(facts.st_mode) else None

    def names(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder."""
        top = self._path(folder) if folder else self._top()
        for parent, folders, files in os.walk(top, onerror=_raise_unless_gone):
            folders.sort()
            for name in sorted([*files, *folders]):
                path = Path(parent, name)
                try:
                    facts = path.lstat()
                except FileNotFoundError:
                    continue  # renamed or removed since
                if stat.S_ISREG(facts.st_mode):
                    yield path.relative_to(self.root).as_posix(), facts.st_size
                elif not stat.S_ISDIR(facts.st_mode):
                    raise self._foreign(path.relative_to(self.root).as_posix())

    def read(self, name: str, offset: int) -> Reading:
        """Open a file, which stays the one that it is now."""
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | _READING)
        except NotADirectoryError as error:
            raise FileNotFoundError(*error.args) from None
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            os.close(descriptor)
            raise self._foreign(name)
        return Reading(f"{facts.st_ino}-{facts.st_mtime_ns}-{facts.st_size}", _chunks(descriptor, offset))

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write beside, and rename."""
        path = self._path(name)
        make_folders(path.parent, until=self.root)
        write_blob(path, chunks)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._path(name).unlink()

    def close(self) -> None:
        """Nothing is held."""

    def _top(self) -> Path:
        if self.root.is_file():
            raise RemoteError(f"{self.root} is a file, and a remote is a folder")
        if not self.root.is_dir():
            if self.root.exists():
                raise RemoteError(f"{self.root}: it is no folder; a zip is for `taskstore import`")
            raise RemoteError(f"{self.root}: there is no such folder; mount it, or make it with mkdir")
        return self.root

    def _path(self, name: str) -> Path:
        path = self._top()
        for part in name.split("/"):
            if path.is_symlink() and path != self.root:
                raise self._foreign(path.relative_to(self.root).as_posix())
            path = path / part
        if path.is_symlink():
            raise self._foreign(name)
        return path

    def _foreign(self, name: str) -> RemoteError:
        return RemoteError(f"{self.address}: {ascii(name)} is refused: it is a link or a device, and no file")


_READING: int = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
"""No link is followed, and no pipe is waited for."""


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def _chunks(descriptor: int, offset: int) -> Generator[bytes, None, None]:
    with os.fdopen(descriptor, "rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


class FolderRemote(Steady):
    """A remote that is a folder."""

    def __init__(self, root: Path, patience: Patience | None = None) -> None:
        super().__init__(FolderPlace(root), patience)
