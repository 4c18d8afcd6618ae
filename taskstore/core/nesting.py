"""A nested mapping as a flat one of paths, and back: what `connect` needs to store a dict by parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import BadValue

_MAX_DEPTH = 64
MAX_BOUND = 100


def flatten(mapping: Mapping[Any, object], separator: str = "/") -> dict[str, object]:
    r"""Spell a nested mapping as one of paths: {'a': {'b': 1}} is {'a/b': 1}; `unflatten` brings it back.

    A separator within a key is escaped ('a\/b'), and so is a backslash. An empty mapping, and one with a key that
    is not a string, is a value. Only at the top are such keys spelled with str(); BadValue where two then meet.
    """
    flat: dict[str, object] = {}
    for key, value in mapping.items():
        name = key if isinstance(key, str) else str(key)
        for path, leaf in _leaves(_escape(name, separator), value, separator, 0):
            if path in flat:
                raise BadValue(f"two values are named {path!r}; give one of the keys another name")
            flat[path] = leaf
    return flat


def _leaves(path: str, value: object, separator: str, depth: int) -> list[tuple[str, object]]:
    if not isinstance(value, Mapping) or not value or depth > _MAX_DEPTH:
        return [(path, value)]
    if not all(isinstance(key, str) for key in value):
        return [(path, value)]
    return [
        leaf
        for key, item in value.items()
        for leaf in _leaves(f"{path}{separator}{_escape(key, separator)}", item, separator, depth + 1)
    ]


def _escape(key: str, separator: str) -> str:
    return key.replace("\\", "\\\\").replace(separator, f"\\{separator}")


def join(path: str, key: str, separator: str = "/") -> str:
    """Return the path of a key below a path, as `flatten` spells it; at the top the path is empty."""
    escaped = _escape(key, separator)
    return f"{path}{separator}{escaped}" if path else escaped


def spell(keys: Iterable[str], separator: str = "/") -> str:
    """Return the path of keys, each within the one before, as `flatten` spells it; a key may be empty."""
    return separator.join(_escape(key, separator) for key in keys)


def is_bounded(mapping: Mapping[Any, object], depth: int = MAX_BOUND) -> bool:
    """Tell whether nested mappings end within a hundred levels; one that holds itself never does."""
    return _is_bounded(mapping, depth, set())


def _is_bounded(value: object, depth: int, above: set[int]) -> bool:
    if not isinstance(value, Mapping):
        return True
    if depth == 0 or id(value) in above:
        return False
    above.add(id(value))
    found = all(_is_bounded(item, depth - 1, above) for item in value.values() if isinstance(item, Mapping))
    above.discard(id(value))
    return found


def unflatten(flat: Mapping[str, object], separator: str = "/") -> dict[str, object]:
    """Nest what `flatten` made flat. Raises BadValue where one path is a value and leads on to others."""
    nested: dict[str, object] = {}
    levels: dict[tuple[str, ...], dict[str, object]] = {(): nested}
    for path, value in flat.items():
        *parents, last = _parts(path, separator)
        level = nested
        for depth, part in enumerate(parents, 1):
            where = tuple(parents[:depth])
            if where not in levels:
                if part in level:
                    raise BadValue(f"{path!r} leads through {part!r}, which is a value itself")
                level[part] = levels[where] = {}
            level = levels[where]
        if last in level:
            raise BadValue(f"{path!r} is both a value and the start of other names")
        level[last] = value
    return nested


def _parts(path: str, separator: str) -> list[str]:
    pieces = re.split(rf"(\\.)|({re.escape(separator)})", path, flags=re.DOTALL)
    parts = [""]
    for index, piece in enumerate(pieces):
        if not piece:
            continue
        if index % 3 == 2:
            parts.append("")
        else:
            parts[-1] += piece[1:] if index % 3 == 1 else piece
    return parts
