"""The folders of this process whose files lie in a zip: each file is unpacked into its place when it is asked for.

The table is the process's, as the kernel's is the machine's. Where nothing is mounted, every function here is one look
at an empty tuple. Only what is read is unpacked: what a listing reads, not even to the disk; a task's folder but
for its blobs, when the task is found; a blob, when it is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

Entries = tuple[list[str], list[str]]


class Mount(Protocol):
    """A zip, seen as the folder `root`. Names are relative to it, with `/` between their parts."""

    root: Path
    zip: Path

    def entries(self, folder: str) -> Entries:
        """Return the task ids and the project components in a folder, each sorted."""
        ...

    def files(self) -> Iterable[tuple[str, int, int]]:
        """Return every file: its name, its size unpacked, and as it lies in the zip."""
        ...

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the files right in a folder of a task, with their sizes."""
        ...

    def has(self, home: str, start: str) -> bool:
        """Tell whether the name of any file of a task, within the task, begins so."""
        ...

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Return a file's bytes; None where there is none. Raises Damaged."""
        ...

    def chunks(self, name: str) -> Iterator[bytes] | None:
        """Return a file's bytes in pieces; None where there is none. Raises Refused, and while it is read Damaged."""
        ...

    def bring(self, name: str) -> None:
        """Unpack a file, or all below a folder of a task. Raises Damaged, Refused."""
        ...

    def bring_task(self, home: str) -> None:
        """Unpack a task's folder, but for its blobs. Raises Damaged, Refused."""
        ...


_mounts: tuple[Mount, ...] = ()


def add(mount: Mount) -> None:
    """Let the files of a zip be found."""
    global _mounts  # noqa: PLW0603 - the process's table
    _mounts = (*_mounts, mount)


def remove(mount: Mount) -> None:
    """Take a zip out of the table."""
    global _mounts  # noqa: PLW0603 - the process's table
    _mounts = tuple(one for one in _mounts if one is not mount)


def _found(path: str | Path) -> Iterator[tuple[Mount, str]]:
    """Yield the mount that a path is in, where there is one, with the path's name there."""
    text = os.fspath(path)
    for mount in _mounts:
        root = str(mount.root)
        if text == root or text.startswith(root + os.sep):
            yield mount, text[len(root) + 1 :].replace(os.sep, "/")


def holds(path: Path) -> bool:
    """Tell whether a path is in a zip."""
    return bool(_mounts) and next(_found(path), None) is not None


def entries(folder: str) -> Entries | None:
    """Return what `places.entries` does of a folder in a zip; None for any other."""
    return next((mount.entries(name) for mount, name in _found(folder)), None) if _mounts else None


def sizes(folder: Path) -> dict[str, int] | None:
    """Return the files in a folder of a task in a zip, with their sizes; None for any other folder."""
    return next((mount.sizes(name) for mount, name in _found(folder)), None) if _mounts else None


def has(home: Path, start: str) -> bool | None:
    """Tell whether a task in a zip has a file whose name within the task begins so; None for a task in none."""
    return next((mount.has(name, start) for mount, name in _found(home)), None) if _mounts else None


def files(root: Path) -> Iterable[tuple[str, int, int]] | None:
    """Return the files of a zip: name, size unpacked, size in the zip; None where `root` is not one's."""
    return next((mount.files() for mount, name in _found(root) if not name), None)


def read(path: str | Path, max_bytes: int) -> bytes | None:
    """Return the bytes of a file in a zip, and unpack nothing; None where it is in none. Raises Damaged."""
    return next((mount.read(name, max_bytes) for mount, name in _found(path)), None) if _mounts else None


def chunks(path: Path) -> Iterator[bytes] | None:
    """Return the bytes of a file in a zip in pieces, unpacking nothing; None where it is in none. Raises Refused."""
    return next((mount.chunks(name) for mount, name in _found(path)), None) if _mounts else None


def bring(path: Path) -> None:
    """See that a file of a task, or all below a folder of it, is on the disk. Raises Damaged, Refused."""
    for mount, name in _found(path):
        mount.bring(name)


def bring_task(home: Path) -> None:
    """See that a task's files are on the disk, but for its blobs. Raises Damaged, Refused."""
    for mount, name in _found(home):
        mount.bring_task(name)


def shown(text: str) -> str:
    """Return a text with the paths in it as a person knows them: those of the zip, not of where it is unpacked."""
    for mount in _mounts:
        text = text.replace(str(mount.root), str(mount.zip))
    return text
