"""Histograms as plots of bars, one bar a bin, which keeps the bin's edges; at most `MAX_BINS` of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .tensors import numbers

MAX_BINS = 100


class Bin(NamedTuple):
    """How many values lie between two edges."""

    left: float
    right: float
    size: float


def of_buckets(histogram: Any) -> list[Bin]:  # noqa: ANN401 - a HistogramProto of any class
    """Read a HistogramProto: each bucket ends at its limit and begins at the one before; the ends are min and max."""
    least, greatest = histogram.min, histogram.max
    found, left = [], min(least, next(iter(histogram.bucket_limit), least))
    for limit, count in zip(histogram.bucket_limit, histogram.bucket, strict=False):
        right = min(limit, max(greatest, left))
        found.append(Bin(max(left, least) if left < least <= right else left, right, count))
        left = right
    return found


def of_tensor(tensor: Any) -> list[Bin]:  # noqa: ANN401 - a TensorProto of any class
    """Read the tensor of the histograms plugin: rows of left edge, right edge and count."""
    flat = numbers(tensor)
    return [Bin(*flat[at : at + 3]) for at in range(0, len(flat) - 2, 3)]


def plot(title: str, series: str, bins: Sequence[Bin]) -> dict[str, Any]:
    """Return the plotly figure of a histogram, without the empty bins at its ends; where there are many, they merge."""
    full = [at for at, each in enumerate(bins) if each.size]
    kept = _merged(bins[full[0] : full[-1] + 1]) if full else []
    span = kept[-1].right - kept[0].left if kept else 0.0
    trace = {
        "type": "bar",
        "name": series,
        "x": [(each.left + each.right) / 2 for each in kept],
        "y": [each.size for each in kept],
        "width": [(each.right - each.left) or span / MAX_BINS or 1.0 for each in kept],
        "customdata": [[each.left, each.right] for each in kept],
        "hovertemplate": "%{customdata[0]:.6g} to %{customdata[1]:.6g}: %{y}",
    }
    layout = {"title": {"text": title}, "bargap": 0, "yaxis": {"title": {"text": "count"}}}
    return {"data": [trace], "layout": layout}


def _merged(bins: Sequence[Bin]) -> list[Bin]:
    size = math.ceil(len(bins) / MAX_BINS)
    groups = [bins[at : at + size] for at in range(0, len(bins), size)]
    return [Bin(group[0].left, group[-1].right, sum(each.size for each in group)) for group in groups]
