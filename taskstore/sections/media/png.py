"""The smallest PNG writer that is one: no filters, no palette, zlib. PNG (third edition) is its source."""

from __future__ import annotations

import struct
import zlib

_COLOR_TYPES = {1: 0, 3: 2, 4: 6}
_LEVEL = 4  # about twice as fast as zlib's default, and a few percent larger


def encode_png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """Spell 8-bit pixels, row by row from the top, as PNG; 1 channel is grey, 3 are RGB, 4 are RGBA."""
    stride = width * channels
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, stride * height, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, _LEVEL)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
