"""An artifact on its way in: what is to be written, under which name, and what is said of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MAX_PREVIEW_BYTES = 64 << 10
PICKLE = "pickle"


@dataclass(frozen=True)
class Prepared:
    """What becomes of an object. Either `source` is copied, or `write` writes it; with `uri` there is nothing to write.

    `total_bytes` is what is going to be read, as far as that is known; `write` reports to its second argument.
    """

    type: str
    file_name: str = ""
    content_type: str = "application/octet-stream"
    preview: str = ""
    uri: str = ""
    source: Path | None = None
    write: Callable[[BinaryIO, Callable[[int], None]], None] | None = None
    total_bytes: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Serializer:
    """One row of the table: what it accepts, how it is written and read, and what the file is.

    `accepts` imports nothing: of an object of a library, that library is there already. `read` may import it.
    """

    type: str
    suffix: str
    content_type: str
    accepts: Callable[[Any], bool]
    write: Callable[[Any, BinaryIO], None]
    read: Callable[[Path], Any]
    preview: Callable[[Any], str]
    facts: Callable[[Any], dict[str, Any]] = lambda value: {}
    read_as: Callable[[Path, dict[str, Any]], Any] | None = None
    """How it is read where `facts` were recorded, which the file does not tell."""


def library(name: str) -> Any:  # noqa: ANN401 - a module whose types are not ours to know
    """Import a library in order to read what it has written."""
    return importlib.import_module(name)


def is_a(value: object, module: str, *names: str) -> bool:
    """Tell whether a value is of one of a library's classes, where the program has imported that library."""
    library = sys.modules.get(module)
    kinds = tuple(kind for name in names if isinstance(kind := getattr(library, name, None), type))
    return bool(kinds) and isinstance(value, kinds)


def cut(text: str) -> str:
    """Bound a preview: 64 KiB of UTF-8, cut between characters."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= MAX_PREVIEW_BYTES:
        return data.decode()
    return data[: MAX_PREVIEW_BYTES - 4].decode("utf-8", "ignore") + "…"
