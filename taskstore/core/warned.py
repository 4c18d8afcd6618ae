"""Hiding a warning for a while, without `catch_warnings`: that swaps the filters of every thread, and loses changes."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable
from typing import cast


def hide(category: type[Warning], *, message: str = "", module: str = "") -> Callable[[], None]:
    """Hide warnings whose text and module begin as these patterns say, until the returned function is called."""
    texts = (re.compile(message) if message else None, re.compile(module) if module else None)
    rule = ("ignore", texts[0], category, texts[1], 0)
    filters = cast("list[object]", warnings.filters)
    filters.insert(0, rule)  # and nobody is told: that would show the warnings of a loop once more

    def undo() -> None:
        # The program may be within a catch_warnings, which works on a copy and puts the original back.
        for each in (filters, cast("list[object]", warnings.filters)):
            with contextlib.suppress(ValueError):
                each.remove(rule)

    return undo
