"""A parameter against a metric, a point a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import comparing
from ...board.comparing import Axis
from .. import charts
from ..frame import empty
from . import axes, controls
from .texts import number

if TYPE_CHECKING:
    from .view import View

_SYMBOLS = ("circle", "diamond")


async def show(view: View) -> None:
    """Build the tab."""
    rows = view.comparison.ordered_rows()
    names = comparing.parameter_names(rows)
    if not names or not comparing.metric_names(rows):
        empty("This wants tasks with parameters and scalars.", "taskstore run train.py --lr 0.1")
        return

    def redraw(_: Any = None) -> None:  # noqa: ANN401 - an event of some kind
        name = str(parameter.value or "")
        view.address.put("param", name)
        figure, left_out = _figure(view, name, metric())
        if plot.figure != figure:
            plot.update_figure(figure)
        note.set_text(left_out)
        frame.props["aria-label"] = f"Scatter of {name} against {metric()}, a point for each task"

    with ui.row().classes("items-center gap-3 w-full cmp-controls"):
        chosen = view.address.one("param", names, names[0])
        parameter = controls.select("Parameter", names, chosen, redraw, "parameter")
        metric = controls.metric(view, redraw)
    note = ui.label().classes("cmp-dim").props("role=status")
    with ui.element("figure").classes("cmp-chart cmp-wide") as frame:
        figure, _ = _figure(view, chosen, metric())
        plot = ui.plotly(figure).classes("ts-chart")
    redraw()

    async def update(_: list[str]) -> None:
        redraw()

    view.update = update


def _figure(view: View, parameter: str, metric: str) -> tuple[charts.Figure, str]:
    """Return the figure, and what is to be said of tasks that are not in it."""
    rows = view.comparison.ordered_rows()
    x, y = comparing.parameter_axis(rows, parameter), comparing.metric_axis(rows, metric)
    found = [
        (place, at, value)
        for place, (at, value) in enumerate(zip(x.values, y.values, strict=True))
        if at is not None and value is not None
    ]
    data = [_point(view, place, (x, at), (y, value)) for place, at, value in found]
    axis: dict[str, Any] = {"title": {"text": charts.text(parameter)}, "automargin": True, "zeroline": False}
    if x.labels:
        texts = [charts.text(label or "(empty)", longest=30) for label in x.labels]
        axis |= {"tickvals": list(range(len(texts))), "ticktext": texts, "range": [-0.5, len(texts) - 0.5]}
    elif axes.is_wide(x):
        axis |= {"type": "log"}
    layout = {
        "height": 480,
        "autosize": True,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 60},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": axis,
        "yaxis": {"title": {"text": charts.text(metric)}, "automargin": True, "zeroline": False},
    }
    shown = {place for place, _, _ in found}
    missing = [letter for place, letter in enumerate(view.letters) if place not in shown]
    text = f"Without one of the two, and so without a point: {', '.join(missing)}" if missing else ""
    return {"data": data, "layout": layout, "config": charts.config()}, text


def _point(view: View, place: int, across: tuple[Axis, float], up: tuple[Axis, float]) -> dict[str, Any]:
    (x, at), (y, value) = across, up
    spelled = x.labels[int(at)] if x.labels else number(at)
    colour = view.colours[place]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [at],
        "y": [value],
        "text": [view.letters[place]],
        "textposition": "top center",
        "textfont": {"color": colour},
        "name": charts.text(view.labels[place], longest=40),
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
        "customdata": [
            [
                charts.text(view.labels[place]),
                charts.text(f"{x.name}: {spelled}"),
                charts.text(f"{y.name}: {number(value)}"),
            ]
        ],
        "marker": {
            "size": 12,
            "color": colour,
            "symbol": _SYMBOLS[view.comparison.ranks[place] // len(charts.PALETTE) % len(_SYMBOLS)],
        },
    }
