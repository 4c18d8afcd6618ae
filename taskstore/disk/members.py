"""The files of a folder or a zip, read where they lie: nothing is unpacked, and who packed them is not trusted."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ..core import portable
from ..core.errors import Damaged, Refused
from . import zip_directory

MAX_FILES = 100_000
MAX_RATIO = 200
"""How many times larger than itself a zip may unpack to, from `MIN_BOMB_BYTES` on."""
MIN_BOMB_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20
_ENCRYPTED = 1
_UTF8 = 0x800
_LEADS_AWAY = re.compile(r"[A-Za-z]:|[/\\]|(.*[/\\])?\.\.([/\\]|\Z)", re.S)
_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error)


class Members:
    """Files by their names, which are relative and have `/` between their parts. Use it in a `with`."""

    def __init__(
        self, path: Path, *, is_strict: bool = False, only: Collection[str] = (), max_files: int | None = None
    ) -> None:
        """Look at a folder or a zip without reading what is in it.

        Raises Damaged where a name leads elsewhere or is there twice, or where something in it is no plain file;
        Refused where there are too many, or they unpack to far more than they are. If it is strict, every name must be
        one that every filesystem has, and a zip's directory must say what is there. `only` are names in a folder beside
        which nothing is looked at.
        """
        self.path = path
        self._max_files = MAX_FILES if max_files is None else max_files
        self._is_strict = is_strict
        self.sizes: dict[str, int] = {}
        self.linked: set[str] = set()
        """Files of a folder that are hard links: what they hold may be that of a file elsewhere."""
        self._prefix = ""
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            self._look_into_folder(only)
        else:
            self._look_into_zip()

    def __enter__(self) -> Members:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()

    @property
    def total_bytes(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(self.sizes.values())

    def packed_bytes(self, name: str) -> int:
        """Return how many bytes of the zip a file takes up; of a folder's file, its size."""
        return self.sizes[name] if self._zip is None else self._zip.getinfo(self._prefix + name).compress_size

    def date_time(self, name: str) -> tuple[int, int, int, int, int, int]:
        """Return when a file in a zip was changed last, as it says: local time, or 1980 where nobody has said."""
        if self._zip is None:
            raise ValueError(self.path)
        return self._zip.getinfo(self._prefix + name).date_time

    def enter(self, folder: str) -> None:
        """Take what is below a folder of it for the whole."""
        self._prefix = f"{self._prefix}{folder}/"
        below = f"{folder}/"
        self.sizes = {name[len(below) :]: size for name, size in self.sizes.items() if name.startswith(below)}
        self.linked = {name[len(below) :] for name in self.linked if name.startswith(below)}

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file's bytes in pieces. Raises Damaged where it cannot be read, or not to its end."""
        found = 0
        try:
            with self._open(name) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    found += len(chunk)
                    yield chunk
        except _UNREADABLE as error:
            raise Damaged(self.path / name, f"it cannot be read: {error}") from None
        if self._zip is not None and found != self.sizes[name]:
            raise Damaged(
                self.path / name, f"the zip says that it has {self.sizes[name]:,} bytes, and it has {found:,}"
            )

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return a file's bytes. Raises Damaged where it cannot be read, or is larger than that."""
        found = bytearray()
        for chunk in self.chunks(name):
            found += chunk
            if len(found) > max_bytes:
                raise Damaged(self.path / name, f"it is larger than {max_bytes >> 20} MiB")
        return bytes(found)

    def lines(self, name: str, max_bytes: int) -> Iterator[bytes | None]:
        """Yield a file's lines without their ends; None stands for one that is longer than that, and is passed over.

        Raises Damaged behind the last line that can be read.
        """
        rest = bytearray()
        is_too_long = False
        for chunk in self.chunks(name):
            *whole, last = chunk.split(b"\n")
            for piece in whole:
                rest += piece
                yield None if is_too_long or len(rest) > max_bytes else bytes(rest)
                rest.clear()
                is_too_long = False
            rest += last
            if len(rest) > max_bytes:
                rest.clear()
                is_too_long = True
        if rest or is_too_long:
            yield None if is_too_long else bytes(rest)

    def _open(self, name: str) -> BinaryIO:
        if self._zip is not None:
            return self._zip.open(self._prefix + name)  # type: ignore[return-value]  # it reads as one
        descriptor = os.open(self.path / (self._prefix + name), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        return os.fdopen(descriptor, "rb")

    def _look_into_folder(self, only: Collection[str]) -> None:
        for folder, names, files in os.walk(self.path):
            if only and Path(folder) == self.path:
                names[:], files = [name for name in names if name in only], [name for name in files if name in only]
            names.sort()
            for name in sorted([*files, *names]):
                with contextlib.suppress(FileNotFoundError):  # it is in use, and this was there only just now
                    self._look_at(Path(folder, name))
        if self._is_strict:
            self._check_names()

    def _look_at(self, path: Path) -> None:
        facts = path.lstat()
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
            raise Damaged(path, "it is a link or a device, and no file")
        if stat.S_ISREG(facts.st_mode):
            name = path.relative_to(self.path).as_posix()
            self._add(name, facts.st_size)
            if facts.st_nlink > 1:
                self.linked.add(name)

    def _look_into_zip(self) -> None:
        try:
            if self.path.exists() and not self.path.is_file():
                raise Damaged(self.path, "it is a device or a pipe, and neither a zip nor a folder")
            if self._is_strict:
                zip_directory.check_size(self.path, self._max_files)
            opened = zipfile.ZipFile(self.path)
        except _UNREADABLE as error:
            raise Damaged(self.path, f"it is no zip that can be read: {error}") from None
        self._zip = opened
        try:
            for info in opened.infolist():
                self._check(info)
                if not info.is_dir():
                    self._add(info.filename, info.file_size)
            self._check_size()
            if self._is_strict:
                zip_directory.check(opened, self.path)
                self._check_names()
        except BaseException:
            opened.close()
            raise

    def _check(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename
        kind = stat.S_IFMT(info.external_attr >> 16)
        if _LEADS_AWAY.match(name) or "\0" in name or not PurePosixPath(name).parts:
            raise Damaged(self.path, f"it names a file outside of itself: {name!r}")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Damaged(self.path, f"it holds a link or a device: {name!r}")
        if self._is_strict and (info.filename != name or not (name.isascii() or info.flag_bits & _UTF8)):
            raise Damaged(self.path, f"a name in it is no UTF-8, or two names for one file: {name!r}")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Damaged(self.path, f"it is encrypted, or packed in a way that is not read here: {name!r}")

    def _check_names(self) -> None:
        for name in self.sizes:
            if why := portable.why_not(name):
                raise Damaged(self.path, f"{why}: {name!r}")
        for other, name in portable.meetings(self.sizes):
            raise Damaged(self.path, f"two names in it are one on some filesystems: {other!r} and {name!r}")

    def _add(self, name: str, size_bytes: int) -> None:
        if name in self.sizes:
            raise Damaged(self.path, f"it holds two files of one name: {name!r}")
        if len(self.sizes) == self._max_files:
            raise Refused(f"{self.path} holds more than {self._max_files:,} files, and none of them was read")
        self.sizes[name] = size_bytes

    def _check_size(self) -> None:
        total, packed = self.total_bytes, self.path.stat().st_size
        if total > MIN_BOMB_BYTES and total > MAX_RATIO * packed:
            raise Refused(
                f"{self.path} says that its {packed:,} bytes unpack to {total:,}, and none of them was read; "
                "where you trust it, unpack it and import the folder"
            )
