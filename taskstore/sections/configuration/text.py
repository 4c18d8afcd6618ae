"""Configuration objects as text: dictionaries and lists as YAML that brings every value back, and the reading of it.

It is YAML as PyYAML's safe loader reads it, with two additions: a tuple is tagged `!!python/tuple`, and `1e-4` is a
number. An Enum is its member's name, a Path its text, an array of numpy a list: `fitted` turns them back.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core import values
from ...core.errors import BadValue
from ...disk import text as disk_text

if TYPE_CHECKING:
    import yaml

_TUPLE = "tag:yaml.org,2002:python/tuple"
_FLOAT = "tag:yaml.org,2002:float"
_STRING = "tag:yaml.org,2002:str"
_EXPONENT = r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"
_MISREAD = "\x85\u2028\u2029\ufeff"
"""Line breaks that PyYAML writes as they are, and reads back as spaces, but between double quotes."""


def dumps(value: object) -> tuple[str, bool]:
    """Spell a dictionary or list as YAML; false with it where some value had to become its repr.

    Raises BadValue where it is neither, or nested too deep to be read back.
    """
    import yaml

    plain, is_exact = _plain(value, 0)
    if not isinstance(plain, (dict, list)):
        raise BadValue(f"a configuration object is a dict or a list, not {type(value).__name__}")
    try:
        text = yaml.dump(
            plain, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False, width=120
        )
    except (yaml.YAMLError, RecursionError) as error:
        raise BadValue(f"the configuration cannot be written as YAML: {error}") from None
    return text, is_exact


def _plain(value: Any, depth: int) -> tuple[Any, bool]:  # noqa: ANN401 - whatever a program has
    """Reduce a value to what YAML has types for; false with it where something had to become its repr."""
    if type(value) in (datetime, date):
        return value, True
    if isinstance(value, str) and not isinstance(value, Enum):
        return _escaped(str.__str__(value)), True
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return values.plain(value)
    if depth >= disk_text.MAX_YAML_DEPTH:
        raise BadValue(f"the configuration is nested more than {disk_text.MAX_YAML_DEPTH} deep")
    if isinstance(value, Mapping):
        entries = [(_plain(key, depth + 1), _plain(item, depth + 1)) for key, item in value.items()]
        return {key[0]: item[0] for key, item in entries}, all(key[1] and item[1] for key, item in entries)
    items = [_plain(item, depth + 1) for item in value]
    builtin = next(kind for kind in (list, tuple, set, frozenset) if isinstance(value, kind))
    return builtin(item for item, _ in items), all(is_exact for _, is_exact in items)


def _escaped(text: str) -> str:
    """Return a text with escapes for what no file holds: a file's name that is none, read from a folder."""
    return text.encode("utf-8", "backslashreplace").decode()


def loads(text: str, kind: str = "yaml", *, where: str = "the configuration") -> Any:  # noqa: ANN401 - whatever it holds
    """Read a text: JSON or TOML where `kind` says so, else YAML. Raises BadValue."""
    text = text.removeprefix("\ufeff")  # of an editor that marks what it has written
    if kind == "toml":
        return _toml(text, where)
    if kind == "json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadValue(f"{where} is not JSON: {error}") from None
    return disk_text.parse_yaml(text.encode(), _loader(), lambda why: BadValue(f"{where} is {why}"))


def _toml(text: str, where: str) -> object:
    try:
        toml = importlib.import_module("tomllib")
    except ImportError:  # Python 3.10
        raise BadValue(f"{where} is TOML, which Python reads from 3.11 on; get() reads its text") from None
    try:
        value: object = toml.loads(text)
    except ValueError as error:
        raise BadValue(f"{where} is not TOML: {error}") from None
    return value


@functools.cache
def _dumper() -> type[yaml.SafeDumper]:
    import re

    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]  # one of two classes of the same manners
        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = '"' if any(char in value for char in _MISREAD) else "|" if "\n" in value else None
        return dumper.represent_scalar(_STRING, value, style=style)

    Dumper.add_representer(str, text)
    Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_sequence(_TUPLE, value, flow_style=True))
    Dumper.add_representer(frozenset, lambda dumper, value: dumper.represent_set(dict.fromkeys(value)))
    Dumper.add_representer(complex, lambda dumper, value: text(dumper, str(value)))
    Dumper.add_implicit_resolver(_FLOAT, re.compile(_EXPONENT), list("-+0123456789"))
    return Dumper


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    import re

    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]  # one of two classes of the same manners
        pass

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:  # noqa: ANN401 - what yaml calls
        found: dict[Any, Any] = {}
        yield found
        loader.flatten_mapping(node)
        for key, item in node.value:
            name = loader.construct_object(key, deep=True)
            found[tuple(name) if isinstance(name, list) else name] = loader.construct_object(item, deep=True)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_constructor(_TUPLE, lambda loader, node: tuple(loader.construct_sequence(node, deep=True)))
    Loader.add_implicit_resolver(_FLOAT, re.compile(_EXPONENT), list("-+0123456789"))
    return Loader


def fitted(stored: object, own: object) -> object:
    """Return a stored value in the type that the program's own has at its place, where YAML has another for it."""
    if isinstance(stored, dict) and isinstance(own, Mapping):
        return {key: fitted(item, own[key]) if key in own else item for key, item in stored.items()}
    if isinstance(stored, (list, tuple)) and isinstance(own, (list, tuple)):
        padded = [*own, *([None] * len(stored))]
        items = [fitted(item, one) for item, one in zip(stored, padded, strict=False)]
        return tuple(items) if isinstance(own, tuple) and isinstance(stored, list) else type(stored)(items)
    if isinstance(own, str) and stored == _escaped(own):
        return own
    if own is None or isinstance(own, (str, dict, list, tuple)) or type(stored) is type(own):
        return stored
    if isinstance(stored, (str, int, float, list)) and not isinstance(own, (bool, int)) or _is_named(own):
        text, _ = values.to_text(stored)
        try:
            return values.cast_like(text, own)
        except BadValue:
            return stored
    return stored


def _is_named(value: object) -> bool:
    return isinstance(value, (Enum, Path))
