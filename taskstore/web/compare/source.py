"""Captured source files and configuration objects: one task's against the base's, line by line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.element import Element

from ...sections.compare import SourcePair
from ..frame import empty

if TYPE_CHECKING:
    from .view import View

_OPENED_LINES = 400
"""Files are open at first until so many lines of differences are seen."""


class Diff(Element, component=Path(__file__).parent.parent / "static" / "compare_diff.js"):
    """One unified diff."""

    def __init__(self, pair: SourcePair) -> None:
        super().__init__()
        self.props["lines"] = list(pair.lines)
        self.props["label"] = f"Differences of {pair.name}"


async def show(view: View) -> None:
    """Build the tab."""
    table = view.comparison.table
    if not table.source and not table.configuration:
        empty("No source file or configuration object was recorded of these tasks.", "taskstore run train.py")
        return
    others = list(view.comparison.ids[1:])
    chosen = view.address.one("with", others, others[0])
    options = dict(zip(others, view.labels[1:], strict=True))

    async def choose(event: Any) -> None:  # noqa: ANN401 - NiceGUI's
        view.address.put("with", event.value)
        await fill(event.value)

    async def fill(task_id: str) -> None:
        at = view.comparison.ids.index(task_id)
        pairs = await asyncio.to_thread(_pairs, view, at)
        if field.value == task_id:  # and not another that was chosen meanwhile
            place.clear()
            with place:
                _show_pairs(pairs)

    with ui.row().classes("items-center gap-3 cmp-controls"):
        ui.label(f"{view.labels[0]} (base) against").classes("cmp-against")
        field = ui.select(options, value=chosen, label="Task", on_change=choose)
        field.props('dense outlined options-dense data-testid="against"').classes("cmp-select")
    place = ui.column().classes("w-full gap-2")
    await fill(chosen)


def _pairs(view: View, at: int) -> list[tuple[str, SourcePair]]:
    table = view.comparison.table
    kinds = (("Source", table.source), ("Configuration", table.configuration))
    return [(kind, item.diff(at)) for kind, items in kinds for item in items]


def _show_pairs(pairs: list[tuple[str, SourcePair]]) -> None:
    differing = [(kind, pair) for kind, pair in pairs if not pair.is_same]
    same = [pair.name for _, pair in pairs if pair.is_same and pair.name]
    ui.label(
        f"{len(differing)} of {len(pairs)} files differ" if differing else "All files are the same in both."
    ).props('role=status data-testid="diff-count"')
    left = _OPENED_LINES
    for kind, pair in differing:
        added, removed = (sum(line[:1] == sign for line in pair.lines[2:]) for sign in "+-")
        with ui.expansion(value=left > 0).classes("w-full cmp-fold") as fold:
            Diff(pair).classes("w-full")
        with fold.add_slot("header"), ui.row().classes("items-center gap-2 no-wrap cmp-fold-head"):
            ui.label(kind).classes("cmp-dim")
            ui.label(pair.name).classes("ts-mono cmp-file-name")
            if len(pair.lines) > 2:
                ui.label(f"+{added} −{removed}").classes("cmp-dim")
        left -= len(pair.lines)
    if differing and same:
        ui.label(f"The same in both: {', '.join(same[:50])}" + (" …" * (len(same) > 50))).classes("cmp-dim cmp-wrap")
