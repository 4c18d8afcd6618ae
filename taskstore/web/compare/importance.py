"""How closely each parameter goes with a metric, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import comparing
from ...sections.compare import importance
from ...sections.compare.importance import Importance
from ..frame import empty
from . import controls

if TYPE_CHECKING:
    from .view import View

_MOST = 60
_METHODS = {
    importance.SPEARMAN: "rank correlation (Spearman)",
    importance.ETA: "correlation ratio (eta)",
}


async def show(view: View) -> None:
    """Build the tab."""
    rows = view.comparison.ordered_rows()
    if not comparing.parameter_names(rows) or not comparing.metric_names(rows):
        empty("This wants tasks with parameters and scalars.", "taskstore run train.py --lr 0.1")
        return
    ranked: list[Importance] = []

    def redraw(_: Any = None) -> None:  # noqa: ANN401 - an event of some kind
        nonlocal ranked
        now = importance.of_rows(view.comparison.ordered_rows(), metric())
        if now != ranked:
            ranked = now
            place.clear()
            with place:
                _show(view, ranked, metric())

    with ui.row().classes("items-center gap-3 w-full cmp-controls"):
        metric = controls.metric(view, redraw)
    ui.label(
        "How closely each parameter goes with the metric over these tasks: 0 is not at all, 1 is entirely. "
        "It is a hint where to look, and proves no cause."
    ).classes("cmp-dim cmp-wrap")
    place = ui.column().classes("w-full")
    redraw()

    async def update(_: list[str]) -> None:
        redraw()

    view.update = update


def _show(view: View, ranked: list[Importance], metric: str) -> None:
    known = [item for item in ranked if item.score is not None]
    having = sum(row.get(f"metric:{metric}") is not None for row in view.comparison.ordered_rows())
    if not known:
        why = (
            f"Importance wants {importance.MIN_TASKS} tasks with {metric}, and {having} of these have it."
            if having < importance.MIN_TASKS
            else "No parameter can be ranked: each is the same in all of these tasks, or another in each."
        )
        ui.label(why).classes("cmp-nothing").props("role=status")
        return
    with ui.element("ol").classes("cmp-bars").props('aria-label="Parameters, the most important first"'):
        for item in known[:_MOST]:
            _bar(item)
    rest = [item.name for item in ranked if item.score is None]
    if len(known) > _MOST:
        ui.label(f"and {len(known) - _MOST} more").classes("cmp-dim")
    if rest:
        shown = ", ".join(rest[:_MOST]) + (" …" if len(rest) > _MOST else "")
        ui.label(f"These tasks do not tell of: {shown}").classes("cmp-dim cmp-wrap")


def _bar(item: Importance) -> None:
    score = item.score or 0.0
    with ui.element("li").classes("cmp-bar-line").props('data-testid="bar"'):
        ui.label(item.name).classes("cmp-bar-name")
        with ui.element("div").classes("cmp-bar").props("aria-hidden=true"):
            ui.element("div").classes("cmp-bar-full").style(f"width: {100 * score:.1f}%")
        ui.label(f"{score:.2f}").classes("cmp-bar-score")
        direction = {1: "the metric rises with it", -1: "the metric falls as it rises"}.get(item.direction, "")
        parts = [direction, _METHODS.get(item.method, item.method), f"{item.count} tasks"]
        ui.label(" · ".join(part for part in parts if part)).classes("cmp-dim cmp-bar-note")
