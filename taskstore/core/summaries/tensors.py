"""Reading TensorProto messages, of whatever classes; their layout is that of TensorFlow's tensor.proto, types.proto."""

from __future__ import annotations

import math
import struct
from typing import Any

from ..errors import BadValue

STRING = 7
_PACKED = {1: "f", 2: "d", 3: "i", 4: "B", 5: "h", 6: "b", 9: "q", 10: "?", 17: "H", 19: "e", 22: "I", 23: "Q"}
"""By DataType: how one number lies in `tensor_content`."""
_FIELDS = {1: "float_val", 2: "double_val", 9: "int64_val", 10: "bool_val", 22: "uint32_val", 23: "uint64_val"}
_HALF, _BFLOAT16 = 19, 14
_MAX_NUMBERS = 1 << 24


def shape_of(tensor: Any) -> list[int]:  # noqa: ANN401 - a message of any TensorProto class
    """Return the sizes of a tensor's dimensions; none for a single value."""
    return [dimension.size for dimension in tensor.tensor_shape.dim]


def numbers(tensor: Any) -> list[float]:  # noqa: ANN401
    """Return all of a tensor's numbers in C order; none where it is of a type that has none here.

    Raises BadValue where it says that it holds more than sixteen million, or what it holds does not fit its shape.
    """
    content, code = tensor.tensor_content, tensor.dtype
    count = math.prod(shape_of(tensor))
    if not 0 <= count <= _MAX_NUMBERS:
        raise BadValue(f"a tensor of the shape {shape_of(tensor)} is not read")
    try:
        return _numbers(tensor, content, code, count)
    except struct.error:
        raise BadValue(f"a tensor of the shape {shape_of(tensor)} holds other than that") from None


def _numbers(tensor: Any, content: bytes, code: int, count: int) -> list[float]:  # noqa: ANN401
    if content and code == _BFLOAT16:
        return [_of_bfloat16(bits) for bits in struct.unpack(f"<{count}H", content)]
    if content:
        kind = _PACKED.get(code)
        return list(struct.unpack(f"<{count}{kind}", content)) if kind else []
    if code == _HALF:
        found = [struct.unpack("<e", struct.pack("<H", bits))[0] for bits in tensor.half_val]
    elif code == _BFLOAT16:
        found = [_of_bfloat16(bits) for bits in tensor.half_val]
    else:
        found = list(getattr(tensor, _FIELDS.get(code, "int_val"), ()))
    return found * count if len(found) == 1 else found  # one value stands for all


def _of_bfloat16(bits: int) -> float:
    number: float = struct.unpack("<f", struct.pack("<I", bits << 16))[0]
    return number
