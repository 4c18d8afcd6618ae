"""Reading the bytes of a record: JSON and YAML in, plain values out, Damaged with the path where they are not that."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..core.errors import Damaged
from . import mounts

if TYPE_CHECKING:
    import yaml

MAX_RECORD_BYTES = 256 << 20
MAX_YAML_DEPTH = 50
# What PyYAML's constructors let through where a tag and its text do not fit: `!!bool x`, `!!int ''`, `!!timestamp x`.
_YAML_ERRORS = (ValueError, LookupError, AttributeError, TypeError, OverflowError)
_EXPONENT = r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"
_JSON = msgspec.json.Decoder()


def read_bytes(path: Path) -> bytes:
    """Return a record's bytes. Raises FileNotFoundError, or Damaged where it is not a readable file."""
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            # As much is allocated as is asked for, and memory may be short.
            data = stream.read(min(os.fstat(stream.fileno()).st_size, MAX_RECORD_BYTES) + 1) or b""
    except (FileNotFoundError, NotADirectoryError):
        packed = mounts.read(path, MAX_RECORD_BYTES)
        if packed is None:
            raise
        return packed
    except OSError as error:
        raise Damaged(path, error.strerror or str(error)) from None
    if len(data) > MAX_RECORD_BYTES:
        raise Damaged(path, f"larger than {MAX_RECORD_BYTES >> 20} MiB")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that somebody has put in its place is empty, instead of waiting for ever for who writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def parse_json_object(path: Path, data: bytes) -> dict[str, object]:
    """Parse one JSON object; `path` is for the error."""
    try:
        value = _JSON.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Damaged(path, f"not JSON: {error}" if data else "the file is empty") from None
    if not isinstance(value, dict):
        raise Damaged(path, "not a JSON object")
    return value


def parse_yaml_object(path: Path, data: bytes) -> dict[str, object]:
    """Parse one YAML mapping with text keys; an empty document is an empty mapping."""
    import yaml  # 15 ms, and only a person's files need it

    value = parse_yaml(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader), lambda why: Damaged(path, why))
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise Damaged(path, "not a YAML mapping with text keys")
    return value


def parse_yaml(data: bytes, loader: Any, error_of: Callable[[str], Exception]) -> object:  # noqa: ANN401 - a yaml loader
    """Parse one YAML document with a safe loader; raises what `error_of` makes of the reason."""
    import yaml

    try:
        depth = 0
        for event in yaml.parse(data, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_YAML_DEPTH:  # the C loader overruns the stack, which ends the process
                raise error_of(f"nested more than {MAX_YAML_DEPTH} deep")
        value: object = yaml.load(data, Loader=loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, *_YAML_ERRORS) as error:
        raise error_of("not YAML: " + " ".join(str(error).split())) from None
    return value


def format_yaml(value: dict[str, object]) -> bytes:
    """Spell a mapping as a person would like to edit it."""
    import yaml

    return yaml.dump(value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False).encode()


@functools.cache
def _dumper() -> type[yaml.SafeDumper]:
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        # PyYAML writes these line breaks as they are, and reads them back as spaces, but between double quotes.
        style = '"' if any(char in value for char in "\x85\u2028\u2029\ufeff") else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    # Who reads configuration objects takes `1e-4` for a number, so that a text like it needs quotes.
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_EXPONENT), list("-+0123456789"))
    return Dumper
