"""Bars: vectors, and histograms that the program has counted itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import arrays
from .layout import Figure, checked, figure, merged, mode_of

_MODES = ("group", "stack", "relative", "overlay")


def histogram(
    title: str,
    series: str,
    values: object,
    *,
    labels: Sequence[str] | None = None,
    xlabels: Sequence[str] | None = None,
    xaxis: str | None = None,
    yaxis: str | None = None,
    mode: str | None = None,
    data_args: Mapping[str, Any] | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw bars whose heights are `values`, of shape (bars,) or (groups, bars); nothing is counted here.

    `labels` names the groups, `xlabels` the bars; `data_args` is added to every trace.
    """
    groups = arrays.rows("values", values)
    names = arrays.labels("labels", [labels] if isinstance(labels, str) else labels, len(groups), "row of values")
    bars = arrays.labels("xlabels", xlabels, len(groups[0]) if groups else 0, "bar")
    traces = []
    for number, heights in enumerate(groups):
        name = names[number] if names else series if len(groups) == 1 else f"{series} {number}"
        places = bars if bars is not None else list(range(len(heights)))
        trace = {"type": "bar", "name": name, "x": places, "y": heights}
        traces.append(merged(trace, checked("data_args", data_args)))
    layout = {"barmode": mode_of(mode or "group", _MODES), "showlegend": len(groups) > 1 or names is not None}
    return figure(title, traces, xaxis=xaxis, yaxis=yaxis, layout=layout, extra_layout=extra_layout)


def vector(
    title: str,
    series: str,
    values: object,
    *,
    labels: Sequence[str] | None = None,
    xlabels: Sequence[str] | None = None,
    xaxis: str | None = None,
    yaxis: str | None = None,
    mode: str | None = None,
    extra_layout: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw a vector, of shape (n,), or several, of shape (rows, n), as bars."""
    return histogram(
        title,
        series,
        values,
        labels=labels,
        xlabels=xlabels,
        xaxis=xaxis,
        yaxis=yaxis,
        mode=mode,
        extra_layout=extra_layout,
    )
