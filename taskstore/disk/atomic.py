"""Records and blobs: written aside, synced, renamed into place; a reader sees the old whole or the new whole.

Temporary files stand beside their target as `.<name>.<nonce>.tmp`, so that the rename stays within one
filesystem and `doctor` can tell what a crash left.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from .layout import TEMPORARY_SUFFIX

_CHUNK_BYTES = 1 << 20


def temporary_beside(path: Path) -> Path:
    """Return a fresh name beside `path`, of the form that `doctor` recognises as a leftover."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name is one that a crash left."""
    return name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)


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
def _aside(path: Path, *, is_durable: bool) -> Iterator[int]:
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
        os.replace(temporary, path)  # noqa: PTH105 - crash tests hook the os module's calls
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if is_durable:
        sync_folder(path.parent)


def write_all(descriptor: int, data: bytes) -> None:
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
    """Make renames within a folder survive a power cut; does nothing where folders cannot be synced."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # FUSE and some network filesystems have no fsync for folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)


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
