"""Lines and points: one or several series in a plane, and points in space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import BadValue
from . import arrays
from .layout import Figure, figure, merged, mode_of

_MODES = ("lines", "markers", "lines+markers")
_MANY = 3  # the depth of a list of point lists


def line_plot(
    title: str,
    series: object,
    *,
    xaxis: str | None = None,
    yaxis: str | None = None,
    mode: str = "lines",
    reverse_xaxis: bool = False,
    comment: str | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw several series in one plot.

    `series` is a list of what has `name`, `data` of shape (n, 2) or (n,), and maybe `labels`, as attributes or keys;
    or a dict of data by name.
    """
    traces = []
    for name, data, texts in _each_series(series):
        x, y = _coordinates(f"data of series {name!r}", data)
        traces.append(_trace("scatter", name, mode, {"x": x, "y": y}, texts))
    layout = {"xaxis": {"autorange": "reversed"}} if reverse_xaxis else None
    return figure(title, traces, xaxis=xaxis, yaxis=yaxis, comment=comment, layout=layout, extra_layout=extra_layout)


def name_of(series: object) -> str:
    """Return the name of the one series of a line plot; nothing where there are several."""
    names = [name for name, _, _ in _each_series(series)]
    return names[0] if len(names) == 1 else ""


def _each_series(series: object) -> list[tuple[str, object, object]]:
    if isinstance(series, Mapping) and "data" not in series:
        return [(str(name), data, None) for name, data in series.items()]
    given = series if isinstance(series, (list, tuple)) and not hasattr(series, "data") else [series]
    found = []
    for one in given:
        fields = one if isinstance(one, Mapping) else {k: getattr(one, k, None) for k in ("name", "data", "labels")}
        if fields.get("data") is None or isinstance(one, (str, bytes)):
            raise BadValue(
                f"series must be a list of series, each with a name and data of shape (n, 2), not {type(one).__name__}"
            )
        found.append((str(fields.get("name") or ""), fields["data"], fields.get("labels")))
    return found


def _coordinates(name: str, data: object) -> tuple[arrays.Vector, arrays.Vector]:
    plain = arrays.listed(data)
    if isinstance(plain, list) and plain and not isinstance(plain[0], (list, tuple)):
        heights = arrays.vector(name, plain)
        return list(range(len(heights))), heights
    return _columns(arrays.matrix(name, plain, columns=2), 2)  # type: ignore[return-value]  # two columns


def _columns(points: arrays.Matrix, count: int) -> tuple[arrays.Vector, ...]:
    return tuple([point[at] for point in points] for at in range(count))


def _trace(kind: str, name: str, mode: str, axes: dict[str, arrays.Vector], texts: object) -> dict[str, Any]:
    count = len(next(iter(axes.values())))
    trace: dict[str, Any] = {"type": kind, "name": name, "mode": mode_of(mode, _MODES), **axes}
    found = arrays.labels("labels", texts, count, "point")
    return {**trace, "text": found} if found else trace


def scatter2d(
    title: str,
    series: str,
    scatter: object,
    *,
    xaxis: str | None = None,
    yaxis: str | None = None,
    labels: Sequence[str] | None = None,
    mode: str = "lines",
    comment: str | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw points of shape (n, 2); `labels` has a text for each point."""
    x, y = _columns(arrays.matrix("scatter", scatter, columns=2), 2)
    trace = _trace("scatter", series, mode, {"x": x, "y": y}, labels)
    return figure(title, [trace], xaxis=xaxis, yaxis=yaxis, comment=comment, extra_layout=extra_layout)


def scatter3d(
    title: str,
    series: str,
    scatter: object,
    *,
    xaxis: str | None = None,
    yaxis: str | None = None,
    zaxis: str | None = None,
    labels: Sequence[Any] | None = None,
    mode: str = "markers",
    fill: bool = False,
    comment: str | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw points of shape (n, 3), or several lists of them; `labels` has a text for each point.

    Of several lists, `labels` is a list of such lists. `fill` fills the surface that the points enclose.
    """
    plain = arrays.listed(scatter)
    is_many = _depth(plain) == _MANY
    clouds = [arrays.matrix("scatter", cloud, columns=3) for cloud in (plain if is_many else [plain])]
    if is_many and labels is not None and len(labels) != len(clouds):
        raise BadValue(f"labels must be a list of {len(clouds)} lists, one for each of scatter's, not {len(labels)}")
    traces = []
    for number, cloud in enumerate(clouds):
        axes = dict(zip("xyz", _columns(cloud, 3), strict=True))
        name = f"{series} {number}" if is_many else series
        texts = labels[number] if is_many and labels is not None else labels
        trace = _trace("scatter3d", name, mode, axes, texts)
        traces.append({**trace, "surfaceaxis": 2} if fill else trace)
    return figure(title, traces, comment=comment, layout=scene(xaxis, yaxis, zaxis), extra_layout=extra_layout)


def _depth(value: object) -> int:
    return 1 + (_depth(value[0]) if value else 0) if isinstance(value, (list, tuple)) else 0


def scene(xaxis: str | None, yaxis: str | None, zaxis: str | None, more: Mapping[str, Any] | None = None) -> Figure:
    """Return the part of a layout that names the axes of space."""
    names = {"xaxis": xaxis, "yaxis": yaxis, "zaxis": zaxis}
    axes = {key: {"title": {"text": str(name)}} for key, name in names.items() if name}
    return {"scene": merged(axes, more)}
