"""Records of a TensorFlow event file: `uint64 length, uint32 checksum of it, data, uint32 checksum of that` (TFRecord).

A file may end within a record: it is still being written, or its writer was killed.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ...core.errors import Damaged
from .crc32c import masked

MAX_RECORD_BYTES = 32 << 20
"""What is larger is passed over: it would have to be in memory at once."""
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
"""A link is refused, a pipe is not waited for, and no line end is changed, where a system has these."""


def open_plain(path: Path) -> BinaryIO:
    """Open a file that is neither a link nor a device. Raises Damaged."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise Damaged(path, f"it cannot be read: {error.strerror}") from None
    stream = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise Damaged(path, "it is no plain file")
    return stream


def records(
    path: Path, size_bytes: int, note: Callable[[str], None], *, max_bytes: int | None = None
) -> Iterator[bytes]:
    """Yield the whole records among a file's first bytes; `note` hears of what is damaged, too large or torn.

    It keeps no hold of what it has yielded.

    Behind a length that is damaged nothing can be found any more. Raises Damaged where the file cannot be read.
    """
    at, most = 0, MAX_RECORD_BYTES if max_bytes is None else max_bytes
    with open_plain(path) as stream:
        while at < size_bytes:
            header = stream.read(_HEADER.size)
            length, checksum = _HEADER.unpack(header) if len(header) == _HEADER.size else (0, 0)
            end = at + _HEADER.size + length + _FOOTER.size
            if len(header) == _HEADER.size and masked(header[:8]) != checksum:
                note(f"{path.name} is damaged at byte {at:,}; it is read up to there")
                return
            if len(header) < _HEADER.size or end > size_bytes:
                note(f"{path.name} ends within a record; it is read up to byte {at:,}")
                return
            if length > most:
                note(f"{path.name}: a record of more than {most >> 20} MiB was left out")
                stream.seek(end)
            else:
                data, footer = [stream.read(length)], stream.read(_FOOTER.size)
                if footer == _FOOTER.pack(masked(data[0])):
                    yield data.pop()
                else:
                    note(f"{path.name}: a record is damaged, and was left out")
            at = end
