"""A zip's directory, looked at before and after `zipfile` reads it: how large it is, and whether it says what is there.

Every tool reads a zip by its directory or by the headers before its files; where the two differ, each sees other files.
The format is PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from ..core.errors import Damaged, Refused

MAX_BYTES = 16 << 20
"""How large a directory may be: all of it is in memory, many times its size."""
_END, _END64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_ENTRY, _HEADER = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_MAX_COMMENT_BYTES = 1 << 16
_UTF8, _SIZES_FOLLOW = 0x800, 0x8
_OF_CONTENT = ~_SIZES_FOLLOW & 0xFFFF
_IN_EXTRA = 0xFFFFFFFF


def check_size(path: Path, max_files: int) -> None:
    """Raise Refused for a zip whose directory is too large to be held, before anything holds it."""
    with path.open("rb") as stream:
        place = _directory(stream)
        if place is None:
            return  # no zip, which is for zipfile to say
        start, size_bytes = place
        is_too_large = size_bytes > MAX_BYTES
        if not is_too_large and size_bytes > max_files * _ENTRY.size:
            stream.seek(start)
            is_too_large = _count(stream.read(size_bytes)) > max_files
        if is_too_large:
            raise Refused(f"{path} holds more than {max_files:,} files, and none of them was read")


def _directory(stream: BinaryIO) -> tuple[int, int] | None:
    """Return where the directory begins and its size in bytes, found as zipfile finds it."""
    end = stream.seek(0, os.SEEK_END)
    first = max(0, end - _MAX_COMMENT_BYTES - _END.size)
    stream.seek(first)
    tail = stream.read()
    at = len(tail) - _END.size
    if at < 0 or tail[at : at + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":
        at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        return None
    size_bytes = _END.unpack_from(tail, at)[5]
    place = first + at
    if place >= _LOCATOR.size + _END64.size:
        stream.seek(place - _LOCATOR.size - _END64.size)
        larger = stream.read(_END64.size)
        if stream.read(4) == b"PK\6\7" and larger[:4] == b"PK\6\6":
            size_bytes = _END64.unpack(larger)[8]
            place -= _LOCATOR.size + _END64.size
    return max(0, place - size_bytes), size_bytes


def _count(directory: bytes) -> int:
    count = at = 0
    while at + _ENTRY.size <= len(directory):
        fields = _ENTRY.unpack_from(directory, at)
        at += _ENTRY.size + fields[10] + fields[11] + fields[12]
        count += 1
    return count


def check(packed: zipfile.ZipFile, path: Path) -> None:
    """Raise Damaged with an entry's name where the directory does not say what is there, or two share their bytes."""
    stream = packed.fp
    if stream is None:
        raise ValueError(path)
    end, before = 0, ""
    for info in sorted(packed.infolist(), key=lambda each: each.header_offset):
        name = info.orig_filename
        if info.header_offset < end:
            raise Damaged(path, f"two files lie in the same bytes of it: {before!r} and {name!r}")
        end = _end(stream, info, path)
        before = name
        if end > packed.start_dir:
            raise Damaged(path, f"a file goes on past where the files end: {name!r}")


def _end(stream: IO[bytes], info: zipfile.ZipInfo, path: Path) -> int:
    """Return where a file's bytes end."""
    name = info.orig_filename
    stream.seek(info.header_offset)
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size or header[:4] != b"PK\3\4":
        raise Damaged(path, f"where a file should begin there is none: {name!r}")
    _, _, flags, method, _, _, crc, size, full_size, name_bytes, extra_bytes = _HEADER.unpack(header)
    own = stream.read(name_bytes)
    for why in _differences(info, flags, method, own, (crc, size, full_size)):
        raise Damaged(path, f"its directory and the header of a file differ in {why}: {name!r}")
    ahead: int = _HEADER.size + name_bytes + extra_bytes
    return info.header_offset + ahead + info.compress_size


def _differences(
    info: zipfile.ZipInfo, flags: int, method: int, name: bytes, sizes: tuple[int, int, int]
) -> Iterator[str]:
    if name != info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"):
        yield "the name"
    if flags & _OF_CONTENT != info.flag_bits & _OF_CONTENT or method != info.compress_type:
        yield "how it is packed"
    if not flags & _SIZES_FOLLOW:
        for stored, said in zip(sizes, (info.CRC, info.compress_size, info.file_size), strict=True):
            if stored not in (said, _IN_EXTRA):
                yield "the size or the checksum"
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        yield "the size"
