"""What the tasks came to: last, least and greatest value of each metric, the extremes marked, and all of it as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ...board.comparing import KINDS
from ..frame import empty
from . import controls
from .table import Section, SideBySideTable, section

if TYPE_CHECKING:
    from .view import View


async def show(view: View) -> None:
    """Build the tab."""
    if not view.comparison.table.sections["metrics"]:
        empty("None of these tasks has reported a scalar.", "task.report_scalar('loss', 'train', 0.5, iteration=1)")
        view.update = None
        return
    kinds = [kind for kind in view.address.many("values") if kind in KINDS] or list(KINDS)

    def choose() -> None:
        chosen = [kind for kind in KINDS if boxes[kind].value]
        view.address.put("values", *(chosen if len(chosen) < len(KINDS) else []))
        table.refill(_sections(view, chosen))

    with ui.row().classes("items-center gap-3 w-full"):
        take = controls.narrowing(view)
        with ui.row().classes("items-center gap-1").props('role=group aria-label="Which values"'):
            boxes = {
                kind: ui.checkbox(kind, value=kind in kinds, on_change=choose).props(f'data-testid="kind-{kind}"')
                for kind in KINDS
            }
        ui.space()
        with (
            ui.link(target=f"/compare/values.csv?ids={','.join(view.comparison.ids)}")
            .classes("cmp-download")
            .props('data-testid="csv"')
        ):
            ui.icon("download").props("aria-hidden=true")
            ui.label("CSV")
    table = SideBySideTable(
        view, _sections(view, kinds), label="Values of metrics, side by side", corner="Metric", is_numeric=True
    )
    take(table)

    async def update(_: list[str]) -> None:
        table.refill(_sections(view, [kind for kind in KINDS if boxes[kind].value]))

    view.update = update


def _sections(view: View, kinds: list[str]) -> list[Section]:
    lines = [line for line in view.comparison.table.sections["metrics"] if line.kind in kinds]
    return [section("metrics", "", lines, is_marked=True)]
