"""The captures of libraries: which there are, which a program wants, and when each is loaded and entered.

A capture is a module of `taskstore.capture` with one function, `patched(module, sink)`: a context manager that hooks
into the library's module and out again. It is imported when the library is: a run pays for none that it does not use.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from ..capture.base import Sink, contained
from ..capture.imports import on_import


class Framework(NamedTuple):
    """One capture: its name in `auto_connect_frameworks`, its module, and the library modules that it hooks into."""

    key: str
    capture: str
    libraries: tuple[str, ...]


ARGUMENTS: tuple[Framework, ...] = ()
"""Captures of command lines, which `auto_connect_arg_parser` turns off."""

FRAMEWORKS: tuple[Framework, ...] = ()
"""Captures of what programs report and save, which `auto_connect_frameworks` chooses among."""


def is_wanted(choice: bool | Mapping[str, object], key: str) -> bool:
    """Tell whether a capture is chosen: what is not named is, an empty mapping chooses none."""
    if isinstance(choice, Mapping):
        return bool(choice) and choice.get(key, True) not in (False, None, [], "")
    return choice


def is_chosen(choice: bool | Mapping[str, object], key: str, path: Path) -> bool:
    """Tell whether a file that a capture has seen is to be kept: its choice may be a wildcard, or several."""
    patterns = choice.get(key) if isinstance(choice, Mapping) and key else None
    if isinstance(patterns, str):
        patterns = [patterns]
    if not isinstance(patterns, (list, tuple)):
        return True
    return any(fnmatch(name, str(pattern)) for pattern in patterns for name in (str(path), path.name))


@contextmanager
def connected(rows: tuple[Framework, ...], choice: bool | Mapping[str, object], sink: Sink) -> Iterator[None]:
    """Capture, within the block, what the wanted ones of `rows` see; libraries that are imported later too."""
    with ExitStack() as hooks:
        for row in rows:
            if not is_wanted(choice, row.key):
                continue
            for library in row.libraries:
                hooks.enter_context(on_import(library, partial(_enter, row, sink, hooks)))
        yield


def _enter(row: Framework, sink: Sink, hooks: ExitStack, module: ModuleType) -> None:
    with contained(sink, row.capture):
        capture = importlib.import_module(f"taskstore.capture.{row.capture}")
        hooks.enter_context(capture.patched(module, sink))
