"""What the tasks are: records, parameters, configuration, code, packages and machines, line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...sections.compare import Source
from ...sections.compare.many import Files, Line, Value
from . import controls
from .table import Section, SideBySideTable, section

if TYPE_CHECKING:
    from .view import View

_MOST_TEXT = 4000
_SHORT = 12
_HASH = re.compile(r"[0-9a-f]{64}")
_TITLES = {
    "details": "Task",
    "parameters": "Parameters",
    "configuration": "Configuration objects",
    "command": "Command",
    "git": "Git",
    "source": "Source files",
    "packages": "Packages",
    "host": "Host",
}


async def show(view: View) -> None:
    """Build the tab."""
    take = controls.narrowing(view)
    table = SideBySideTable(view, _sections(view), label="Details of the tasks, side by side", corner="")
    take(table)
    view.update = lambda _: _refill(view, table)


async def _refill(view: View, table: SideBySideTable) -> None:
    table.refill(_sections(view))


def _sections(view: View) -> list[Section]:
    found = view.comparison.table.sections
    lines = found | {
        "configuration": tuple(map(_as_text, view.comparison.table.configuration)),
        "source": tuple(Line(line.name, tuple(map(_short, line.values))) for line in found["source"]),
    }
    return [section(key, title, lines[key]) for key, title in _TITLES.items() if lines[key]]


def _as_text(item: Files) -> Line:
    """Return a configuration object as it is written, where that is short enough, else a line that stands for it."""
    return Line(item.name, tuple(None if source is None else _content(source) for source in item.sources))


def _content(source: Source) -> str:
    if source.text is not None and len(source.text) <= _MOST_TEXT:
        return source.text.rstrip("\n")
    return f"{source.identity[:_SHORT]}, to be seen in the tab Source"


def _short(value: Value) -> Value:
    """Cut the hash of a file to what is enough to tell it from others."""
    return _HASH.sub(lambda found: found[0][:_SHORT], value) if isinstance(value, str) else value
