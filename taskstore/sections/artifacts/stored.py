"""One artifact as it was when it was looked up, and what can be done with it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ...core.errors import Conflict, Damaged, NotFound, Refused
from ...core.names import decode
from ...disk import seal
from ...disk.atomic import sha256_of, staging_beside
from ...schema import artifact as records
from ...store import places
from ...store.store import Store
from . import archive, sources
from .prepared import PICKLE


class Artifact:
    """An artifact of a task. Its attributes are of the moment in which it was looked up; methods read the disk."""

    def __init__(self, store: Store, task_id: str, record: records.Artifact) -> None:
        self._store = store
        self._task_id = task_id
        self._record = record

    def __repr__(self) -> str:
        return f"Artifact({self.name!r}, type={self.type!r}, size={self.size})"

    @property
    def name(self) -> str:
        """The name that it was uploaded by."""
        return self._record.key

    @property
    def type(self) -> str:
        """What it was: pandas, numpy, image, dict, string, archive, custom, pickle, …"""
        return self._record.type

    @property
    def mode(self) -> str:
        """What it is to the task: input or output."""
        return self._record.mode

    @property
    def url(self) -> str:
        """The address of what is elsewhere; of a file of the task, its path relative to the task's folder."""
        return self._record.uri or (self._record.file.path if self._record.file else "")

    def address(self) -> str:
        """Return the whole address: of a file of the task, where it lies at the moment. Raises NotFound."""
        return self._record.uri or self._file().as_uri()

    @property
    def size(self) -> int:
        """Bytes of its file."""
        return self._record.content_size

    @property
    def hash(self) -> str:
        """SHA-256 of its file, in hex."""
        return self._record.hash

    @property
    def timestamp(self) -> datetime | None:
        """When it was uploaded."""
        return self._record.timestamp

    @property
    def metadata(self) -> dict[str, str]:
        """What the caller said of it, as text."""
        return {pair[0]: pair[1] for pair in self._record.display_data if len(pair) == 2}

    @property
    def preview(self) -> str:
        """A text to look at, at most 64 KiB."""
        return self._record.type_data.preview

    def get(
        self, *, trust: bool = False, deserialization_function: Callable[[bytes | bytearray], Any] | None = None
    ) -> Any:  # noqa: ANN401 - what was uploaded
        """Return the object again; of a file its path, of an archive the folder that it was unpacked into.

        Loading a pickle runs code that is in it. One that this account has not written on this machine, or whose bytes
        have changed since, is refused unless `trust` is true. Raises Refused, NotFound, Damaged.
        """
        if deserialization_function is not None:
            return deserialization_function(self._file().read_bytes())
        if self.type == "archive":
            return self.get_local_copy()
        path = self._file()
        row = sources.row_of(self.type, self._record.type_data.content_type)
        if row is None:
            return path
        if row.type == PICKLE and not trust:
            self._check_pickle(path)
        return row.read(path)

    def _check_pickle(self, path: Path) -> None:
        digest = self._checked_hash(path)
        if not seal.is_sealed(PICKLE, digest, self._record.type_data.seal):
            raise Refused(
                f"artifact {self.name!r} is a pickle that was not written here, and loading it can run any code; "
                "where you trust whoever made it, get(trust=True) loads it"
            )

    def _checked_hash(self, path: Path) -> str:
        digest = sha256_of(path)
        if digest != self.hash:
            raise Damaged(path, f"its SHA-256 is not the one in the record of artifact {self.name!r}")
        return digest

    def get_local_copy(self, folder: str | Path | None = None, *, extract_archive: bool = True) -> Path:
        """Return a path of the artifact's file; an archive is unpacked, unless told otherwise, and its folder returned.

        Without a folder that is the store's own file, which is read-only, or its unpacked copy in the cache. In a
        `folder` it is a copy that is the caller's. Raises Refused for what is elsewhere, Conflict where something of
        that name is in the folder, NotFound, Damaged.
        """
        path = self._file()
        is_unpacked = self.type == "archive" and extract_archive
        if folder is None:
            return self._unpacked(path) if is_unpacked else path
        target = Path(folder).expanduser() / (decode(path.name) or path.name)
        target = target.with_suffix("") if is_unpacked else target
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

    def _unpacked(self, path: Path) -> Path:
        """Unpack into the store's cache, once; of two that do so at once both get the first."""
        target = self._store.paths.extracted(self._checked_hash(path))
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

    def _file(self) -> Path:
        """Return where the file is now; a record may say anything, so it has to be within the task's folder."""
        ref = self._record.file
        if ref is None:
            raise Refused(f"artifact {self.name!r} is at {self._record.uri}, and was recorded without being fetched")
        home = places.locate(self._store, self._task_id).home
        path = home / ref.path
        if not path.resolve().is_relative_to(home.resolve()):
            raise Damaged(path, f"artifact {self.name!r} names a file outside of its task")
        if not path.is_file():
            raise NotFound("artifact file", str(path), "`taskstore doctor` says what else is missing")
        return path


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
