"""Plain files below the folder of a run; who wrote them is not trusted."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
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


def walk(files: Path, note: Callable[[str], None]) -> Iterator[tuple[str, Path]]:
    """Yield the plain files below a folder, by their relative paths; `note` hears of links, which are not followed."""
    count = 0
    for folder, folders, names in os.walk(files):
        folders.sort()
        for name in sorted([*names, *(each for each in folders if Path(folder, each).is_symlink())]):
            path = Path(folder, name)
            relative = path.relative_to(files).as_posix()
            if path.is_symlink():
                note(f"{relative} is a link to {os.readlink(path)}, and was not followed")  # noqa: PTH115 - as it is spelled
            elif stat.S_ISREG(path.lstat().st_mode):
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
