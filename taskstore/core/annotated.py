"""Texts read as what an annotation says: `int | None`, `Literal["auto"] | int`, `list[Path]`."""

from __future__ import annotations

import types
import typing
from datetime import date, datetime, time
from enum import Enum
from pathlib import PurePath

from .errors import BadValue
from .exact import READERS
from .values import BASIC, CONTAINERS, cast_like, from_text, member_of, to_text

Options = tuple[typing.Any, ...]
_NAMED = (*BASIC, bytes, bytearray, complex, datetime, date, time)


def options_of(annotation: object) -> Options:
    """Return what an annotation allows, in its order; nothing of it where part of it cannot be read from a text."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    options = typing.get_args(annotation) if is_union else (annotation,)
    return options if all(map(_is_readable, options)) else ()


def _is_readable(option: object) -> bool:
    origin = typing.get_origin(option) or option
    if origin is typing.Literal or option in (None, type(None)):
        return True
    if not isinstance(origin, type):
        return False
    return issubclass(origin, (Enum, PurePath)) or origin in _NAMED or origin.__name__ in (*CONTAINERS, *READERS)


def read(text: str, default: object, options: Options) -> object:
    """Read a text as a value of one of the options: of the default's own kind if it can be one, else of the first.

    A default that is a text has no say where others come before: of `int | str` 4 is a number. Raises BadValue.
    """
    if text in ("", "None") and default is None:
        return None
    first: BadValue | None = None
    if default is not None and not isinstance(default, str):
        try:
            return cast_like(text, default)
        except BadValue as error:
            first = error
    for option in options:
        try:
            return _read(text, option)
        except BadValue as error:
            first = first or error
    raise first or BadValue(f"{text!r} fits nothing")


def _read(text: str, option: object) -> object:
    origin = typing.get_origin(option) or option
    if origin is typing.Literal:
        for value in typing.get_args(option):
            if to_text(value)[0] == text:
                return value
        raise BadValue(f"{text!r} is not one of {', '.join(map(repr, typing.get_args(option)))}")
    if option in (None, type(None)) or not isinstance(origin, type):
        if text in ("", "None"):
            return None
        raise BadValue(f"{text!r} is not None")
    if issubclass(origin, Enum):
        return member_of(origin, text)
    if issubclass(origin, PurePath):
        return origin(text)
    value = from_text(text, origin.__name__)
    return _items(value, typing.get_args(option)[:1])


def _items(value: object, of: Options) -> object:
    """Read the texts in a list, tuple or set that says what is in it."""
    if not of or not isinstance(value, (list, tuple, set, frozenset)) or not options_of(of[0]):
        return value
    return type(value)(_read(item, of[0]) if isinstance(item, str) and of[0] is not str else item for item in value)
