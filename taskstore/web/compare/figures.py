"""Figures of tasks, made fit to be drawn: nothing in them is loaded from elsewhere, and no text in them is a link."""

from __future__ import annotations

import re
from typing import Any

from .. import charts

_MAPS = frozenset(
    {
        *("scattergeo", "choropleth", "scattermapbox", "choroplethmapbox", "densitymapbox"),
        *("scattermap", "choroplethmap", "densitymap"),
    }
)
"""Traces on maps, which are fetched from another host."""
_LINK = re.compile(r"<(?=\s*/?\s*a\b)", re.IGNORECASE)
_MAX_DEPTH = 60


def harmless(figure: Any, *, height: int = 320) -> dict[str, Any]:  # noqa: ANN401 - whatever a task has logged
    """Return a figure for Plotly, from JSON that anybody may have written."""
    figure = figure if isinstance(figure, dict) else {}
    data, layout = figure.get("data"), figure.get("layout")
    traces = [_clean(trace, 0) for trace in data if _is_drawn(trace)] if isinstance(data, list) else []
    layout = _clean(layout, 0) if isinstance(layout, dict) else {}
    layout = {key: value for key, value in layout.items() if not key.startswith(("geo", "map"))}
    images = layout.get("images")
    layout["images"] = [image for image in images if _is_own(image)] if isinstance(images, list) else []
    template = layout.get("template")
    if isinstance(template, dict):
        layout["template"] = {"layout": {"colorway": _colours(template)}} if _colours(template) else {}
    shown = layout.get("height")
    layout |= {"height": max(150, min(900, int(shown))) if isinstance(shown, (int, float)) else height}
    layout |= {"autosize": True, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    layout.pop("width", None)
    layout.setdefault("margin", {"l": 50, "r": 20, "t": 44 if layout.get("title") else 16, "b": 40})
    return {"data": traces, "layout": layout, "config": charts.config()}


def _is_drawn(trace: object) -> bool:
    if not isinstance(trace, dict):
        return False
    kind = trace.get("type")
    return kind not in _MAPS and (kind != "image" or _is_own(trace)) if isinstance(kind, str) else True


def _is_own(image: object) -> bool:
    """Tell whether a picture comes with the figure, and is not fetched."""
    if not isinstance(image, dict):
        return False
    source = image.get("source")
    return source is None or (isinstance(source, str) and source.startswith("data:image/"))


def _colours(template: dict[str, Any]) -> list[str]:
    layout = template.get("layout")
    found = layout.get("colorway") if isinstance(layout, dict) else None
    return [colour for colour in found if isinstance(colour, str)] if isinstance(found, list) else []


def _clean(value: Any, depth: int) -> Any:  # noqa: ANN401
    """Return a part of a figure without links in its texts; long lists of numbers as they are."""
    if isinstance(value, str):
        return _LINK.sub("&lt;", value) if "<" in value else value
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {str(key): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(type(item) is float or type(item) is int for item in value):
            return value
        return [_clean(item, depth + 1) for item in value]
    return value
