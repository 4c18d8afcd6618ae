"""Matrices: as a heat map, as a confusion matrix, as a surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import BadValue
from . import arrays
from .layout import Figure, figure
from .lines import scene

_MAX_TEXTS = 1600


def matrix(
    title: str,
    series: str,
    values: object,
    *,
    xaxis: str | None = None,
    yaxis: str | None = None,
    xlabels: Sequence[str] | None = None,
    ylabels: Sequence[str] | None = None,
    yaxis_reversed: bool = False,
    comment: str | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw a matrix of shape (rows, columns) as a heat map, with its first row at the bottom unless reversed."""
    grid = arrays.matrix("matrix", values)
    trace = _trace("heatmap", series, grid, xlabels, ylabels)
    if len(grid) * len(grid[0] if grid else []) <= _MAX_TEXTS:
        trace["texttemplate"] = "%{z}"
    layout = {"yaxis": {"autorange": "reversed"}} if yaxis_reversed else None
    return figure(title, [trace], xaxis=xaxis, yaxis=yaxis, comment=comment, layout=layout, extra_layout=extra_layout)


confusion_matrix = matrix


def _trace(
    kind: str, series: str, grid: arrays.Matrix, xlabels: Sequence[str] | None, ylabels: Sequence[str] | None
) -> dict[str, Any]:
    columns = arrays.labels("xlabels", xlabels, len(grid[0]) if grid else 0, "column of matrix")
    lines = arrays.labels("ylabels", ylabels, len(grid), "row of matrix")
    trace: dict[str, Any] = {"type": kind, "name": series, "z": grid}
    return {**trace, **({"x": columns} if columns else {}), **({"y": lines} if lines else {})}


def surface(
    title: str,
    series: str,
    values: object,
    *,
    xaxis: str | None = None,
    yaxis: str | None = None,
    zaxis: str | None = None,
    xlabels: Sequence[str] | None = None,
    ylabels: Sequence[str] | None = None,
    camera: Sequence[float] | None = None,
    comment: str | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw a matrix of shape (rows, columns) as heights; `camera` is where the eye is: x, y and z."""
    trace = _trace("surface", series, arrays.matrix("matrix", values), xlabels, ylabels)
    more: dict[str, Any] = {}
    if camera is not None:
        eye = arrays.vector("camera", camera)
        if len(eye) != len("xyz"):
            raise BadValue(f"camera must be numbers of shape (3,), not shape ({len(eye)},)")
        more = {"camera": {"eye": dict(zip("xyz", eye, strict=True))}}
    layout = scene(xaxis, yaxis, zaxis, more)
    return figure(title, [trace], comment=comment, layout=layout, extra_layout=extra_layout)
