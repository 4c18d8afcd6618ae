"""Where a session's files go: into a zip of which the same task gives the same bytes, or into a folder."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Protocol

_OLDEST = (1980, 1, 1, 0, 0, 0)
_PACKED = frozenset({".json", ".jsonl", ".txt", ".csv", ".yaml", ".yml", ".html", ".log", ".md", ".py", ".svg"})
_OTHER = re.compile(r"[^\w.\-+=,() ]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\s*(\.|\Z)", re.IGNORECASE)
_MAX_BYTES = 80


class Sink(Protocol):
    """Takes files by their names within the session."""

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write one file from its pieces."""
        ...


class ZipSink:
    """A zip. Text is packed; what is packed already in most cases (weights, pictures, arrays) is stored."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._zip = opened

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write one file from its pieces."""
        info = zipfile.ZipInfo(name, _OLDEST)
        info.external_attr = 0o644 << 16
        info.create_system = 3
        is_text = PurePosixPath(name).suffix.lower() in _PACKED
        info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        with self._zip.open(info, "w", force_zip64=True) as stream:
            for chunk in chunks:
                stream.write(chunk)


class FolderSink:
    """A folder that nobody sees yet."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write one file from its pieces."""
        path = self._home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            for chunk in chunks:
                stream.write(chunk)


def component(name: str) -> str:
    """Return a part of a path for a name: itself where it goes as it is into an address and on any disk.

    ClearML makes addresses of these paths and escapes nothing. What is changed gets a part of its hash, so that two
    names that are unlike stay so.
    """
    plain = _OTHER.sub("_", name).strip(" .")
    suffix = "".join(PurePosixPath(plain).suffixes[-2:])
    if len(suffix.encode()) > 20:
        suffix = ""
    stem = plain[: len(plain) - len(suffix)]
    kept = stem.encode()[: _MAX_BYTES - len(suffix.encode())].decode("utf-8", "ignore")
    if name and kept + suffix == name and not _RESERVED.match(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept or '_'}-{digest}{suffix}"


class Names:
    """Gives each file a name that no other has, on disks that fold case either."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def fresh(self, folder: str, name: str) -> str:
        """Return a name below a folder: `name`, or in a folder of its own where that is taken."""
        own, count = component(name), 1
        found = f"{folder}/{own}"
        while found.casefold() in self._taken:
            count += 1
            found = f"{folder}/{count}/{own}"
        self._taken.add(found.casefold())
        return found
