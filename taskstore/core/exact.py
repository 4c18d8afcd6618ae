"""Values of the standard library that a text tells exactly, and the reading of them: their modules are seldom needed.

Decimal UUID Fraction    str(value): 1.10, 12345678-…, 1/3
timedelta                str(value): 1 day, 2:00:00; seconds are read too
bytearray                as the bytes that it holds
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from datetime import timedelta

_MODULES = {"Decimal": "decimal", "UUID": "uuid", "Fraction": "fractions"}
_DURATION = re.compile(r"(?:(-?\d+) days?,? *)?(?:(\d+):(\d\d):(\d\d(?:\.\d+)?))?\Z")


def spelled(value: object) -> tuple[str, str] | None:
    """Return the text and the name of the type of such a value; None of any other."""
    kind = type(value)
    if kind is timedelta:
        return str(value), "timedelta"
    if kind is bytearray:
        return repr(bytes(value)), "bytearray"  # type: ignore[call-overload]  # it is one
    if _MODULES.get(kind.__name__) == kind.__module__:
        return str(value), kind.__name__
    return None


def _of(kind: str) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            value: object = getattr(importlib.import_module(_MODULES[kind]), kind)(text.strip())
        except ArithmeticError:  # a Decimal of no number, a Fraction of nothing
            raise ValueError(text) from None
        return value

    return read


def _timedelta(text: str) -> timedelta:
    found = _DURATION.match(text.strip())
    if not found or not text.strip():
        return timedelta(seconds=float(text))
    days, hours, minutes, seconds = found.groups()
    return timedelta(int(days or 0), float(seconds or 0), minutes=int(minutes or 0), hours=int(hours or 0))


READERS: dict[str, Callable[[str], object]] = {**{kind: _of(kind) for kind in _MODULES}, "timedelta": _timedelta}
