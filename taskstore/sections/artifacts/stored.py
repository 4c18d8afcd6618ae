"""One artifact as it was when it was looked up, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ...core.errors import NotFound, Refused
from ...core.names import decode
from ...disk import seal
from ...schema import artifact as records
from ...store import copies, destination, places
from ...store.store import Store
from . import sources
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
            return self._under_own_name(path)
        if row.type == PICKLE and not trust:
            self._check_pickle(path)
        told = self._record.type_data.facts
        return row.read_as(path, told) if row.read_as is not None and told else row.read(path)

    def _check_pickle(self, path: Path) -> None:
        digest = self._checked_hash(path)
        if not seal.is_sealed(PICKLE, digest, self._record.type_data.seal):
            raise Refused(
                f"artifact {self.name!r} is a pickle that was not written here, and loading it can run any code; "
                "where you trust whoever made it, get(trust=True) loads it"
            )

    def _checked_hash(self, path: Path) -> str:
        return copies.checked_hash(path, self.hash, f"artifact {self.name!r}")

    def get_local_copy(self, folder: str | Path | None = None, *, extract_archive: bool = True) -> Path:
        """Return a path of the artifact's file; an archive is unpacked, unless told otherwise, and its folder returned.

        Without a folder that is the store's own file, which is read-only, under the name that it had, or its unpacked
        copy in the cache. In a
        `folder` it is a copy that is the caller's. Raises Refused for what is only recorded, Conflict where something
        of that name is in the folder, NotFound, Damaged.
        """
        path = self._file()
        is_unpacked = self.type == "archive" and extract_archive
        if folder is None:
            return self._unpacked(path) if is_unpacked else self._under_own_name(path)
        target = Path(folder).expanduser() / (decode(path.name) or path.name)
        target = target.with_suffix("") if is_unpacked else target
        return copies.copied(path, target, is_unpacked=is_unpacked)

    def _under_own_name(self, path: Path) -> Path:
        return destination.under_name(self._store, path, self.hash, decode(path.name) or path.name)

    def _unpacked(self, path: Path) -> Path:
        return copies.unpacked(self._store, path, self._checked_hash(path))

    def _file(self) -> Path:
        """Return where the file is now: in the task's folder, else fetched from where it was put besides."""
        record = self._record
        if record.file is not None:
            try:
                return copies.checked(places.locate(self._store, self._task_id), record.file, f"artifact {self.name!r}")
            except NotFound:
                if not record.uri_hash:
                    raise
        elif not record.uri_hash:
            raise Refused(f"artifact {self.name!r} is at {record.uri}, and was recorded without being fetched")
        return destination.fetch(self._store, record.uri, digest=record.uri_hash, name=destination.name_of(record.uri))
