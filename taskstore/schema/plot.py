"""One line of a plot log and of a media log, and how the plotly JSON in it is spelled.

JSON has no NaN: plotly's own `null` would lose which of NaN and the infinities it was, so they are spelled as in
scalars. Read back, the texts are numbers again within arrays that hold nothing else but numbers.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from ..core.errors import BadValue
from .codec import number_text
from .record import FileRef

_NUMBERS = frozenset({int, float, bool})
_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MAX_DEPTH = 60


class PlotEvent(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of a plot log. `plot` is plotly JSON (`data`, `layout`); `file` is the image of a plot that is one."""

    timestamp: float
    iter: int
    metric: str
    variant: str
    file: FileRef | None = None
    plot: msgspec.Raw


class MediaEvent(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of a media log. `replaces` names the files of older samples that are deleted after this line."""

    timestamp: float
    iter: int
    metric: str
    variant: str
    media_type: str = ""
    name: str = ""
    url: str = ""
    file: FileRef | None = None
    replaces: list[str] = []


def encode_plot(figure: object) -> bytes:
    """Spell a figure as JSON on one line. Raises BadValue where something in it is no JSON and no array."""
    plain = _plain(figure, 0)
    try:
        return _ENCODER.encode(plain)
    except UnicodeEncodeError:
        return _ENCODER.encode(_as_text(plain))
    except (TypeError, OverflowError, RecursionError) as error:
        raise BadValue(f"the figure cannot be written as JSON: {error}") from None


def decode_plot(data: bytes | msgspec.Raw) -> dict[str, Any]:
    """Read a figure that `encode_plot` spelled. Raises msgspec.DecodeError or msgspec.ValidationError."""
    figure: dict[str, Any] = _numbers_back(_DECODER.decode(data))
    return figure


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - whatever a figure holds
    kind = type(value)
    if kind is float:
        return value if value - value == 0.0 else number_text(value)
    if value is None or kind in (str, int, bool):
        return value
    if depth > _MAX_DEPTH:
        raise BadValue(f"the figure is nested more than {_MAX_DEPTH} deep")
    if isinstance(value, dict):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return _plain_list(value, depth)
    return _plain(_builtin(value), depth + 1)


def _plain_list(value: list[Any] | tuple[Any, ...], depth: int) -> Any:  # noqa: ANN401
    if _NUMBERS.issuperset(map(type, value)) and _is_finite(value):
        return value  # most of a plot: nothing to walk over
    return [_plain(item, depth + 1) for item in value]


def _is_finite(numbers: list[Any] | tuple[Any, ...]) -> bool:
    """Tell it by the sum, which is much faster than by each; a sum that overflows is looked at more closely."""
    try:
        return math.isfinite(sum(numbers))
    except OverflowError:
        return False


def _builtin(value: Any) -> Any:  # noqa: ANN401
    """Turn what is like a builtin (an array, a date, a number of a library) into one."""
    for method in ("tolist", "to_plotly_json", "isoformat"):
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            plain = convert()
            return plain if type(plain) is not type(value) else str(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (set, frozenset, range)):
        return list(value)
    try:
        return int(value) if isinstance(value, int) else float(value)
    except (TypeError, ValueError):
        raise BadValue(f"the figure holds a {type(value).__name__}, which cannot be written as JSON") from None


def _key(key: object) -> str:
    return key if type(key) is str else str(key)


def _as_text(value: Any) -> Any:  # noqa: ANN401
    """Show lone surrogates, which no UTF-8 holds, as Python would."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, (list, tuple)) else value


def _numbers_back(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _numbers_back(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    kinds = set(map(type, value))
    if _NUMBERS.issuperset(kinds):
        return value
    if kinds <= {*_NUMBERS, str, type(None)}:
        if all(item in _SPELLED for item in value if type(item) is str):
            return [_SPELLED[item] if type(item) is str else item for item in value]
        return value
    return [_numbers_back(item) for item in value]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, Any])
