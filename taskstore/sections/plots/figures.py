"""Figures that a library has made: plotly's as they are, matplotlib's as a picture."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Mapping
from typing import Any

from ...core.errors import BadValue
from .layout import Figure

_TYPES = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
_DPI = 100


def of_plotly(figure: Any) -> Figure:  # noqa: ANN401 - known by its manners
    """Return the JSON of a plotly figure, of a dict with `data` and `layout`, or of the text of one.

    Arrays that plotly has packed as base64 are plain lists afterwards. Raises BadValue for anything else.
    """
    for method in ("to_plotly_json", "to_json"):
        convert = getattr(figure, method, None)
        if callable(convert) and not isinstance(figure, type):
            figure = convert()
            break
    if isinstance(figure, (str, bytes)):
        import json

        try:
            figure = json.loads(figure)
        except ValueError as error:
            raise BadValue(f"figure must be a plotly figure or its JSON; the text is not JSON ({error})") from None
    if not isinstance(figure, Mapping) or "data" not in figure:
        raise BadValue(f"figure must be a plotly figure, or a dict with data and layout, not {type(figure).__name__}")
    return {"layout": {}, **_unpacked(dict(figure))}


def _unpacked(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        if set(value) in ({"bdata", "dtype"}, {"bdata", "dtype", "shape"}):
            return _numbers(value)
        return {key: _unpacked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unpacked(item) if isinstance(item, (Mapping, list, tuple)) else item for item in value]
    return value


def _numbers(packed: Mapping[str, Any]) -> Any:  # noqa: ANN401
    import array
    import base64

    code = _TYPES.get(packed["dtype"])
    if code is None:
        return dict(packed)
    numbers = array.array(code, base64.b64decode(packed["bdata"]))
    if sys.byteorder == "big":
        numbers.byteswap()
    found: list[Any] = numbers.tolist()
    shape = str(packed.get("shape", "")).replace(" ", "").split(",")
    for size in reversed([int(part) for part in shape if part][1:]):
        found = [found[at : at + size] for at in range(0, len(found), size)]
    return found


def of_matplotlib(figure: Any) -> bytes:  # noqa: ANN401 - known by its manners
    """Draw a matplotlib figure (or pyplot's current one) as PNG. Raises BadValue where it has no `savefig`."""
    gcf = getattr(figure, "gcf", None)
    if callable(gcf):
        figure = gcf()
    elif hasattr(figure, "figure") and not hasattr(figure, "savefig"):  # axes
        figure = figure.figure
    save = getattr(figure, "savefig", None)
    if not callable(save):
        raise BadValue(f"figure must be a matplotlib figure, which has savefig, not {type(figure).__name__}")
    stream = io.BytesIO()
    save(stream, format="png", dpi=_DPI, bbox_inches="tight")
    return stream.getvalue()


def of_png(title: str, source: str, data: bytes) -> Figure:
    """Return a plot that shows a picture; `source` says where it will lie, `data` is it."""
    width, height = struct.unpack(">II", data[16:24])
    axis = {"visible": False}
    picture = {"source": source, "xref": "x", "yref": "y", "x": 0, "y": height, "sizex": width, "sizey": height}
    layout = {
        "title": {"text": title},
        "images": [{**picture, "sizing": "stretch", "layer": "below"}],
        "xaxis": {**axis, "range": [0, width]},
        "yaxis": {**axis, "range": [0, height], "scaleanchor": "x"},
    }
    return {"data": [], "layout": layout}
