"""Dicts, lists and texts as files that a person can read; and, of what nothing else fits, a pickle."""

from __future__ import annotations

import json
import pickle  # noqa: S403 - what is read is asked about first (stored.py)
from pathlib import Path
from typing import Any, BinaryIO

from ...core import values
from .prepared import PICKLE, Serializer

_MAX_DEPTH = 100
_MAX_REPR = 10_000


def _is_document(value: object, depth: int = _MAX_DEPTH) -> bool:
    """Tell whether JSON gives a value back as it is, but for tuples, which become lists."""
    if depth == 0:
        return False
    if type(value) is dict:
        return all(type(key) is str and _is_document(item, depth - 1) for key, item in value.items())
    if type(value) in (list, tuple):
        return all(_is_document(item, depth - 1) for item in value)  # type: ignore[attr-defined]  # a list or tuple
    return value is None or type(value) in (bool, int, float, str)


def _is_dict(value: object) -> bool:
    return isinstance(value, dict) and _is_document(value)


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple)) and _is_document(value)


def _json(value: object) -> str:
    return json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False) + "\n"


def _write_json(value: object, stream: BinaryIO) -> None:
    stream.write(_json(value).encode("utf-8", "surrogatepass"))


def _read_json(path: Path) -> object:
    return json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))


def _yaml(value: object) -> str:
    import yaml

    text: str = yaml.safe_dump(_without_tuples(value), sort_keys=False, allow_unicode=True)
    return text


def _without_tuples(value: Any) -> Any:  # noqa: ANN401 - plain JSON values
    if isinstance(value, dict):
        return {key: _without_tuples(item) for key, item in value.items()}
    return [_without_tuples(item) for item in value] if isinstance(value, (list, tuple)) else value


def _read_yaml(path: Path) -> object:
    import yaml

    return yaml.safe_load(path.read_text("utf-8"))


def _rows(type_: str, accepts: Any) -> tuple[Serializer, Serializer]:  # noqa: ANN401 - a predicate
    as_yaml = Serializer(
        type_,
        ".yaml",
        "application/yaml",
        accepts,
        write=lambda value, stream: _write_text(_yaml(value), stream),
        read=_read_yaml,
        preview=_yaml,
    )
    return Serializer(type_, ".json", "application/json", accepts, _write_json, _read_json, _json), as_yaml


def _write_text(text: str, stream: BinaryIO) -> None:
    stream.write(text.encode("utf-8", "surrogatepass"))


def _read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogatepass")


def _read_pickle(path: Path) -> object:
    with path.open("rb") as stream:
        return pickle.load(stream)  # noqa: S301 - only after the check in stored.py


class Unpicklable(Exception):
    """What cannot be pickled, and why."""


def _write_pickle(value: object, stream: BinaryIO) -> None:
    try:
        pickle.dump(value, stream, protocol=4)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        hint = "give a file, a plain value, or a serialization_function"
        raise Unpicklable(f"{type(value).__name__} cannot be pickled ({reason}); {hint}") from error


def _preview_object(value: object) -> str:
    text = values.shown(value)
    return text if len(text) <= _MAX_REPR else text[:_MAX_REPR] + "…"


TEXT = Serializer(
    "string", ".txt", "text/plain", lambda value: isinstance(value, str), _write_text, _read_text, preview=str
)
ANYTHING = Serializer(
    PICKLE,
    ".pkl",
    "application/python-pickle",
    accepts=lambda value: True,
    write=_write_pickle,
    read=_read_pickle,
    preview=_preview_object,
)
SERIALIZERS = (*_rows("dict", _is_dict), *_rows("list", _is_list), TEXT)
