"""What W&B's items hold: values in JSON under a key, or under the keys on the way to it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

_MAX_DEPTH = 60
_MAX_CHARS = 2 << 20
_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def parse(text: str) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return the value of a JSON text; the text itself where it is none, or too large to be taken apart."""
    if len(text) > _MAX_CHARS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def update(target: dict[str, Any], items: Iterable[Any]) -> None:
    """Set the values of items in nested dictionaries."""
    for item in items:
        path = list(item.nested_key) or [item.key]
        if len(path) > _MAX_DEPTH:
            continue
        inner = target
        for key in path[:-1]:
            found = inner.get(key)
            if not isinstance(found, dict):
                found = inner[key] = {}
            inner = found
        inner[path[-1]] = parse(item.value_json)


def remove(target: dict[str, Any], items: Iterable[Any]) -> None:
    """Take values out of nested dictionaries."""
    for item in items:
        path = list(item.nested_key) or [item.key]
        inner: Any = target
        for key in path[:-1]:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(path[-1], None)


def number(value: object) -> float | None:
    """Return a number, also one that JSON has not; None for what is none."""
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return _SPELLED.get(value) if isinstance(value, str) else None


def leaves(found: dict[str, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    """Return what is in nested dictionaries by its path; what has a `_type` is a whole."""
    flat: list[tuple[str, Any]] = []
    for key, value in found.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and "_type" not in value and depth < _MAX_DEPTH:
            flat.extend(leaves(value, f"{name}/", depth + 1))
        else:
            flat.append((name, value))
    return flat


def split(name: str) -> tuple[str, str]:
    """Return title and series of a key: the last part is the series; one of one part is both."""
    title, _, series = name.rpartition("/")
    return title or series or name, series or name
