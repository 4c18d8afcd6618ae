"""Arguments to plain lists of numbers: numpy, torch, pandas and lists alike, known by what they can do.

What does not fit raises BadValue, which names the argument, the shape wanted and the shape given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.errors import BadValue

Vector = list[float]
Matrix = list[list[float]]
_NUMBERS = frozenset({int, float, bool})


def listed(value: Any) -> Any:  # noqa: ANN401 - whatever a program calls an array
    """Return nested lists for what is like an array, a list for what is iterable; anything else as it is."""
    detach = getattr(value, "detach", None)
    if callable(detach):  # a tensor: of the graph and of the device it is on, nothing is wanted
        value = detach()
    if isinstance(value, (type, str, bytes, Mapping)):
        return value
    for method in ("tolist", "to_numpy", "__array__"):
        convert = getattr(value, method, None)
        if callable(convert):
            plain = convert()
            return plain if method == "tolist" else plain.tolist()
    if isinstance(value, (list, tuple)):
        return [listed(item) if not _is_plain(item) else item for item in value]
    return list(value) if isinstance(value, Iterable) else value


def _is_plain(item: object) -> bool:
    return type(item) in _NUMBERS or isinstance(item, str)


def shape_text(value: Any) -> str:  # noqa: ANN401
    """Say what an argument is: its shape where it has one, else its type."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"shape {tuple(shape)}"
    if not isinstance(value, (list, tuple)):
        return f"{type(value).__name__} {value!r}"[:80]
    sizes = {len(item) if isinstance(item, (list, tuple)) else -1 for item in value}
    if len(sizes) > 1:
        return f"rows of different lengths ({', '.join('a number' if n < 0 else str(n) for n in sorted(sizes))})"
    if not value or sizes == {-1}:
        return f"shape ({len(value)},)"
    inner = shape_text(value[0])
    return f"shape ({len(value)}, {inner[7:-1].rstrip(',')})" if inner.startswith("shape (") else inner


def _wrong(name: str, wanted: str, given: str) -> BadValue:
    return BadValue(f"{name} must be {wanted}, not {given}")


def vector(name: str, value: object) -> Vector:
    """Return one row of numbers: of shape (n,), also where it was given as (n, 1) or (1, n)."""
    wanted = "numbers of shape (n,)"
    found = listed(value)
    if isinstance(found, list) and found and all(isinstance(item, list) for item in found):
        if len(found) == 1:
            found = found[0]
        elif all(len(item) == 1 for item in found):
            found = [item[0] for item in found]
    if not isinstance(found, list) or any(isinstance(item, (list, tuple)) for item in found):
        raise _wrong(name, wanted, shape_text(found))
    return _numbers(name, wanted, found)


def matrix(name: str, value: object, *, columns: int | None = None) -> Matrix:
    """Return rows of numbers, all of one length (`columns`, where given): of shape (rows, columns)."""
    wanted = f"numbers of shape ({'n' if columns else 'rows'}, {columns or 'columns'})"
    found = listed(value)
    if not isinstance(found, list) or not all(isinstance(row, (list, tuple)) for row in found):
        raise _wrong(name, wanted, shape_text(found))
    lengths = set(map(len, found))
    if len(lengths) > 1 or (columns and lengths and lengths != {columns}):
        raise _wrong(name, wanted, shape_text(found))
    if any(isinstance(item, (list, tuple)) for row in found for item in row):
        raise _wrong(name, wanted, shape_text(found))
    return [_numbers(name, wanted, list(row)) for row in found]


def rows(name: str, value: object) -> Matrix:
    """Return one row or several: shapes (n,) and (rows, n)."""
    found = listed(value)
    if not isinstance(found, list):
        raise _wrong(name, "numbers of shape (n,) or (rows, n)", shape_text(found))
    if found and all(isinstance(row, (list, tuple)) for row in found):
        return matrix(name, found)
    return [vector(name, found)]


def _numbers(name: str, wanted: str, items: list[Any]) -> Vector:
    if _NUMBERS.issuperset(map(type, items)):
        return items
    return [_number(name, wanted, item) for item in items]


def _number(name: str, wanted: str, item: Any) -> float:  # noqa: ANN401
    if type(item) in _NUMBERS:
        return item  # type: ignore[no-any-return]
    if item is None or isinstance(item, (str, bytes, bytearray)):
        raise _wrong(name, wanted, f"with {type(item).__name__} {item!r} in it"[:100])
    try:
        return float(item)
    except (TypeError, ValueError, RuntimeError):
        raise _wrong(name, wanted, f"with {type(item).__name__} in it") from None


def labels(name: str, value: object, count: int, of_what: str) -> list[str] | None:
    """Return as many texts as there are things to name; None where none were given."""
    if value is None:
        return None
    if isinstance(value, str):
        raise BadValue(f"{name} must be a list of {count} texts, one for each {of_what}, not the text {value!r}")
    found = listed(value)
    if not isinstance(found, list) or len(found) != count:
        given = len(found) if isinstance(found, list) else type(found).__name__
        raise BadValue(f"{name} must be a list of {count} texts, one for each {of_what}, not {given}")
    return [str(item) for item in found]
