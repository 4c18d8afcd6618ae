"""The errors that ClearML's SDK raises, where scripts catch them by name or as ValueError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ..core.errors import NotFound, NotSupported, Refused


class UsageError(Refused, RuntimeError):
    """A call that does not go with what was called before it: ClearML's name for it."""


class BadCall(Refused, ValueError):
    """What ClearML raises a ValueError for."""


@contextmanager
def as_value_error() -> Iterator[None]:
    """Raise what is not there, or not allowed, as the ValueError that ClearML's scripts expect."""
    try:
        yield
    except (NotFound, Refused) as error:
        if isinstance(error, ValueError):
            raise
        raise BadCall(str(error)) from error


@contextmanager
def as_usage_error() -> Iterator[None]:
    """Raise what does not go with an open task as ClearML's UsageError."""
    try:
        yield
    except Refused as error:
        if isinstance(error, ValueError):
            raise
        raise UsageError(str(error)) from error


def refuse(name: str, instead: str) -> NoReturn:
    """Raise NotSupported for a method, naming what to do instead."""
    raise NotSupported(f"{name} is not there without a server; {instead}")
