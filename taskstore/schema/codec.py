"""Bytes of a record to a typed struct and back. Keys that this program does not know survive the round trip."""

from __future__ import annotations

import functools
import math
import typing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..core.errors import Damaged
from ..disk.text import parse_json_object
from .record import Number

T = TypeVar("T", bound=msgspec.Struct)


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(kind: type[T], data: bytes, path: Path) -> T:
    """Read a record; raises Damaged with the path of the file and of the bad field in it."""
    try:
        record: T = _decoder(kind).decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Damaged(path, str(error) if data else "the file is empty") from None
    return record


def convert(kind: type[T], value: object, path: Path) -> T:
    """Read a record from plain values, as YAML gives them; raises Damaged as `decode` does."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Damaged(path, str(error)) from None


def encode(record: msgspec.Struct) -> bytes:
    """Spell a record as a person would like to read it: indented, one key a line, a line end at the end."""
    return _spell(record)


def encode_plain(value: dict[str, object]) -> bytes:
    """Spell plain values as `encode` spells a record."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def encode_over(record: msgspec.Struct, previous: bytes, path: Path) -> bytes:
    """Spell a record that replaces `previous`, keeping what of it this program does not know."""
    raw = parse_json_object(path, previous)
    known = msgspec.to_builtins(record)
    merged = _keep_unknown(known, raw, type(record))
    return _spell(merged)


def _spell(value: object) -> bytes:
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_as_text(msgspec.to_builtins(value)))
    return msgspec.json.format(data, indent=2) + b"\n"


def _as_text(value: Any) -> Any:  # noqa: ANN401 - plain JSON values
    """Spell out what no UTF-8 holds: undecodable bytes of a file name in an error's message must not stop a record."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list) else value


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, object]:
    hints = typing.get_type_hints(kind)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}


def _keep_unknown(new: Any, old: Any, kind: object) -> Any:  # noqa: ANN401 - plain JSON values
    """Return `new` plus the keys of `old` that structs of `kind` do not declare, at every depth."""
    if new == old:
        return new
    struct = _struct_in(kind)
    if struct is not None:
        return _keep_in_struct(new, old, struct)
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin is dict and isinstance(new, dict) and isinstance(old, dict):
        return {
            key: _keep_unknown(value, old[key], arguments[1]) if key in old else value for key, value in new.items()
        }
    if origin is list and isinstance(new, list) and isinstance(old, list):
        return _keep_in_list(new, old, arguments[0])
    return new


def _keep_in_struct(new: Any, old: Any, struct: type[msgspec.Struct]) -> Any:  # noqa: ANN401
    if not isinstance(new, dict) or not isinstance(old, dict):
        return new
    fields = _fields(struct)
    out = {key: _keep_unknown(value, old.get(key), fields[key]) for key, value in new.items()}
    out.update((key, value) for key, value in old.items() if key not in fields)
    return out


def _keep_in_list(new: list[Any], old: list[Any], item_kind: object) -> list[Any]:
    """An item of a list is recognised by what is known of it, because lists lose items at their start."""
    struct = _struct_in(item_kind)
    if struct is None:
        return new
    known_old = [_known(item, struct) for item in old]
    known_new = [_known(item, struct) for item in new]
    # In its place first, then wherever it is.
    source = {at: at for at in range(min(len(old), len(new))) if known_new[at] == known_old[at]}
    free: dict[object, list[int]] = {}
    for at, key in enumerate(known_old):
        if at not in source:
            free.setdefault(key, []).append(at)
    for at, key in enumerate(known_new):
        if at not in source and free.get(key):
            source[at] = free[key].pop(0)
    out = [old[source[at]] if at in source else item for at, item in enumerate(new)]
    if len(new) == len(old):
        # What is left in one place on both sides is one item, edited.
        for at in (at for places in free.values() for at in places if at not in source):
            out[at] = _keep_in_struct(new[at], old[at], struct)
    return out


def _known(item: object, struct: type[msgspec.Struct]) -> object:
    """What of an item this program knows, as a key to compare by."""
    try:
        return msgspec.msgpack.encode(msgspec.convert(item, struct))
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None


@functools.cache
def _struct_in(kind: object) -> type[msgspec.Struct] | None:
    """The struct that a type is, or that it may be where it is a union with None."""
    options = [kind, *typing.get_args(kind)] if typing.get_origin(kind) not in (dict, list) else []
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def number_text(value: float) -> Number:
    """Spell a float for JSON: NaN and the infinities as text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def number(value: Number) -> float:
    """Read a float that `number_text` spelled."""
    return float(value)
