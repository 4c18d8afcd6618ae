"""Files of a task in other hands: where one is, a copy that is the caller's, an archive unpacked."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from ..core.errors import Conflict, Damaged, NotFound
from ..disk import archive, mounts
from ..disk.atomic import sha256_of, staging_beside
from ..disk.layout import TaskPaths
from ..schema.record import FileRef
from . import left_out
from .store import Store


def checked(paths: TaskPaths, ref: FileRef, what: str) -> Path:
    """Return where a file is; a record may say anything, so it has to be within the task. Raises Damaged, NotFound."""
    path = paths.home / ref.path
    if not path.resolve().is_relative_to(paths.home.resolve()):
        raise Damaged(path, f"{what} names a file outside of its task")
    mounts.bring(path)
    if not path.is_file():
        if left_out.is_left_out(paths, ref.path):
            raise NotFound(f"{what.partition(' ')[0]} file", str(path), f"it was {left_out.WHY}")
        raise NotFound(f"{what.partition(' ')[0]} file", str(path), "`taskstore doctor` says what else is missing")
    return path


def checked_hash(path: Path, digest: str, what: str) -> str:
    """Return a file's SHA-256. Raises Damaged where it is another one than is recorded."""
    found = sha256_of(path)
    if found != digest:
        raise Damaged(path, f"its SHA-256 is not the one in the record of {what}")
    return found


def copied(path: Path, target: Path, *, is_unpacked: bool) -> Path:
    """Make a copy, or the unpacked files, at `target`. Raises Conflict where something is there."""
    if os.path.lexists(target):
        raise Conflict(f"there is {target} already; name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = staging_beside(target)
    try:
        if is_unpacked:
            staging.mkdir()
            archive.extract(path, staging)
        else:
            shutil.copyfile(path, staging)
        staging.rename(target)
    except BaseException:
        _discard(staging)
        raise
    return target


def unpacked(store: Store, path: Path, digest: str) -> Path:
    """Unpack into the store's cache, once; of two that do so at once both get the first."""
    target = store.paths.extracted(digest)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = staging_beside(target)
    staging.mkdir()
    try:
        archive.extract(path, staging)
        with contextlib.suppress(OSError):  # somebody was first
            staging.rename(target)
    finally:
        _discard(staging)
    return target


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
