"""Curves as a screen shows them: few enough points, smoothed, over iterations or time, of the range that is seen."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..core.errors import BadValue
from ..disk.layout import TaskPaths
from ..store import downsample
from .points import Held, Points, Shelf

XAxis = Literal["iteration", "relative", "wall"]
Window = tuple[float, float]
"""The least and the greatest x that are seen, in the axis's unit: iterations, seconds, or ms since 1970."""

_SHELF = Shelf()


@dataclass(frozen=True)
class Curve:
    """One series of one task, in order of `x`: iterations, seconds since the task's first point, or ms since 1970.

    `y` holds NaN and infinities as they are. `smoothed` has one value a point, and is None where none was asked for.
    `is_whole`: all points were looked at, and not pieces of a long log; another reading would find more of one that
    is not.
    """

    task_id: str
    metric: str
    variant: str
    x: Sequence[float]
    y: Sequence[float]
    smoothed: Sequence[float] | None = None
    is_whole: bool = True
    count: int = 0
    """How many points there are in all, as far as was read."""


def read(
    paths_list: Iterable[TaskPaths],
    wanted: Collection[tuple[str, str]] | None = None,
    *,
    max_points: int = 1000,
    x: XAxis = "iteration",
    smoothing: float = 0.0,
    window: Window | None = None,
    is_quick: bool = False,
    shelf: Shelf = _SHELF,
) -> list[Curve]:
    """Return the curves of tasks: of the (metric, variant) pairs that are wanted, of all where `wanted` is None.

    At most `max_points` each, chosen so that every spike of what is within `window` stays; a point beyond either end
    is among them, so that the line goes on. `smoothing` is the weight of what came before, from 0 to below 1. A task's
    points are read once and held, and what has been logged since is added to them; `is_quick` reads pieces of a long
    log, for a first look (`is_whole` is False). It is for a thread: the first reading of a million points takes
    seconds. Raises BadValue, Damaged.
    """
    if not 0.0 <= smoothing < 1.0:
        raise BadValue(f"smoothing must be at least 0 and less than 1, not {smoothing}")
    found = []
    for paths in paths_list:
        held = shelf.read(paths, is_quick=is_quick)
        for key, points in held.series.items():
            if wanted is None or key in wanted:
                found.append(_curve(paths.id, key, held, points, max_points, x, smoothing, window))
    return found


def _curve(
    task_id: str,
    key: tuple[str, str],
    held: Held,
    points: Points,
    max_points: int,
    x: XAxis,
    smoothing: float,
    window: Window | None,
) -> Curve:
    xs, ys = points.iterations, points.values
    if x != "iteration":
        xs, ys = _over_time(points, began=held.began if x == "relative" else None)
    smoothed = smooth(ys, smoothing) if smoothing else None
    first, last = 0, len(xs)
    if window is not None:
        first = max(0, bisect_left(xs, window[0]) - 1)
        last = min(len(xs), bisect_right(xs, window[1]) + 1)
    seen_x, seen_y = xs[first:last], ys[first:last]
    kept = downsample.chosen(seen_x, seen_y, max_points, "minmax")
    return Curve(
        task_id,
        *key,
        [seen_x[at] for at in kept],
        [seen_y[at] for at in kept],
        [smoothed[first + at] for at in kept] if smoothed is not None else None,
        held.is_whole,
        len(xs),
    )


def _over_time(points: Points, *, began: float | None) -> tuple[array[float], array[float]]:
    """Return times and values in order of time: ms since 1970, or seconds since `began`."""
    times, values = points.times, points.values
    if any(a > b for a, b in zip(times, times[1:], strict=False)):
        kept = sorted(range(len(times)), key=times.__getitem__)
        times, values = array("d", [times[at] for at in kept]), array("d", [values[at] for at in kept])
    return (times if began is None else array("d", [(time - began) / 1000 for time in times])), values


def smooth(values: Iterable[float], weight: float) -> array[float]:
    """Return the exponential moving average, its start corrected for having nothing before (Kingma & Ba 2015).

    What is no finite number stays where it is, and counts for nothing.
    """
    found = array("d")
    mean, bias = 0.0, 1.0
    for value in values:
        if not math.isfinite(value):
            found.append(value)
            continue
        mean = weight * mean + (1 - weight) * value
        bias *= weight
        found.append(mean / (1 - bias))
    return found
