"""Plain files below the folder of a run; who wrote them is not trusted."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from ...core.errors import Damaged
from .draft import chunks_of

MAX_FILES = 20_000
_MD5_CHARS = 24


def below(files: Path, name: object) -> Path | None:
    """Return a plain file of the run's by its relative path; None where there is none, or a link is on the way."""
    if not isinstance(name, str) or not name or "\0" in name or "\\" in name:
        return None
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts:
        return None
    path = files
    for part in parts:
        path = path / part
        if path.is_symlink():
            return None
    try:
        return path if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise Damaged for a file or folder that goes away meanwhile, or may not be read."""
    try:
        yield
    except OSError as error:
        place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else path
        raise Damaged(place, f"it went away, or cannot be read: {error.strerror}") from None


def unreadable(note: Callable[[str], None]) -> Callable[[OSError], None]:
    """Return what hears of folders that cannot be read; one that is not there, or has just gone, is none."""

    def told(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            note(f"a folder cannot be read: {error}")

    return told


def sizes(files: Path) -> dict[str, int]:
    """Return the plain files below a folder with their sizes, by their relative paths."""
    found = {}
    for name, path in walk(files, lambda _: None):
        with suppress(OSError):  # it has just gone
            found[name] = path.lstat().st_size
    return found


def walk(files: Path, note: Callable[[str], None]) -> Iterator[tuple[str, Path]]:
    """Yield the plain files below a folder, by their relative paths; `note` hears of what is not followed or read."""
    count = 0
    for folder, folders, names in os.walk(files, onerror=unreadable(note)):
        folders.sort()
        for name in sorted([*names, *(each for each in folders if Path(folder, each).is_symlink())]):
            path = Path(folder, name)
            relative = path.relative_to(files).as_posix()
            with suppress(OSError):  # it has just gone
                if path.is_symlink():
                    note(f"{relative} is a link to {path.readlink()}, and was not followed")
                    continue
                if not stat.S_ISREG(path.lstat().st_mode):
                    continue
            count += 1
            if count > MAX_FILES:
                note(f"of the files the first {MAX_FILES:,} were taken")
                return
            yield relative, path


def is_whole(path: Path, size_bytes: int, digest: str) -> bool:
    """Tell whether a file outside of the run's folder is what the run's record says: by its size and MD5.

    So a record cannot bring in a file whose content its writer did not know.
    """
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != size_bytes or len(digest) != _MD5_CHARS:
            return False
        found = hashlib.md5(usedforsecurity=False)
        for chunk in chunks_of(path):
            found.update(chunk)
    except (OSError, Damaged, ValueError):
        return False
    return base64.b64encode(found.digest()).decode() == digest
