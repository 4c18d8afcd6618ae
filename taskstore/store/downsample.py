"""Fewer points of a series that still look like all of them.

`lttb` is Largest-Triangle-Three-Buckets (Sveinn Steinarsson, Downsampling Time Series for Visual Representation,
University of Iceland 2013). `min_max` keeps the extremes of every bucket, and so every spike. Both keep the first and
the last point, and of a bucket that holds a NaN or an infinity the first such point, which is the news in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..core.errors import BadValue

Choice = Callable[[Sequence[float], Sequence[float], int], list[int]]


def chosen(x: Sequence[float], y: Sequence[float], count: int, method: str = "lttb") -> list[int]:
    """Return the indices of at most `count` points, rising; `x` must rise. Raises BadValue."""
    choose = METHODS.get(method)
    if choose is None:
        raise BadValue(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if count < 2:
        raise BadValue(f"max_samples must be 0 (all points) or at least 2, not {count}")
    return list(range(len(x))) if len(x) <= count else choose(x, y, count)


def lttb(x: Sequence[float], y: Sequence[float], count: int) -> list[int]:
    """Choose the point of each bucket that spans the largest triangle with the one before and the mean behind."""
    last = len(x) - 1
    edges = _edges(len(x), count - 2)
    picked = [0]
    at = 0
    for number, (start, end) in enumerate(edges):
        after = edges[number + 1] if number + 1 < len(edges) else (last, last + 1)
        ys = y[start:end]
        if not math.isfinite(sum(ys)):
            odd = _first_odd(ys)
            if odd is not None:
                at = start + odd
                picked.append(at)
                continue
        mean_x, mean_y = _mean(x, *after), _mean(y, *after)
        x0, y0 = x[at], y[at]
        if not math.isfinite(y0):
            y0 = ys[0]
        if not math.isfinite(mean_y):
            mean_y = ys[-1]
        # Twice the area; |(x0 - mean_x)(y - y0) - (x0 - x)(mean_y - y0)| without what is the same for all.
        width, height = x0 - mean_x, mean_y - y0
        base = width * y0 + x0 * height
        areas = [abs(width * b + height * a - base) for a, b in zip(x[start:end], ys, strict=True)]
        at = start + areas.index(max(areas))
        picked.append(at)
    return [*picked, last]


def min_max(x: Sequence[float], y: Sequence[float], count: int) -> list[int]:
    """Choose the least and the greatest point of each bucket."""
    picked = {0, len(x) - 1}
    for start, end in _edges(len(x), max(1, (count - 2) // 2)) if count >= 4 else []:
        ys = y[start:end]
        odd = None if math.isfinite(sum(ys)) else _first_odd(ys)
        if odd is None:
            picked |= {start + ys.index(min(ys)), start + ys.index(max(ys))}
        else:
            picked.add(start + odd)
    return sorted(picked)


def _edges(length: int, buckets: int) -> list[tuple[int, int]]:
    """Cut what is between the first and the last point into buckets that differ by one point at most."""
    bounds = [1 + (length - 2) * number // buckets for number in range(buckets + 1)] if buckets else []
    return list(zip(bounds, bounds[1:], strict=False))


def _mean(values: Sequence[float], start: int, end: int) -> float:
    return sum(values[start:end]) / (end - start)


def _first_odd(values: Sequence[float]) -> int | None:
    """Return the first that is no finite number; None where only their sum is none."""
    return next((at for at, value in enumerate(values) if not math.isfinite(value)), None)


METHODS: dict[str, Choice] = {"lttb": lttb, "minmax": min_max}
