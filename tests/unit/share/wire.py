"""Protocol buffer messages spelled by hand, as the wire format has them; and the checksum of TFRecord, bit by bit."""

from __future__ import annotations

import struct


class Double(float):
    """A number in eight bytes."""


class Float(float):
    """A number in four bytes."""


Value = int | str | bytes | Double | Float
"""Whole numbers are varints, texts and bytes (messages too) have their length before them."""


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: Value) -> bytes:
    if isinstance(value, Double):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, Float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*fields: tuple[int, Value]) -> bytes:
    return b"".join(field(*each) for each in fields)


def doubles(*numbers: float) -> bytes:
    """What a packed repeated field of doubles holds."""
    return struct.pack(f"<{len(numbers)}d", *numbers)


def crc32c(data: bytes) -> int:
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    found = crc32c(data)
    return struct.pack("<I", ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF)
