"""Names of files at a remote: who wrote what is there is not trusted, so a name is looked at before it is used."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from ...core.errors import RemoteError
from ...disk.atomic import is_temporary, temporary_beside

_MAX_BYTES = 4096
_MAX_PART_BYTES = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def checked(address: str, name: str) -> str:
    """Return `name` where it is one of a file below a remote, on every system. Raises RemoteError with the name."""
    why = _fault(name)
    if why:
        raise RemoteError(f"{address}: the name {ascii(name)} is refused: {why}")
    return name


def _fault(name: str) -> str:
    try:
        parts = [part.encode("utf-8") for part in name.split("/")]
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if _CONTROL.search(name):
        return "it holds control characters"
    if name.startswith("/") or "\\" in name or _DRIVE.match(name):
        return "it is absolute, or holds a backslash"
    if any(part in (b"", b".", b"..") for part in parts):
        return "a part of it is empty, or leads elsewhere"
    if len(name.encode("utf-8")) > _MAX_BYTES or any(len(part) > _MAX_PART_BYTES for part in parts):
        return "it is too long"
    return ""


def is_unfinished(name: str) -> bool:
    """Tell whether a file is one that is being written, or was left so."""
    return any(is_temporary(part) for part in name.split("/"))


def unfinished_beside(name: str) -> str:
    """Return a fresh name beside `name` for writing it: one that `doctor` recognises too, where this is a store."""
    path = PurePosixPath(name)
    return path.with_name(temporary_beside(Path(path.name)).name).as_posix()


def parent_of(name: str) -> str:
    """Return the folder that a file is in; empty for one directly at the remote."""
    return name.rpartition("/")[0]
