"""The files that a run names, found where its store is now: nothing outside of that, and no link, is ever read."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from ....core.errors import Damaged
from ..base import Notes

MLMODEL = "MLmodel"
_MAX_FILES = 100_000
_MAX_OF_FOLDER = 100
"""How many files of a folder become an artifact each; of more the folder is one."""
_MAX_DEPTH = 40
_LOCAL = ("", "file", "mlflow-artifacts", "dbfs")
_ID = re.compile(r"(m-)?[0-9a-f]{32}\Z")
_DRIVE = re.compile(r"/?[A-Za-z]:[/\\]")


@dataclass(frozen=True)
class Found:
    """What becomes one artifact or one model: a file, or the files of a folder by their names in it."""

    key: str
    path: Path
    files: tuple[tuple[str, Path], ...] = ()
    is_model: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, and becomes an archive."""
        return bool(self.files)

    @property
    def size_bytes(self) -> int:
        """Bytes of its files."""
        paths = [path for _, path in self.files] or [self.path]
        return sum(path.lstat().st_size for path in paths)


class Roots:
    """Where files are looked for: the folder of the store, and another one where that was named."""

    def __init__(self, *roots: Path) -> None:
        self._roots = [root.resolve() for root in roots]

    def holds(self, address: str) -> bool:
        """Tell whether an address is of a place below a root as it stands, whether anything is there or not."""
        path = Path("/", *_parts(address))
        return any(path.is_relative_to(root) for root in self._roots)

    def find(self, address: str, marker: str) -> Path | None:
        """Return the folder that an address names, below a root by as much of its path as is there.

        The store may have been moved. What is left of the path must hold `marker`, the id of the run or model, and that
        must be one as MLflow makes them: no store names the folder of something else.
        """
        parts = _parts(address)
        if marker not in parts or not _ID.match(marker):
            return None
        last = len(parts) - 1 - parts[::-1].index(marker)
        for start in range(last + 1):
            for root in self._roots:
                path = root.joinpath(*parts[start:])
                if path.is_dir() and not _leads_away(root, path):
                    return path
        return None


def is_remote(address: str) -> bool:
    """Tell whether an address is of a place on a network."""
    return not _DRIVE.match(address) and urlsplit(address).scheme not in _LOCAL


def _parts(address: str) -> list[str]:
    if _DRIVE.match(address):
        text = address[2:]
    else:
        split = urlsplit(address)
        text = unquote(split.path) if split.scheme else address
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    return [] if ".." in parts or "\0" in text else parts


def _leads_away(root: Path, path: Path) -> bool:
    """Tell whether a folder below a root, or one on the way to it, is a link."""
    try:
        return path.resolve() != path or not path.is_relative_to(root)
    except OSError:
        return True


def below(folder: Path, notes: Notes) -> Iterator[Found]:
    """Yield what is in a folder of artifacts: models, crowded folders, files. Links and devices are noted, not read."""
    count = 0
    for found in _walk(folder, "", notes, 0):
        count += max(1, len(found.files))
        if count > _MAX_FILES:
            notes.add(f"there are more than {_MAX_FILES:,} artifact files, and the rest was left out")
            return
        yield found


def _walk(folder: Path, prefix: str, notes: Notes, depth: int) -> Iterator[Found]:
    folders, names = _entries(folder, prefix, notes)
    if prefix and (MLMODEL in names or len(names) > _MAX_OF_FOLDER):
        files = tuple(_files_of(folder, notes, prefix))
        yield Found(prefix.rstrip("/"), folder, files, is_model=MLMODEL in names)
        return
    for name in names:
        yield Found(spelled(prefix + name), folder / name)
    for name in folders if depth < _MAX_DEPTH else []:
        yield from _walk(folder / name, f"{prefix}{spelled(name)}/", notes, depth + 1)


def folder_of(folder: Path, key: str, notes: Notes) -> Found | None:
    """Return a whole folder as one; None where no file is in it."""
    files = tuple(_files_of(folder, notes, ""))
    return Found(key, folder, files, is_model=True) if files else None


def _files_of(folder: Path, notes: Notes, prefix: str, inside: str = "", depth: int = 0) -> Iterator[tuple[str, Path]]:
    folders, names = _entries(folder, prefix + inside, notes)
    for name in names:
        yield spelled(inside + name), folder / name
    for name in folders if depth < _MAX_DEPTH else []:
        yield from _files_of(folder / name, notes, prefix, f"{inside}{name}/", depth + 1)


def _entries(folder: Path, prefix: str, notes: Notes) -> tuple[list[str], list[str]]:
    folders: list[str] = []
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    folders.append(entry.name)
                elif stat.S_ISREG(mode):
                    names.append(entry.name)
                else:
                    notes.add(f"{spelled(prefix + entry.name)!r} is a link or a device, and was left out")
    except OSError as error:
        notes.add(f"{spelled(prefix) or 'the folder of artifacts'} cannot be read: {error.strerror or error}")
    return sorted(folders), sorted(names)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file to be read; a link is not followed. Raises Damaged where that, or reading it, fails."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Damaged(path, "it is no file")
            yield stream
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror or str(error)
        raise Damaged(path, f"it cannot be read: {reason}") from None


def spelled(name: str) -> str:
    """Return a file's name as a text that can be stored."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
