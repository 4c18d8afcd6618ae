"""Checks of what a caller gave, by the names of the arguments; each raises BadValue that says what is wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .errors import BadValue


def texts(**arguments: object) -> None:
    """Want a text or None of each."""
    for name, value in arguments.items():
        if value is not None and not isinstance(value, str):
            raise _wrong(name, "a text", value)


def flags(**arguments: object) -> None:
    """Want True or False of each."""
    for name, value in arguments.items():
        if not isinstance(value, bool):
            raise _wrong(name, "True or False", value)


def numbers(**arguments: object) -> None:
    """Want a whole number of each."""
    for name, value in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(name, "a whole number", value)


def kinds(*wanted: type, **arguments: object) -> None:
    """Want one of these types, or None, of each."""
    for name, value in arguments.items():
        if value is not None and not isinstance(value, wanted):
            raise _wrong(name, " or ".join(_KINDS.get(kind, kind.__name__) for kind in wanted), value)


def lists(*, or_text: bool = False, **arguments: object) -> None:
    """Want a list of texts, or None, of each; with `or_text` a single one too. None may be among the texts."""
    for name, value in arguments.items():
        if value is None or (or_text and isinstance(value, str)):
            continue
        if isinstance(value, str):
            raise BadValue(f"{name} must be a list of texts; write [{value!r}]")
        if isinstance(value, (Mapping, bytes)) or not isinstance(value, Collection):
            raise _wrong(name, "a list of texts", value)
        if not all(item is None or isinstance(item, str) for item in value):
            raise BadValue(f"{name} must be a list of texts, not {value!r}")


_KINDS = {str: "a text", bool: "True or False", int: "a whole number", Mapping: "a dictionary"}


def _wrong(name: str, wanted: str, value: object) -> BadValue:
    return BadValue(f"{name} must be {wanted}, not {type(value).__name__} {value!r}")
