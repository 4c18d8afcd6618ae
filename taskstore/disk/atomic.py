"""Records and blobs: written aside, synced, renamed into place; a reader sees the old whole or the new whole.

Temporary files stand beside their target as `.<name>.<owner>-<nonce>.tmp`, so that the rename stays within one
filesystem and `doctor` can tell what a crash left: the owner is the process that is writing.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..core.ids import is_id
from .layout import NEW_PREFIX, PURGE_PREFIX, TEMPORARY_SUFFIX
from .process import is_owner_gone, owner_tag

_CHUNK_BYTES = 1 << 20
_OWNER = re.compile(rf"[.-]([0-9a-f]{{8}}-[0-9]+)-[0-9a-f]+({re.escape(TEMPORARY_SUFFIX)})?\Z")
_GRACE_S = 3600.0


def temporary_beside(path: Path) -> Path:
    """Return a fresh name beside `path`, of the form that `doctor` recognises as a leftover."""
    return path.with_name(f".{path.name[:100]}.{owner_tag()}-{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


def staging_beside(path: Path, prefix: str = NEW_PREFIX) -> Path:
    """Return a fresh name beside `path` for a folder that is being built, or (PURGE_PREFIX) removed."""
    return path.with_name(f"{prefix}{owner_tag()}-{path.name if is_id(path.name) else secrets.token_hex(6)}")


def is_temporary(name: str) -> bool:
    """Tell whether a file or folder of this name is unfinished: being written now, or left by a crash."""
    return name.startswith((NEW_PREFIX, PURGE_PREFIX)) or (name.startswith(".") and name.endswith(TEMPORARY_SUFFIX))


def is_abandoned(path: Path, now: float) -> bool:
    """Tell whether nobody will finish the temporary at `path`: its owner is gone, or unknown and silent for an hour."""
    try:
        stat = path.lstat()
    except FileNotFoundError:
        return False
    touched = max(stat.st_mtime, stat.st_ctime)
    owner = _OWNER.search(path.name)
    is_gone = is_owner_gone(owner[1], touched) if owner else None
    return now - touched > _GRACE_S if is_gone is None else is_gone


def drop_abandoned(folder: Path) -> None:
    """Remove the temporary files below `folder` whose writers are known to be gone; never anything else, nor a folder.

    Raises nothing: what cannot be removed stays for `doctor`.
    """
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_temporary(name)]
        for name in names:
            owner = _OWNER.search(name) if is_temporary(name) else None
            path = Path(parent, name)
            with contextlib.suppress(OSError):
                if owner is not None and is_owner_gone(owner[1], path.lstat().st_ctime):
                    path.unlink()


def _drop_abandoned_beside(path: Path) -> None:
    for found in path.parent.glob(f".{glob.escape(path.name[:100])}.*{TEMPORARY_SUFFIX}"):
        owner = _OWNER.search(found.name)
        with contextlib.suppress(OSError):
            if owner is not None and is_owner_gone(owner[1], found.lstat().st_ctime):
                found.unlink()


def replace_record(path: Path, data: bytes, *, is_durable: bool = True) -> None:
    """Replace the file at `path` whole; afterwards it survives a power cut, unless `is_durable` is false.

    Raises OSError and leaves the file as it was, also when the disk is full.
    """
    with _aside(path, is_durable=is_durable) as descriptor:
        write_all(descriptor, data)


def write_blob(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write a blob in one pass; return its SHA-256 (hex) and size in bytes. The folder must exist."""
    digest = hashlib.sha256()
    size_bytes = 0
    with _aside(path, is_durable=True) as descriptor:
        for chunk in chunks:
            digest.update(chunk)
            size_bytes += len(chunk)
            write_all(descriptor, chunk)
    return digest.hexdigest(), size_bytes


@contextlib.contextmanager
def writing_aside(path: Path, *, is_new: bool) -> Iterator[BinaryIO]:
    """Write a file within the block, which appears whole at its end, durable; of a block that fails nothing stays.

    Where it must be new and something is there by then, FileExistsError is raised.
    """
    _drop_abandoned_beside(path)
    with _aside(path, is_durable=True, is_new=is_new) as descriptor, os.fdopen(os.dup(descriptor), "wb") as stream:
        yield stream


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in pieces of 1 MiB."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    digest = hashlib.sha256()
    for chunk in chunks_of(path):
        digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _aside(path: Path, *, is_durable: bool, is_new: bool = False) -> Iterator[int]:
    temporary = temporary_beside(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)
    try:
        try:
            yield descriptor
            if is_durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Opened before the rename: a project renamed right after it must not make a change that is done look undone.
        with _open_folder(path.parent if is_durable else None) as folder:
            if is_new:
                _check_is_new(path)
            os.replace(temporary, path)  # noqa: PTH105 - crash tests hook the os module's calls
            _sync(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _check_is_new(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte, or raise OSError; a short write (the disk is nearly full) is carried on until it fails."""
    written = os.write(descriptor, data)
    if written == len(data):
        return
    view = memoryview(data)[written:]
    while view:
        count = os.write(descriptor, view)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[count:]


def sync_folder(path: Path) -> None:
    """Make renames within a folder survive a power cut; does nothing where folders cannot be synced, or it has gone."""
    with contextlib.suppress(FileNotFoundError), _open_folder(path) as folder:
        _sync(folder)


@contextlib.contextmanager
def _open_folder(path: Path | None) -> Iterator[int]:
    if path is None or sys.platform == "win32":
        yield -1
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync(folder: int) -> None:
    if folder < 0:
        return
    try:
        os.fsync(folder)
    except OSError as error:
        # FUSE and some network filesystems have no fsync for folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS):
            raise


def make_folders(path: Path, *, until: Path) -> None:
    """Create `path` and its missing parents below `until`, each one durable."""
    missing = []
    while path != until and not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        sync_folder(folder.parent)
