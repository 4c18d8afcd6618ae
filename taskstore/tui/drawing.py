"""Curves in dots of a terminal's braille characters: two dots wide and four high, a character."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from ..core.spelling import safe, short_number

COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue")
MARKS = "abcdefghijklmnopqrstuvwxyz"
"""The letter of each curve stands at its last point, so that curves are told apart without colours too."""
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_LABEL = 10
_LEAST = (_LABEL + 8, 4)


@dataclass(frozen=True)
class Curve:
    """A named course of points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    is_log: bool

    def place(self, value: float, dots: int) -> int:
        """Return the dot at which a value is."""
        # Halved: the difference of two of the greatest floats is infinite.
        span = self.high / 2 - self.low / 2
        part = (_scaled(value, self.is_log) / 2 - self.low / 2) / span if span else 0.5
        return round(part * (dots - 1))

    def label(self, part: float) -> str:
        value = self.low * (1 - part) + self.high * part
        return short_number(_unscaled(value) if self.is_log else value)


def _unscaled(value: float) -> float:
    try:
        return float(10**value)
    except OverflowError:
        return math.inf


def _scaled(value: float, is_log: bool) -> float:
    return math.log10(value) if is_log else value


def draw(curves: Sequence[Curve], width: int, height: int, *, log_x: bool = False, log_y: bool = False) -> list[Text]:
    """Return `height` lines that show the curves; points that are no finite number, or have no logarithm, are left out.

    The first lines name the curves, the last one the reach of x.
    """
    if width < _LEAST[0] or height < _LEAST[1]:
        return [Text("no room for a plot", style="dim")]
    runs = [_runs(curve, log_x, log_y) for curve in curves]
    points = [[point for run in each for point in run] for each in runs]
    if not any(points):
        why = "no point is above 0: a logarithm shows none" if log_x or log_y else "no points to show"
        return [Text(why, style="dim")]
    legend = _legend(curves, points, width)[: max(1, height // 3)]
    rows, columns = height - len(legend) - 1, width - _LABEL - 1
    x_axis = _axis([x for each in points for x, _ in each], log_x)
    y_axis = _axis([y for each in points for _, y in each], log_y)
    canvas = _Canvas(rows, columns)
    for number, each in enumerate(runs):
        for run in each:
            canvas.draw(
                [(x_axis.place(x, columns * 2), rows * 4 - 1 - y_axis.place(y, rows * 4)) for x, y in run], number
            )
    lines = []
    for row in range(rows):
        is_labelled = row in (0, rows // 2, rows - 1)
        label = y_axis.label(1 - row / max(1, rows - 1)) if is_labelled else ""
        lines.append(Text(f"{label[:_LABEL]:>{_LABEL}}│", style="dim") + canvas.line(row))
    left, right = x_axis.label(0), x_axis.label(1)
    below = f"{'':{_LABEL}} {left}{right:>{max(1, columns - len(left))}}"
    return [*legend, *lines, Text(below, style="dim")]


def _runs(curve: Curve, log_x: bool, log_y: bool) -> list[list[tuple[float, float]]]:
    """Cut a curve where a point cannot be drawn: a gap shows there."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(curve.x, curve.y, strict=True):
        if math.isfinite(x) and math.isfinite(y) and (x > 0 or not log_x) and (y > 0 or not log_y):
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def _legend(curves: Sequence[Curve], points: Sequence[Sequence[object]], width: int) -> list[Text]:
    lines = []
    for number, curve in enumerate(curves):
        gone = len(curve.x) - len(points[number])
        note = f"  {gone:,} points are not shown" if gone else ""
        text = Text(f"{MARKS[number % len(MARKS)]} {safe(curve.name[:200])}", style=_colour(number))
        text.append(note, "dim")
        text.truncate(width, overflow="ellipsis")
        lines.append(text)
    return lines


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _axis(values: Sequence[float], is_log: bool) -> _Axis:
    return _Axis(_scaled(min(values), is_log), _scaled(max(values), is_log), is_log)


class _Canvas:
    """Dots by character; a later curve's colour counts where two meet."""

    def __init__(self, rows: int, columns: int) -> None:
        self._dots = [[0] * columns for _ in range(rows)]
        self._owner = [[-1] * columns for _ in range(rows)]
        self._marks: dict[tuple[int, int], int] = {}

    def draw(self, places: Sequence[tuple[int, int]], number: int) -> None:
        """Join places by lines; the mark of the curve is at the last of all."""
        for (x0, y0), (x1, y1) in zip(places, [*places[1:], places[-1]], strict=True):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                self._set(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps), number)
        x, y = places[-1]
        self._marks = {place: owner for place, owner in self._marks.items() if owner != number}
        self._marks[y // 4, x // 2] = number

    def _set(self, x: int, y: int, number: int) -> None:
        self._dots[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
        self._owner[y // 4][x // 2] = number

    def line(self, row: int) -> Text:
        """Return a row of characters."""
        text = Text()
        for column, dots in enumerate(self._dots[row]):
            mark = self._marks.get((row, column))
            if mark is not None:
                text.append(MARKS[mark % len(MARKS)], f"bold {_colour(mark)}")
            else:
                text.append(chr(0x2800 + dots) if dots else " ", _colour(self._owner[row][column]) if dots else "")
        return text
