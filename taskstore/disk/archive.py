"""Zip archives of folders: equal files give equal bytes, whenever they are packed; and safely out again."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ..core.errors import BadValue, Damaged, Refused

_CHUNK_BYTES = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ZIP64_BYTES = 1 << 30
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Packing:
    """Files to be packed into one archive, by their names in it."""

    files: Mapping[str, Path]


def files_below(folder: Path, *, except_below: Path) -> dict[str, Path]:
    """Return the regular files of a tree by their relative names; links to files count, links to folders do not."""
    found = {}
    for root, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if (Path(root) / name).resolve() != except_below)
        for name in files:
            path = Path(root) / name
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path
    check_names(found)
    return dict(sorted(found.items()))


def check_names(names: Iterable[str]) -> None:
    """Raise BadValue for a file's name that an archive cannot hold: one whose bytes are no UTF-8."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise BadValue(
                f"the name of the file {name!r} is no UTF-8; rename it, and an archive can hold it"
            ) from None


def write(files: Iterable[tuple[str, Path]], stream: BinaryIO, progress: Callable[[int], None]) -> None:
    """Pack files; times are left out, of the modes the executable bit is kept."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in files:
            with _opened(path) as source:
                facts = os.fstat(source.fileno())
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3
                info.external_attr = (stat.S_IFREG | (0o755 if facts.st_mode & 0o100 else 0o644)) << 16
                with packed.open(info, "w", force_zip64=facts.st_size >= _ZIP64_BYTES) as target:
                    while chunk := source.read(_CHUNK_BYTES):
                        target.write(chunk)
                        progress(len(chunk))


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadValue(f"{str(path)!r} cannot be read: {error.strerror or error}") from None


def is_archive(name: str) -> bool:
    """Tell by a file's name whether `extract` unpacks it."""
    return name.lower().endswith((".zip", *_TAR_SUFFIXES))


def extract(path: Path, folder: Path) -> None:
    """Unpack a zip, or by its name a tar, into an empty folder.

    Raises Damaged where a name leads elsewhere or a member is a link or a device, Refused for want of space.
    """
    if path.name.lower().endswith(_TAR_SUFFIXES):
        _extract_tar(path, folder)
    else:
        _extract_zip(path, folder)


def _extract_tar(path: Path, folder: Path) -> None:
    import tarfile

    free_bytes = shutil.disk_usage(folder).free
    try:
        with tarfile.open(path, "r:*") as packed:
            for member in packed:
                name = PurePosixPath(member.name)
                is_foreign = os.name == "nt" and ("\\" in member.name or ":" in member.name)
                if name.is_absolute() or ".." in name.parts or is_foreign or not (member.isfile() or member.isdir()):
                    raise Damaged(path, f"it holds what is no file within itself: {member.name!r}")
                free_bytes -= member.size
                if free_bytes < 0:
                    raise Refused(f"{path.name} unpacks to more bytes than are free at {folder}")
                source = packed.extractfile(member)
                if source is None:
                    continue
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("xb") as out:
                    shutil.copyfileobj(source, out, _CHUNK_BYTES)
    except (tarfile.TarError, FileExistsError, EOFError) as error:
        raise Damaged(path, f"not an archive that can be unpacked: {error}") from None


def _extract_zip(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            members = [info for info in packed.infolist() if not info.is_dir()]
            for info in members:
                _check(path, info)
            total_bytes = sum(info.file_size for info in members)
            if total_bytes > shutil.disk_usage(folder).free:
                raise Refused(f"{path.name} unpacks to {total_bytes:,} bytes, more than is free at {folder}")
            for info in members:
                target = folder / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(info) as source, target.open("xb") as out:
                    shutil.copyfileobj(source, out, _CHUNK_BYTES)
                if info.external_attr >> 16 & 0o100:
                    target.chmod(target.stat().st_mode | 0o111)
    except (zipfile.BadZipFile, FileExistsError, EOFError, NotImplementedError) as error:
        raise Damaged(path, f"not an archive that can be unpacked: {error}") from None


def _check(path: Path, info: zipfile.ZipInfo) -> None:
    name = PurePosixPath(info.filename)
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    is_foreign = os.name == "nt" and ("\\" in info.filename or ":" in info.filename)
    if name.is_absolute() or ".." in name.parts or is_foreign or is_link:
        raise Damaged(path, f"it names a file outside of itself: {info.filename!r}")
