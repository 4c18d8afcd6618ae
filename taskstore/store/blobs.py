"""Blobs below files/: hashed in the one pass that writes them, kept once in a store, never changed.

A blob is written aside first, without a lock, however long that takes; its owner then places it, under the task's lock,
in the same breath as the record that names it. A blob of bytes that the store has already becomes a hard link to them
(docs/decisions/0013-blobs-once.md). A file of the user's is never linked: its owner may go on writing it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..core.names import encode
from ..disk.atomic import chunks_of, make_folders, replace_record, sync_folder, temporary_beside, write_all, write_blob
from ..disk.layout import TaskPaths
from ..disk.reflink import reflink
from ..schema.record import FileRef
from . import places
from .store import Store, writing

Progress = Callable[[int], None]
"""Hears of each piece that was read or written, in bytes."""

_CHUNK_BYTES = 1 << 20
_MIN_SHARED_BYTES = 16 << 10
_MAX_MISSES = 5
_HASH_CHARS = 12


class Stream(io.RawIOBase):
    """What a blob is written to: it hashes what passes. Whoever writes may close it; it does not seek."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def writable(self) -> bool:
        """As the name says."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size_bytes

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer
        """Write all of `data`."""
        view = memoryview(data).cast("B")
        write_all(self._descriptor, view)
        self._digest.update(view)
        self._size_bytes += len(view)
        return len(view)

    def take(self, source: BinaryIO, progress: Progress | None = None) -> None:
        """Write an open file: its blocks shared where the filesystem can, else copied while hashed.

        That is up to where its end was at first: one that is being written may grow faster than it is copied.
        """
        if not self._size_bytes and reflink(source.fileno(), self._descriptor):
            self._hash_own(progress)
            return
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        left = os.fstat(source.fileno()).st_size or sys.maxsize  # what the kernel makes up has no size
        while count := source.readinto(buffer[:left]):  # type: ignore[attr-defined]  # every binary file has it
            self.write(buffer[:count])
            left -= count
            if progress is not None:
                progress(count)

    def _hash_own(self, progress: Progress | None) -> None:
        """Hash what is stored, and not the file that it came from, which may have changed since."""
        while chunk := os.read(self._descriptor, _CHUNK_BYTES):
            self._digest.update(chunk)
            self._size_bytes += len(chunk)
            if progress is not None:
                progress(len(chunk))

    def result(self) -> tuple[str, int]:
        """Return SHA-256 in hex and size in bytes of what was written so far."""
        return self._digest.hexdigest(), self._size_bytes


@dataclass
class Staged:
    """A whole blob that no record names yet. `path` is relative to its task's folder, which may move meanwhile."""

    path: str
    hash: str
    size: int
    placed: str = ""


@contextlib.contextmanager
def staged(
    store: Store, task_id: str, folder_of: Callable[[TaskPaths], Path], fill: Callable[[Stream], None]
) -> Iterator[Staged]:
    """Let `fill` write a blob into a task's folder, durable; what the body does not place goes away with it.

    Raises what `fill` raises, OSError (a full disk), ReadOnly, NotFound.
    """
    home, path, descriptor = _open_aside(store, task_id, folder_of)
    blob = Staged(path.relative_to(home).as_posix(), "", 0)
    try:
        try:
            stream = Stream(descriptor)
            fill(stream)
            blob.hash, blob.size = stream.result()
            current = path_of(store, task_id, blob)
            if not _became_link(store, current, blob):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if os.name != "nt":  # where a read-only file could not be deleted
            _protect(store, task_id, blob)
        yield blob
    finally:
        if not blob.placed:
            with contextlib.suppress(OSError):
                path_of(store, task_id, blob).unlink(missing_ok=True)


def _open_aside(store: Store, task_id: str, folder_of: Callable[[TaskPaths], Path]) -> tuple[Path, Path, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    for attempt in range(_MAX_MISSES):
        paths = places.locate(store, task_id)
        folder = folder_of(paths)
        try:
            with writing(store):
                make_folders(folder, until=paths.home)
                path = temporary_beside(folder / "blob")
                return paths.home, path, os.open(path, flags, 0o666)
        except FileNotFoundError:
            if attempt == _MAX_MISSES - 1:
                raise
            store.places.pop(task_id, None)  # it has just been moved
    raise AssertionError


def _protect(store: Store, task_id: str, blob: Staged) -> None:
    """Take a blob's write bits away, wherever its task is being moved to. Raises NotFound."""
    for _ in range(_MAX_MISSES):
        with contextlib.suppress(FileNotFoundError):
            path_of(store, task_id, blob).chmod(0o444)
            return
        store.places.pop(task_id, None)


def path_of(store: Store, task_id: str, blob: Staged) -> Path:
    """Return where a staged blob is now. Raises NotFound."""
    return places.locate(store, task_id).home / (blob.placed or blob.path)


def _became_link(store: Store, path: Path, blob: Staged) -> bool:
    """Replace a blob by a hard link to the same bytes elsewhere in the store, where there are any."""
    if os.name == "nt" or blob.size < _MIN_SHARED_BYTES:
        return False
    twin = _twin(store, path, blob)
    if twin is None:
        return False
    link = temporary_beside(path)
    try:
        os.link(twin, link)
    except OSError:  # too many links, somebody else's file, a filesystem without links: keep a copy
        return False
    try:
        os.replace(link, path)  # noqa: PTH105 - crash tests hook the os module's calls
    except FileNotFoundError:  # the task has just been moved: keep a copy
        return False
    return True


def _twin(store: Store, path: Path, blob: Staged) -> Path | None:
    """Return a blob of the same bytes that the hint knows; it is compared, since a hint may be wrong and a disk rot."""
    hint = store.paths.blob_hint(blob.hash)
    try:
        twin = store.root / hint.read_text("utf-8")
        home = twin.resolve()
        if not home.is_relative_to(store.paths.projects.resolve()) or twin.is_symlink() or not twin.is_file():
            return None
        return twin if twin.stat().st_size == blob.size and _are_equal(twin, path) else None
    except (OSError, ValueError, RuntimeError):
        return None


def _are_equal(one: Path, other: Path) -> bool:
    return all(left == right for left, right in zip(chunks_of(one), chunks_of(other), strict=True))


def place(store: Store, paths: TaskPaths, blob: Staged, folder: Path, name: str) -> FileRef:
    """Give a staged blob its name in `folder`; the caller holds the task's lock and writes the record next.

    A name that other bytes have keeps them, because a record may name them until the new one is written. May be
    called again when the task has moved meanwhile.
    """
    if not blob.placed or not (paths.home / blob.placed).exists():
        target = _free(folder / encode(name), blob)
        make_folders(target.parent, until=paths.home)
        source = paths.home / blob.path
        if target.exists() and target.samefile(source):
            source.unlink()  # a rename of one link over another of the same file does nothing
        else:
            source.rename(target)
        sync_folder(target.parent)
        blob.placed = target.relative_to(paths.home).as_posix()
    _leave_hint(store, paths.home / blob.placed, blob)
    return FileRef(path=blob.placed, size=blob.size, hash=blob.hash)


def _free(wanted: Path, blob: Staged) -> Path:
    return wanted.parent / blob.hash[:_HASH_CHARS] / wanted.name if os.path.lexists(wanted) else wanted


def _leave_hint(store: Store, path: Path, blob: Staged) -> None:
    if os.name == "nt" or blob.size < _MIN_SHARED_BYTES or not path.is_relative_to(store.root):
        return
    hint = store.paths.blob_hint(blob.hash)
    with contextlib.suppress(OSError):
        hint.parent.mkdir(parents=True, exist_ok=True)
        replace_record(hint, path.relative_to(store.root).as_posix().encode(), is_durable=False)


def settle(store: Store, path: Path, digest: str, size: int) -> None:
    """Close a blob of a task that nobody sees yet; it becomes a link where the store has its bytes."""
    _became_link(store, path, Staged(path.name, digest, size))
    if os.name != "nt":
        path.chmod(0o444)


def share(source: Path, target: Path) -> None:
    """Give another task of the store the same blob: a link where that is possible, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.name != "nt" and not source.stat().st_mode & 0o222:
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    write_blob(target, chunks_of(source))
    if os.name != "nt":
        target.chmod(0o444)


def remove(paths: TaskPaths, ref: FileRef) -> None:
    """Delete a blob that no record names any longer, and the folders that this leaves empty."""
    path = paths.home / ref.path
    if not path.resolve().is_relative_to(paths.files.resolve()):
        return  # a record may say anything
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        while (path := path.parent) != paths.files:
            path.rmdir()


def clear(paths: TaskPaths, keep: set[Path]) -> None:
    """Delete everything below files/ except what is to be kept; the caller holds the task's lock."""
    if not paths.files.exists():
        return
    if not keep:
        shutil.rmtree(paths.files)
        return
    for path in sorted(paths.files.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()
        elif path not in keep:
            path.unlink()
