"""Small line plots of text: curves over a common x axis, in dots of braille, or of ASCII where there is no more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Piece = tuple[str, str]
"""A text, and rich's style for it."""
STYLES = ("cyan", "magenta", "yellow", "green", "blue", "red")
MARKS = "*+ox#@"
"""What tells curves apart where there are no colours."""
MAX_CURVES = len(MARKS)
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each dot of a braille sign, by its column and its row from the top."""
_ROWS_A_TICK, _COLUMNS_A_TICK = 3, 14
_MOST_DIGITS = 17
_GREATEST_POWER, _GREATEST_WHOLE = 308.25, 1e7


@dataclass(frozen=True)
class Curve:
    """Points in order of x. A y that is no finite number is a gap; `name` is clean already."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Look:
    """How to draw: size in characters, whether y is logarithmic, and what the terminal can show."""

    width: int = 80
    height: int = 12
    is_log: bool = False
    is_ascii: bool = False
    has_colours: bool = True

    def is_marked(self, count: int) -> bool:
        """Tell whether so many curves are drawn by a sign each, not by dots."""
        return self.is_ascii or (count > 1 and not self.has_colours)


@dataclass(frozen=True)
class _Scale:
    """From a number to a fraction of an axis."""

    low: float
    high: float

    def at(self, value: float) -> float:
        # Halved first: the difference of two great floats is infinite.
        span = self.high / 2 - self.low / 2
        return (value / 2 - self.low / 2) / span if span > 0 else 0.5


def legend(curves: Sequence[Curve], look: Look) -> list[Piece]:
    """Return the names of the curves, each behind the sign that it is drawn with."""
    pieces: list[Piece] = []
    for number, curve in enumerate(curves):
        mark = MARKS[number] if look.is_marked(len(curves)) else "─"
        pieces += [("  " if number else "", ""), (mark, STYLES[number]), (f" {curve.name}", "")]
    return pieces


def draw(curves: Sequence[Curve], look: Look) -> list[list[Piece]]:
    """Draw at most MAX_CURVES curves between axes; return the lines: none where no curve has a point to be drawn."""
    drawn = [_usable(curve.points, is_log=look.is_log) for curve in curves]
    known = [point for points in drawn for point in points if point is not None]
    if not known:
        return []
    xs = _Scale(min(x for x, _ in known), max(x for x, _ in known))
    ys = _Scale(min(y for _, y in known), max(y for _, y in known))
    marks = _labels(_ticks(ys, max(2, look.height // _ROWS_A_TICK), is_log=look.is_log), is_log=look.is_log)
    label_width = max(len(text) for _, text in marks)
    width = max(8, look.width - label_width - 2)
    cells = _cells(drawn, xs, ys, width, look)
    by_row = {_place(ys.at(value), look.height, is_down=True): text for value, text in marks}
    tick, side = ("+", "|") if look.is_ascii else ("┤", "│")
    heads = [(f"{by_row.get(row, ''):>{label_width}} {tick if row in by_row else side}") for row in range(look.height)]
    lines: list[list[Piece]] = [[(head, "dim"), *_joined(row)] for head, row in zip(heads, cells, strict=True)]
    axis, below = _x_axis(xs, width, look, is_whole=all(x.is_integer() for x, _ in known))
    indent = " " * (label_width + 1)
    return [*lines, [(indent + axis, "dim")], [(f"{indent} {below}".rstrip(), "dim")]]


def _usable(points: Sequence[tuple[float, float]], *, is_log: bool) -> list[tuple[float, float] | None]:
    """Return the points as they are drawn, None for each gap."""
    if is_log:
        return [(float(x), math.log10(y)) if 0 < y < math.inf else None for x, y in points]
    return [(float(x), y) if math.isfinite(y) else None for x, y in points]


Cell = tuple[str, str]


def _cells(
    drawn: Sequence[Sequence[tuple[float, float] | None]], xs: _Scale, ys: _Scale, width: int, look: Look
) -> list[list[Cell]]:
    """Draw the curves one over the other; a cell has the sign, and the style of the last curve in it."""
    is_marked = look.is_marked(len(drawn))
    across, down = (1, 1) if is_marked else (2, 4)
    cells: list[list[Cell]] = [[(" ", "")] * width for _ in range(look.height)]
    for number, points in enumerate(drawn):
        for column, row in _dots(points, xs, ys, width * across, look.height * down):
            at = cells[row // down]
            text, _ = at[column // across]
            if is_marked:
                sign = MARKS[number]
            else:
                bits = ord(text) - _BRAILLE if text != " " else 0
                sign = chr(_BRAILLE + (bits | _DOTS[column % 2][row % 4]))
            at[column // across] = (sign, STYLES[number])
    return cells


def _dots(
    points: Sequence[tuple[float, float] | None], xs: _Scale, ys: _Scale, width: int, height: int
) -> Iterator[tuple[int, int]]:
    """Yield the column and row of each dot of a line through the points; nothing across a gap."""
    before: tuple[int, int] | None = None
    for point in points:
        if point is None:
            before = None
            continue
        here = (_place(xs.at(point[0]), width), _place(ys.at(point[1]), height, is_down=True))
        start = here if before is None else before
        steps = max(abs(here[0] - start[0]), abs(here[1] - start[1]), 1)
        for step in range(steps + 1):
            yield (
                round(start[0] + (here[0] - start[0]) * step / steps),
                round(start[1] + (here[1] - start[1]) * step / steps),
            )
        before = here


def _place(fraction: float, count: int, *, is_down: bool = False) -> int:
    return round((1 - fraction if is_down else fraction) * (count - 1))


def _joined(cells: Sequence[Cell]) -> list[Piece]:
    """Make one piece of neighbours of one style; nothing of the blank behind the last."""
    pieces: list[Piece] = []
    end = max((place + 1 for place, (text, _) in enumerate(cells) if text != " "), default=0)
    for text, style in cells[:end]:
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + text, style)
        else:
            pieces.append((text, style))
    return pieces


def _x_axis(xs: _Scale, width: int, look: Look, *, is_whole: bool) -> tuple[str, str]:
    """Return the axis with its ticks, and their labels below; one that would touch the one before is left out."""
    corner, tick, bar = ("+", "+", "-") if look.is_ascii else ("└", "┬", "─")
    axis, below = [bar] * width, ""
    for value, text in _labels(_ticks(xs, max(2, width // _COLUMNS_A_TICK), is_whole=is_whole), is_log=False):
        column = _place(xs.at(value), width)
        start = max(0, min(width - len(text), column - len(text) // 2))
        if below and start < len(below) + 2:
            continue
        axis[column] = tick
        below = f"{below:{start}}{text}"
    return corner + "".join(axis), below


def _ticks(scale: _Scale, count: int, *, is_log: bool = False, is_whole: bool = False) -> list[float]:
    """Return about `count` round numbers between the ends of an axis, rising; of a logarithmic one their logarithms."""
    if is_log:
        first, last = math.ceil(scale.low), math.floor(scale.high)
        if last > first:
            return [float(power) for power in range(first, last + 1, max(1, math.ceil((last - first) / count)))]
        return [scale.low, scale.high] if scale.high > scale.low else [scale.low]
    rough = scale.high / count - scale.low / count
    if is_whole and 0 < rough < 1:
        rough = 1.0
    if rough <= 0 or not math.isfinite(rough):
        return [scale.low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * factor for factor in (1, 2, 5) if power * factor >= rough), power * 10)
    if not (0 < step < math.inf and math.isfinite(scale.low / step)):
        return [scale.low, scale.high]
    first = math.ceil(scale.low / step)
    found = [(first + number) * step for number in range(count + 2)]
    slack = step * 1e-6  # 10 times 0.1 is a little more than 1
    inside = [value for value in found if scale.low - slack <= value <= scale.high + slack and math.isfinite(value)]
    return inside if len(inside) > 1 else [scale.low, scale.high]


def _labels(values: Sequence[float], *, is_log: bool) -> list[tuple[float, str]]:
    """Spell the numbers with as few digits as tell them apart, and no label is off its place."""
    shown = [10.0 ** min(value, _GREATEST_POWER) if is_log else value for value in values]
    gap = min((after / 2 - before / 2 for before, after in pairwise(shown)), default=abs(shown[0]) / 50) * 2
    texts: list[str] = []
    for digits in range(3, _MOST_DIGITS + 1):
        texts = [_spelled(value, digits) for value in shown]
        if all(abs(float(text) - value) <= gap / 20 for text, value in zip(texts, shown, strict=True)):
            break
    return list(zip(values, texts, strict=True))


def _spelled(value: float, digits: int) -> str:
    text = f"{value + 0.0:.{digits}g}"  # no -0
    return str(int(value)) if "e" in text and value.is_integer() and abs(value) < _GREATEST_WHOLE else text
