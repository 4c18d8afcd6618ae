"""The chooser of columns: all that there is anything in, with a search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from ...board.columns import Column
from . import asking

if TYPE_CHECKING:
    from ...board.table import Table
    from .elements import TasksGrid

_MAX_LISTED = 80


async def choose(table: Table, grid: TasksGrid, shown: Callable[[], list[str]]) -> None:
    """Let a person show and hide columns; each takes effect at once."""
    all_columns = await asyncio.to_thread(table.columns)
    current = set(shown())

    def reset() -> None:
        grid.run_method("reset")
        made.close()

    with asking.dialog("Columns") as made:
        search = ui.input("Search columns").props('dense outlined autofocus clearable data-testid="search-columns"')
        search.classes("w-full")
        place = ui.column().classes("tt-columns")
        with ui.row().classes("w-full justify-between"):
            ui.button("As at first", on_click=lambda: (grid.run_method("reset"), made.close()), color=None).props(
                "flat no-caps"
            )
            ui.button("Close", on_click=made.close, color=None).props("flat no-caps")

    def change(column: Column, is_shown: bool) -> None:
        (current.add if is_shown else current.discard)(column.id)
        grid.show(column, is_shown)

    def fill() -> None:
        words = (search.value or "").casefold().split()
        fitting = [
            each for each in all_columns if all(word in f"{each.label} {each.group}".casefold() for word in words)
        ]
        place.clear()
        with place:
            for group in dict.fromkeys(each.group for each in fitting[:_MAX_LISTED]):
                ui.label(group).classes("tt-group").props("role=heading aria-level=3")
                for column in (each for each in fitting[:_MAX_LISTED] if each.group == group):
                    box = ui.checkbox(column.label, value=column.id in current).props("dense")
                    box.on_value_change(partial(lambda each, event: change(each, bool(event.value)), column))
            if len(fitting) > _MAX_LISTED:
                ui.label(f"{len(fitting) - _MAX_LISTED:,} more: search for them")
            if not fitting:
                ui.label("No column has such a name.")

    search.on_value_change(fill)
    fill()
    made.open()
