"""What an object becomes: files, folders, wildcards, lists of paths and addresses here, all else by the table."""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ...core.errors import BadValue
from ...core.urls import strip_credentials
from ...disk import archive
from . import arrays, plain, tables
from .prepared import PICKLE, Prepared, Serializer, cut

TABLE: tuple[Serializer, ...] = (*tables.SERIALIZERS, *arrays.SERIALIZERS, *plain.SERIALIZERS, plain.ANYTHING)
"""In order: an object is written by the first row that accepts it, and by the first of a suffix where one is wanted."""

_MAX_PATH = 2048
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S+\Z")
_WILDCARDS = re.compile(r"[*?\[]")
_MAX_LISTED = 500


def prepare(
    key: str,
    value: object,
    *,
    suffix: str | None = None,
    serialize: Callable[[Any], bytes | bytearray] | None = None,
    auto_pickle: bool = True,
    except_below: Path,
) -> Prepared:
    """Decide what a value becomes; files are looked at, nothing is written.

    `except_below` is left out of folders: the store itself. Raises BadValue for a path that is not there, for a suffix
    that nothing fits, and for what could only be pickled where `auto_pickle` is off.
    """
    if suffix and not suffix.startswith("."):
        suffix = f".{suffix}"
    if serialize is not None:
        return _by_function(key, value, serialize, suffix)
    if isinstance(value, archive.Packing):
        return _archive(key, dict(value.files))
    named = _by_name(value, except_below)
    if named is not None:
        return named
    for row in TABLE:
        if row.accepts(value) and suffix in (None, row.suffix):
            if row.type == PICKLE and not auto_pickle:
                break
            return _by_row(key, value, row)
    if suffix is not None:
        fitting = sorted({row.suffix for row in TABLE if row.accepts(value)})
        raise BadValue(f"artifact {key!r}: no {suffix!r} of {type(value).__name__}; there are {', '.join(fitting)}")
    raise BadValue(f"artifact {key!r}: {type(value).__name__} could only be pickled, and auto_pickle is off")


def as_type(key: str, value: object, type_: str) -> Prepared:
    """Return what a value becomes by the table's row of a type, whatever else would accept it."""
    return _by_row(key, value, next(row for row in TABLE if row.type == type_))


def row_of(type_: str, content_type: str) -> Serializer | None:
    """Return the row that reads a file back, by what its record says; None for what stays a file."""
    return next((row for row in TABLE if (row.type, row.content_type) == (type_, content_type)), None)


def _by_row(key: str, value: object, row: Serializer) -> Prepared:
    def write(stream: BinaryIO, _: Callable[[int], None]) -> None:
        try:
            row.write(value, stream)
        except plain.Unpicklable as error:
            raise BadValue(f"artifact {key!r}: {error}") from error

    return Prepared(
        type=row.type,
        file_name=_file_name(key, row.suffix),
        content_type=row.content_type,
        preview=cut(row.preview(value)),
        facts=row.facts(value),
        write=write,
    )


def _by_function(
    key: str, value: object, serialize: Callable[[Any], bytes | bytearray], suffix: str | None
) -> Prepared:
    def write(stream: BinaryIO, _: Callable[[int], None]) -> None:
        data = serialize(value)
        if not isinstance(data, (bytes, bytearray)):
            raise BadValue(f"artifact {key!r}: serialization_function has to return bytes, not {type(data).__name__}")
        stream.write(data)

    return Prepared(type="custom", file_name=_file_name(key, suffix or ".bin"), write=write)


def _file_name(key: str, suffix: str) -> str:
    stem = key.rstrip("/").rpartition("/")[2] or "artifact"
    return stem if stem.endswith(suffix) else stem + suffix


def _by_name(value: object, except_below: Path) -> Prepared | None:
    """Return what a path, an address or a list of paths becomes; None for any other object."""
    if isinstance(value, Path):
        found = _of_path(value, except_below) or _of_wildcard(str(value), except_below)
        if found is None:
            raise BadValue(f"there is no file or folder {str(value)!r}")
        return found
    if isinstance(value, str):
        if _URL.match(value):
            address = strip_credentials(value)
            return Prepared(type="custom", uri=address, content_type="", preview=cut(address))
        if not value or len(value) >= _MAX_PATH or "\0" in value:
            return None
        return _of_path(Path(value), except_below) or _of_wildcard(value, except_below)
    if isinstance(value, (list, tuple)) and value:
        return _of_list(value, except_below)
    return None


def _of_path(path: Path, except_below: Path) -> Prepared | None:
    try:
        facts = path.stat()
    except (OSError, ValueError):  # nothing is there, or the text is too long for a name, or holds what no name can
        return None
    if stat.S_ISDIR(facts.st_mode):
        return _archive(path.resolve().name or "folder", archive.files_below(path, except_below=except_below))
    if not stat.S_ISREG(facts.st_mode):
        raise BadValue(f"{str(path)!r} is neither a file nor a folder")
    return Prepared(
        type="custom",
        file_name=path.name,
        content_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        preview=cut(f"{path.name} - {facts.st_size:,} bytes"),
        source=path,
        total_bytes=facts.st_size,
    )


def _of_wildcard(text: str, except_below: Path) -> Prepared | None:
    if not _WILDCARDS.search(text):
        return None
    parts = Path(text).parts
    fixed = next(count for count, part in enumerate(parts) if _WILDCARDS.search(part))
    base = Path(*parts[:fixed])
    files = {}
    for path in _matching(base, parts[fixed:]):
        if path.is_file() and not path.resolve().is_relative_to(except_below):
            files[path.relative_to(base).as_posix()] = path
    archive.check_names(files)
    return _archive(base.resolve().name or "files", dict(sorted(files.items()))) if files else None


def _matching(base: Path, pattern: tuple[str, ...]) -> Iterator[Path]:
    """Yield what wildcards match as a shell does: '**' follows no links (they may lead back), '*' sees no dotfiles."""
    sees_hidden = any(part.startswith(".") for part in pattern)
    below = "/".join(pattern) + ("/*" if pattern[-1] == "**" else "")
    try:
        for path in base.glob(below):
            if sees_hidden or not any(part.startswith(".") for part in path.relative_to(base).parts):
                yield path
    except ValueError as error:  # such as a '**' that is a part of a name
        raise BadValue(f"{str(base.joinpath(*pattern))!r} is no pattern: {error}") from None


def _of_list(value: list[Any] | tuple[Any, ...], except_below: Path) -> Prepared | None:
    """A list of texts is one of paths only where there is something at each of them."""
    if not all(isinstance(item, (str, Path)) and str(item) and len(str(item)) < _MAX_PATH for item in value):
        return None
    paths = [Path(item) for item in value]
    missing = [path for path in paths if not _exists(path)]
    if missing and all(isinstance(item, Path) for item in value):
        raise BadValue(f"there is no file or folder {str(missing[0])!r}")
    if missing:
        return None
    whole = [path.absolute() for path in paths]
    base = Path(os.path.commonpath([path.parent for path in whole]))
    files: dict[str, Path] = {}
    for path in whole:
        below = archive.files_below(path, except_below=except_below) if path.is_dir() else {"": path}
        files |= {(path.relative_to(base) / name).as_posix(): file for name, file in below.items()}
    return _archive("files", dict(sorted(files.items())))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _archive(name: str, files: dict[str, Path]) -> Prepared:
    sizes = {member: path.stat().st_size for member, path in files.items()}
    lines = [f"{member} - {size:,} bytes" for member, size in list(sizes.items())[:_MAX_LISTED]]
    if len(sizes) > _MAX_LISTED:
        lines.append(f"and {len(sizes) - _MAX_LISTED:,} more")
    return Prepared(
        type="archive",
        file_name=f"{name}.zip",
        content_type="application/zip",
        preview=cut("\n".join(lines)),
        write=lambda stream, progress: archive.write(files.items(), stream, progress),
        total_bytes=sum(sizes.values()),
    )
