"""The files of one task, wherever they lie: in a folder, in a zip, at a remote. Who wrote them is not trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ..core.errors import Damaged
from ..disk import mounts

_CHUNK_BYTES = 1 << 20


class Source(Protocol):
    """Reads a task's files; names are relative to the task's folder, with `/` between their parts."""

    def sizes(self) -> Mapping[str, int]:
        """Return the names of all files with their sizes in bytes. Raises Damaged, RemoteError."""
        ...

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on, in pieces. Raises Damaged, RemoteError, and FileNotFoundError."""
        ...


class FolderSource:
    """A task's folder on a disk of this machine."""

    def __init__(self, home: Path, *, passes_links: bool = False) -> None:
        self.home = home
        self._passes_links = passes_links

    def sizes(self) -> dict[str, int]:
        """Return the names of all files with their sizes. Raises Damaged for a link or a device, if it passes none."""
        mounts.bring(self.home)
        found: dict[str, int] = {}
        for folder, names, files in os.walk(self.home):
            names.sort()
            for name in sorted([*files, *names]):
                path = Path(folder, name)
                try:
                    facts = path.lstat()
                except FileNotFoundError:  # a run goes on, and has replaced it
                    continue
                if stat.S_ISREG(facts.st_mode):
                    found[path.relative_to(self.home).as_posix()] = facts.st_size
                elif not (stat.S_ISDIR(facts.st_mode) or self._passes_links):
                    raise Damaged(path, "it is a link or a device, and no file")
        return found

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on. Raises FileNotFoundError."""
        descriptor = os.open(self.home / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as stream:
            stream.seek(offset)
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
