"""Axes for Plotly, of numbers and of names alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...board.comparing import Axis
from .texts import number

_NONE, _EMPTY = "(none)", "(empty)"
_FEW = 8
"""Of so few numbers each is written at the axis, where they are far enough from one another."""
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


def spread(axis: Axis, *, may_be_log: bool = True) -> Spread:
    """Give each task a place: those without a value have one of their own, and numbers are then names."""
    if None not in axis.values and axis.is_numeric:
        values = tuple(float(value) for value in axis.values if value is not None)
        return (
            Spread(tuple(map(math.log10, values)), (), is_log=True)
            if may_be_log and is_wide(axis)
            else Spread(values, ())
        )
    labels = axis.labels or tuple(number(each) for each in sorted({each for each in axis.values if each is not None}))
    if axis.labels:
        placed = [None if value is None else int(value) for value in axis.values]
    else:
        placed = [None if value is None else labels.index(number(value)) for value in axis.values]
    if None in placed:
        labels = (*labels, _NONE)
    return Spread(tuple(float(len(labels) - 1 if at is None else at) for at in placed), labels)


def plain(label: str, longest: int = 24) -> str:
    """Return a name as the axes of parallel coordinates take it: they draw what is written, and know no markup."""
    printable = "".join(char if char.isprintable() else "\ufffd" for char in label) or _EMPTY
    return printable if len(printable) <= longest else f"{printable[: longest - 1]}…"


def ticks(axis: Spread) -> dict[str, Any]:
    """Return what a dimension of parallel coordinates says at its axis."""
    if axis.labels:
        shown = [plain(label) for label in axis.labels]
        return {
            "tickvals": list(range(len(shown))),
            "ticktext": shown,
            "range": [-0.3, max(len(shown) - 1, 0) + 0.3],
        }
    if axis.is_log:
        powers = sorted(set(axis.values))
        if len(powers) > _FEW:
            first, last = powers[0], powers[-1]
            within = (float(power) for power in range(math.ceil(first + 0.2), math.floor(last - 0.2) + 1))
            powers = [first, *within, last]
        return {"tickvals": powers, "ticktext": [number(10**power) for power in powers]}
    distinct = sorted(set(axis.values))
    least, greatest = distinct[0], distinct[-1]
    if least == greatest:
        return {"range": [least - 1, greatest + 1]}
    gaps = (after - before for before, after in zip(distinct, distinct[1:], strict=False))
    if len(distinct) <= _FEW and min(gaps) >= (greatest - least) / (2 * _FEW):
        return {"tickvals": distinct, "ticktext": [number(value) for value in distinct]}
    return {}
