"""Reading the bytes of a record: JSON and YAML in, plain values out, Damaged with the path where they are not that."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..core.errors import Damaged

MAX_RECORD_BYTES = 256 << 20
# What PyYAML's constructors let through where a tag and its text do not fit: `!!bool x`, `!!int ''`, `!!timestamp x`.
_YAML_ERRORS = (ValueError, LookupError, AttributeError, TypeError, OverflowError)
_JSON = msgspec.json.Decoder()


def read_bytes(path: Path) -> bytes:
    """Return a record's bytes. Raises FileNotFoundError, or Damaged where it is not a readable file."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_RECORD_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise Damaged(path, error.strerror or str(error)) from None
    if len(data) > MAX_RECORD_BYTES:
        raise Damaged(path, f"larger than {MAX_RECORD_BYTES >> 20} MiB")
    return data


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

    try:
        value = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, *_YAML_ERRORS) as error:
        raise Damaged(path, "not YAML: " + " ".join(str(error).split())) from None
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise Damaged(path, "not a YAML mapping with text keys")
    return value


def format_yaml(value: dict[str, object]) -> bytes:
    """Spell a mapping as a person would like to edit it."""
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False).encode()
