"""Axes for Plotly, of numbers and of names alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...board.comparing import Axis
from .. import charts
from .texts import number

_NONE = "(none)"
_WIDE = 50.0
"""Numbers above zero whose greatest is so many times the least are spread by their logarithm."""


@dataclass(frozen=True)
class Spread:
    """An axis on which every task has a place. Of `labels` each is at its own number; `is_log` numbers are powers."""

    values: tuple[float, ...]
    labels: tuple[str, ...]
    is_log: bool = False


def is_wide(axis: Axis) -> bool:
    """Tell whether the numbers of an axis are easier told apart by their logarithm."""
    found = [value for value in axis.values if value is not None]
    return axis.is_numeric and bool(found) and min(found) > 0 and max(found) / min(found) >= _WIDE


def spread(axis: Axis) -> Spread:
    """Give each task a place: those without a value have one of their own, and numbers are then names."""
    if None not in axis.values and axis.is_numeric:
        values = tuple(float(value) for value in axis.values if value is not None)
        return Spread(tuple(map(math.log10, values)), (), is_log=True) if is_wide(axis) else Spread(values, ())
    labels = axis.labels or tuple(number(each) for each in sorted({each for each in axis.values if each is not None}))
    if axis.labels:
        placed = [None if value is None else int(value) for value in axis.values]
    else:
        placed = [None if value is None else labels.index(number(value)) for value in axis.values]
    if None in placed:
        labels = (*labels, _NONE)
    return Spread(tuple(float(len(labels) - 1 if at is None else at) for at in placed), labels)


def ticks(axis: Spread) -> dict[str, Any]:
    """Return what a dimension of parallel coordinates says at its axis."""
    if axis.labels:
        shown = [charts.text(label, longest=24) for label in axis.labels]
        return {
            "tickvals": list(range(len(shown))),
            "ticktext": shown,
            "range": [-0.3, max(len(shown) - 1, 0) + 0.3],
        }
    if axis.is_log:
        powers = sorted(set(axis.values))
        if len(powers) > 8:
            powers = [float(power) for power in range(math.floor(powers[0]), math.ceil(powers[-1]) + 1)]
        return {"tickvals": powers, "ticktext": [number(10**power) for power in powers]}
    least, greatest = min(axis.values), max(axis.values)
    return {"range": [least - 1, greatest + 1]} if least == greatest else {}
