"""Parallel coordinates: chosen parameters and a metric, a line a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import comparing
from ...board.comparing import Axis
from .. import charts
from ..frame import empty
from . import controls
from .axes import Spread, spread, ticks

if TYPE_CHECKING:
    from .view import View

_FIRST, _MOST = 6, 12
_SCALE = [[0.0, "#2f86c1"], [0.5, "#b5509a"], [1.0, "#e09a10"]]
"""From the least to the greatest; no end of it is as dark as a dark page, or as pale as a white one."""
_AXIS_PX = 105


async def show(view: View) -> None:
    """Build the tab."""
    rows = view.comparison.ordered_rows()
    names = comparing.parameter_names(rows)
    if not names or not comparing.metric_names(rows):
        empty("This wants tasks with parameters and scalars.", "taskstore run train.py --lr 0.1")
        return
    chosen = [name for name in view.address.many("p") if name in names][:_MOST]
    differing = [name for name in names if _differs(view, name)]
    first = chosen or (differing or names)[:_FIRST]

    def redraw(_: Any = None) -> None:  # noqa: ANN401 - an event of some kind
        figure, left_out = _figure(view, list(params.value or [])[:_MOST], metric())
        view.address.put("p", *(params.value or []))
        if plot.figure != figure:
            plot.update_figure(figure)
            plot.style(_width(len(params.value or [])))
        note.set_text(left_out)
        frame.props["aria-label"] = f"Parallel coordinates of {metric()} and {', '.join(params.value or [])}"

    with ui.row().classes("items-center gap-3 w-full cmp-controls"):
        metric = controls.metric(view, redraw)
        params = ui.select(names, value=first, label=f"Parameters (up to {_MOST})", multiple=True, with_input=True)
        params.props(f'dense outlined options-dense use-chips max-values={_MOST} data-testid="parameters"')
        params.classes("cmp-select cmp-metrics")
        params.on_value_change(redraw)
    note = ui.label().classes("cmp-dim").props("role=status")
    with ui.element("figure").classes("cmp-chart cmp-wide cmp-sideways").props("tabindex=0") as frame:
        figure, _ = _figure(view, first, metric())
        plot = ui.plotly(figure).classes("ts-chart cmp-parallel").style(_width(len(first)))
    redraw()

    async def update(_: list[str]) -> None:
        redraw()

    view.update = update


def _width(parameters: int) -> str:
    return f"min-width: {_AXIS_PX * (parameters + 2)}px"


def _differs(view: View, name: str) -> bool:
    return len({row.get(f"param:{name}") for row in view.comparison.ordered_rows()}) > 1


def _figure(view: View, parameters: Sequence[str], metric: str) -> tuple[charts.Figure, str]:
    """Return the figure, and what is to be said of tasks that are not in it."""
    rows = view.comparison.ordered_rows()
    result = comparing.metric_axis(rows, metric)
    places = [place for place, value in enumerate(result.values) if value is not None]
    left_out = [view.letters[place] for place, value in enumerate(result.values) if value is None]
    letters = Axis("Task", tuple(float(place) for place in range(len(rows))), tuple(view.letters))
    axes = [letters, *(comparing.parameter_axis(rows, name) for name in parameters)]
    colours = [result.values[place] for place in places]
    line = {"color": colours, "colorscale": _SCALE, "showscale": True, "colorbar": {"thickness": 12, "len": 0.9}}
    trace = {
        "type": "parcoords",
        "line": line,
        "dimensions": [
            *(_dimension(spread(axis), axis.name, places) for axis in axes),
            _dimension(spread(result, may_be_log=False), metric, places),
        ],
        "labelfont": {"size": 12},
        "labelangle": -12,
        "tickfont": {"size": 11},
    }
    layout = {
        "height": 480,
        "autosize": True,
        "margin": {"l": 60, "r": 60, "t": 90, "b": 30},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    text = f"Without a finite {metric}, and so without a line: {', '.join(left_out)}" if left_out else ""
    return {"data": [trace] if places else [], "layout": layout, "config": charts.config()}, text


def _dimension(axis: Spread, name: str, places: Sequence[int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "label": charts.text(name, longest=36),
        "values": [axis.values[place] for place in places],
    }
    return found | ticks(axis)
