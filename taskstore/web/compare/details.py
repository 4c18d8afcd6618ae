"""What the tasks are: records, parameters, configuration, code, packages and machines, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import controls
from .table import Section, SideBySideTable, section

if TYPE_CHECKING:
    from .view import View

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
    return [section(key, title, found[key]) for key, title in _TITLES.items() if found[key]]
