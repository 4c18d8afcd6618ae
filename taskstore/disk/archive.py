"""Zip archives of folders: equal files give equal bytes, whenever they are packed; and safely out again."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ..core.errors import BadValue, Damaged, Refused

_CHUNK_BYTES = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ZIP64_BYTES = 1 << 30
_LEVEL = 1  # of deflate: of logs 7 % larger than level 6, in a third of the time
_SAMPLE_BYTES, _SAMPLES = 16 << 10, 4
_WORTH = 0.9
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
                info = _member(name, facts.st_size, is_executable=bool(facts.st_mode & 0o100))
                info.compress_type = zipfile.ZIP_DEFLATED
                _put(packed, info, iter(lambda: source.read(_CHUNK_BYTES), b""), progress)


class Packer:
    """Writes a zip whose bytes depend on names and contents alone; what does not get smaller is stored as it is."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int], None]) -> None:
        """Begin a zip at the start of a stream that can seek; use it in a `with`, whose end completes it."""
        self._zip = zipfile.ZipFile(stream, "w")
        self._progress = progress

    def __enter__(self) -> Packer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # It must be closed when something has failed too, or it tries once more when it is collected.
        with contextlib.nullcontext() if kind is None else contextlib.suppress(OSError, ValueError):
            self._zip.close()

    def add(self, name: str, chunks: Iterable[bytes], size_bytes: int) -> None:
        """Add a file; `size_bytes` is what it is likely to have, and decides of the form that large files need."""
        pieces = iter(chunks)
        first = next(pieces, b"")
        info = _member(name, size_bytes, is_executable=False)
        if _gets_smaller(first):
            info.compress_type = zipfile.ZIP_DEFLATED
            # ZipFile.writestr sets it so, and there is no other way where a file comes in pieces.
            info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # read by open()
        _put(self._zip, info, itertools.chain([first], pieces), self._progress)


def _member(name: str, size_bytes: int, *, is_executable: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | (0o755 if is_executable else 0o644)) << 16
    info.file_size = size_bytes
    return info


def _put(
    packed: zipfile.ZipFile, info: zipfile.ZipInfo, chunks: Iterable[bytes], progress: Callable[[int], None]
) -> None:
    with packed.open(info, "w", force_zip64=info.file_size >= _ZIP64_BYTES) as target:
        for chunk in chunks:
            target.write(chunk)
            progress(len(chunk))


def _gets_smaller(first: bytes) -> bool:
    """Tell by samples of a file's first piece whether it is worth deflating."""
    sample = first
    if len(first) > _SAMPLES * _SAMPLE_BYTES:
        step = (len(first) - _SAMPLE_BYTES) // (_SAMPLES - 1)
        sample = b"".join(first[at * step : at * step + _SAMPLE_BYTES] for at in range(_SAMPLES))
    return len(zlib.compress(sample, _LEVEL)) < _WORTH * len(sample)


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
