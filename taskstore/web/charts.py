"""Charts of curves as figures that Plotly draws: plain dictionaries, for which no library is needed here.

Colours of text and grid come from page-wide styles (static/charts.css), so that a chart follows dark and light without
being made anew; those of the lines can be told apart on both, and by people who do not see all colours.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from nicegui import ui

from ..board.curves import Curve, XAxis

Figure = dict[str, Any]
ColourBy = Literal["series", "task"]

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#b5509a", "#9a7400", "#3d8fc4", "#7a5cc4", "#a8613c", "#5f7f2e", "#c2456b")
"""After Okabe and Ito, with what is too pale on white or too dark on black made stronger."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
X_TITLES: Mapping[XAxis, str] = {
    "iteration": "iteration",
    "relative": "seconds since its first point",
    "wall": "time (UTC)",
}
_EARLY = '<script type="module">import("nicegui-plotly");</script>'
_FEW_POINTS = 40
_BUTTONS_REMOVED = ("lasso2d", "select2d", "autoScale2d")


def style(*files: str, with_charts: bool = True) -> None:
    """Load what charts look like, on the page that is being built, and other files of static/.

    `with_charts` has the browser fetch what draws them at once, and not when the rest of the page stands.
    """
    if with_charts:
        ui.add_head_html(_EARLY)
    for name in ("charts.css", *files):
        ui.add_css(Path(__file__).parent / "static" / name, shared=False)


def text(value: str, *, longest: int = 120) -> str:
    """Return a task's text as Plotly is to draw it: it takes some tags in a text for markup, and links among them."""
    shown = value if len(value) <= longest else value[: longest - 1] + "…"
    return html.escape("".join(char if char.isprintable() else "�" for char in shown), quote=False)


def figure(
    curves: Sequence[Curve],
    *,
    name_of: Callable[[Curve], str] | None = None,
    colour_by: ColourBy = "series",
    x: XAxis = "iteration",
    is_log: bool = False,
    window: tuple[float, float] | None = None,
    height: int = 280,
) -> Figure:
    """Return a figure of curves, each under its `name_of` (its variant); gaps are where there is no finite number.

    A smoothed curve is drawn over the pale one that it is made of. One colour is one series, or one task: what shares
    a colour differs by its dashes. `window` is the range of x that is shown, where it is not all.
    """
    named = name_of or (lambda curve: curve.variant)
    colours: dict[object, int] = {}
    others: dict[object, int] = {}
    data: list[Figure] = []
    for curve in curves:
        series, task = (curve.metric, curve.variant), curve.task_id
        colour = colours.setdefault(task if colour_by == "task" else series, len(colours))
        other = others.setdefault(series if colour_by == "task" else task, len(others))
        data += _traces(curve, text(named(curve)), colour, other)
    return {"data": data, "layout": _layout(x, is_log, window, height, len(curves)), "config": config()}


def config() -> Figure:
    """Return how every chart behaves: no logo, no link, and the few buttons that are of use."""
    return {
        "displaylogo": False,
        "responsive": True,
        "showLink": False,
        "showEditInChartStudio": False,
        "plotlyServerURL": "",
        "topojsonURL": "",
        "scrollZoom": False,
        "modeBarButtonsToRemove": list(_BUTTONS_REMOVED),
    }


def describe(title: str, curves: Sequence[Curve], *, name_of: Callable[[Curve], str] | None = None) -> str:
    """Say in words what a chart shows, for those who do not see it: of each curve its range and its last value."""
    named = name_of or (lambda curve: curve.variant)
    parts = []
    for curve in curves[:10]:
        finite = [value for value in curve.y if math.isfinite(value)]
        if finite:
            parts.append(f"{named(curve)} from {min(finite):.4g} to {max(finite):.4g}, last {finite[-1]:.4g}")
        else:
            parts.append(f"{named(curve)} without a finite value")
    more = f"; and {len(curves) - 10} more" if len(curves) > 10 else ""
    return f"Chart of {title}: {'; '.join(parts)}{more}"


def _traces(curve: Curve, name: str, colour: int, other: int) -> list[Figure]:
    dash = DASHES[(other + colour // len(PALETTE)) % len(DASHES)]
    line = {"color": PALETTE[colour % len(PALETTE)], "width": 2, "dash": dash}
    base: Figure = {
        "type": "scatter",
        "mode": "lines+markers" if len(curve.x) <= _FEW_POINTS else "lines",
        "x": list(curve.x),
        "y": gapped(curve.y),
        "name": name,
        "line": line,
        "marker": {"size": 5, "color": line["color"]},
        "connectgaps": False,
    }
    if curve.smoothed is None:
        return [base]
    pale = base | {
        "opacity": 0.28,
        "showlegend": False,
        "hoverinfo": "skip",
        "line": line | {"width": 1},
        "mode": "lines",
    }
    return [pale, base | {"y": gapped(curve.smoothed), "mode": "lines"}]


def gapped(values: Sequence[float]) -> list[float | None]:
    """Return numbers as JSON has them: None, which is a gap, in place of NaN and the infinities."""
    return [value if math.isfinite(value) else None for value in values]


def _layout(x: XAxis, is_log: bool, window: tuple[float, float] | None, height: int, count: int) -> Figure:
    x_axis: Figure = {"title": {"text": X_TITLES[x], "standoff": 6}, "automargin": True, "zeroline": False}
    x_axis["type"] = "date" if x == "wall" else "linear"
    if window is not None:
        x_axis |= {"range": list(window), "autorange": False}
    return {
        "height": height,
        "autosize": True,
        "margin": {"l": 48, "r": 12, "t": 8, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x unified" if count <= 12 else "closest",
        "showlegend": count > 1,
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 11}},
        "xaxis": x_axis,
        "yaxis": {"type": "log" if is_log else "linear", "automargin": True, "zeroline": False, "hoverformat": ".6g"},
        "uirevision": f"{x} {is_log} {window is None}",
        "font": {"family": "inherit", "size": 11},
    }
