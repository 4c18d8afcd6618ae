"""Plotly figures of tasks, which are another's data, as a page may draw them.

What is kept is what is known to be harmless: kinds of traces that fetch nothing, and of a layout what describes axes
and looks. What would load something, run something or link somewhere is left out, at every depth.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from ..core.errors import BadValue

Figure = dict[str, Any]

MOST_VALUES = 1_000_000
"""Of a figure with more values in it, none is drawn: a browser would stand still."""
_MOST_TRACES, _MOST_DEPTH, _LONGEST_TEXT, _MOST_PARTS = 500, 24, 5_000, 2_000
_LEAST_HEIGHT, _MOST_HEIGHT, _HEIGHT = 160, 1200, 460

TRACES = frozenset(
    {
        *("scatter", "scattergl", "bar", "histogram", "histogram2d", "histogram2dcontour", "box", "violin", "heatmap"),
        *(
            "contour",
            "pie",
            "funnel",
            "funnelarea",
            "waterfall",
            "sunburst",
            "treemap",
            "icicle",
            "sankey",
            "indicator",
        ),
        *("candlestick", "ohlc", "table", "scatter3d", "surface", "mesh3d", "cone", "streamtube", "volume"),
        *("isosurface", "scatterpolar", "scatterpolargl", "barpolar", "scatterternary", "scattersmith", "splom"),
        *("parcoords", "parcats", "carpet", "scattercarpet", "contourcarpet"),
    }
)
"""Kinds of traces that are drawn from numbers alone; no maps, and no pictures by an address."""
_LAYOUT = re.compile(
    r"(?:title|titlefont|font|height|legend\d*|showlegend|margin|hovermode|barmode|bargap|bargroupgap|barnorm|boxmode|boxgap"
    r"|boxgroupgap|violinmode|violingap|violingroupgap|waterfallmode|waterfallgap|funnelmode|funnelgap|piecolorway|colorway"
    r"|colorscale|coloraxis\d*|grid|annotations|shapes|xaxis\d*|yaxis\d*|scene\d*|polar\d*|ternary\d*|smith\d*"
    r"|separators|hiddenlabels|sunburstcolorway|treemapcolorway|extendsunburstcolors|extendtreemapcolors"
    r"|iciclecolorway|calendar|dragmode|hoverlabel|hoverdistance|barcornerradius|scattermode|scattergap|uniformtext)\Z"
)
_LEFT_OUT = re.compile(
    r"(?:.*src|images?|href|xlink.*|.*url|updatemenus|sliders|frames|transforms|mapbox\d*|map\d*|geo\d*|uid|stylesheet|config"
    r"|on.*|__proto__|constructor|prototype|family|rangeselector|modebar|selections|bdata|dtype|template)\Z",
    re.IGNORECASE,
)
_NUMBERS_ONLY = frozenset({"source", "target"})
"""In some traces the ends of a link, by number; in others an address, which is left out."""
_COUNTS = frozenset({"nticks", "nbinsx", "nbinsy", "ncontours", "maxdisplayed"})
_TAG = re.compile(r"</?(?:b|i|br|sub|sup|em|strong|u|s)\s*/?>", re.IGNORECASE)
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}\Z")
_NUMBERS = frozenset({int, float, bool, type(None)})


@dataclass(frozen=True)
class Cleaned:
    """A figure that may be drawn, and the kinds of traces that were left out of it."""

    figure: Figure
    left_out: tuple[str, ...]


def cleaned(figure: Figure, *, most_values: int = MOST_VALUES) -> Cleaned:
    """Return what may be drawn of a figure, as new lists and dictionaries. Raises BadValue where it is too large."""
    counting = _Counting(most_values)
    data = figure.get("data")
    traces: list[Figure] = []
    left_out: list[str] = []
    for trace in data if isinstance(data, list) else []:
        if not isinstance(trace, dict):
            continue
        kind = trace.get("type", "scatter")
        if not isinstance(kind, str) or kind not in TRACES or len(traces) >= _MOST_TRACES:
            left_out.append(text(str(kind)[:40]) if len(traces) < _MOST_TRACES else "all after the 500th")
            continue
        traces.append(_object(trace, 1, counting) | {"type": kind})
    layout = figure.get("layout")
    layout = layout if isinstance(layout, dict) else {}
    kept = {key: value for key, value in layout.items() if isinstance(key, str) and _LAYOUT.match(key)}
    made = _object(kept, 1, counting)
    made["height"] = _height(layout.get("height"))
    return Cleaned({"data": traces, "layout": made | {"autosize": True}}, tuple(dict.fromkeys(left_out)))


def text(value: str) -> str:
    """Return a text as Plotly may draw it: with the tags that only change its look, and any other as it is written."""
    value = value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "…"
    if "<" not in value:
        return value
    found, at = [], 0
    for tag in _TAG.finditer(value):
        found += [value[at : tag.start()].replace("<", "&lt;"), tag.group()]
        at = tag.end()
    return "".join([*found, value[at:].replace("<", "&lt;")])


class _Counting:
    """Counts what is in a figure."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0

    def add(self, count: int) -> None:
        self._count += count
        if self._count > self._most:
            raise BadValue(f"this plot holds more than {self._most:,} values; download it to look at it elsewhere")


def _object(value: dict[Any, Any], depth: int, counting: _Counting) -> Figure:
    made = {}
    counting.add(len(value))
    for key, item in list(value.items())[:_MOST_PARTS]:
        if not isinstance(key, str) or not _KEY.match(key):
            continue
        if _LEFT_OUT.match(key) or (key.lower() in _NUMBERS_ONLY and not _is_numbers(item)):
            continue
        made[key] = _count_of(item) if key in _COUNTS else _value(item, depth + 1, counting)
    return made


def _value(value: Any, depth: int, counting: _Counting) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if depth > _MOST_DEPTH:
        raise BadValue(f"this plot is nested more than {_MOST_DEPTH} deep; download it to look at it elsewhere")
    if isinstance(value, dict):
        return _object(value, depth, counting)
    if isinstance(value, (list, tuple)):
        counting.add(len(value))
        if _NUMBERS.issuperset(map(type, value)):
            return [None if type(item) is float and not math.isfinite(item) else item for item in value]
        return [_value(item, depth + 1, counting) for item in value]
    return None


def _is_numbers(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, list) and _NUMBERS.issuperset(map(type, value))


def _count_of(value: Any) -> int:  # noqa: ANN401 - JSON
    return max(0, min(1000, int(value))) if isinstance(value, (int, float)) and math.isfinite(value) else 0


def _height(value: Any) -> int:  # noqa: ANN401 - JSON
    if isinstance(value, (int, float)) and math.isfinite(value):
        return int(max(_LEAST_HEIGHT, min(_MOST_HEIGHT, value)))
    return _HEIGHT
