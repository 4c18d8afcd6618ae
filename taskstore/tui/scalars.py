"""The scalars of a task: the series that there are, and a plot of those that are chosen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ..core.curves import MAX_CURVES, Curve, Look, Piece, draw, legend
from ..core.spelling import safe, short_number
from ..disk.layout import TaskPaths
from ..schema.codec import number
from ..schema.record import MONITOR
from ..store import events, sampling
from ..store.query import Row
from .lines import Pager
from .shared import begin
from .table import MARK, Column, Table

WHOLE_BYTES = 64 << 20
"""Longer logs are not read as a whole each time that they grow: pieces stand for them."""
_POINTS_A_COLUMN = 8
_LEAST_WIDTH = 12
Name = tuple[str, str]


@dataclass(frozen=True)
class Series:
    """A series as the list shows it."""

    name: Name
    last: float


class Scalars(Horizontal):
    """A list of series, and a plot of the marked ones, else of the one at the cursor."""

    DEFAULT_CSS = """
    Scalars { height: 1fr; }
    Scalars > Table { width: 34; border-right: solid $panel; }
    Scalars > Vertical { width: 1fr; }
    Scalars .note { height: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "draw it too", tooltip="draw the series together with others"),
        Binding("l", "log", "log", tooltip="a logarithmic axis of values, or not"),
        Binding("t", "time", "by time", tooltip="by time since the first point, or by iteration"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._paths: TaskPaths | None = None
        self._marked: set[Name] = set()
        self._is_log = False
        self._by_time = False
        self._read: dict[Name, tuple[object, events.Series | None]] = {}

    def compose(self) -> ComposeResult:
        """The list, and the plot."""
        yield Table[Series](
            [
                Column(MARK, lambda row: MARK if row.name in self._marked else "", 1),
                Column("series", lambda row: _label(*row.name)),
                Column("last", lambda row: short_number(row.last), 9, is_right=True),
            ],
            lambda row: "\0".join(row.name),
            empty="no scalars",
        )
        with Vertical():
            yield Pager()
            yield Static("", classes="note", markup=False)

    async def follow(self, row: Row) -> None:
        """Show what has been reported since. Raises Damaged."""
        self._paths = row.paths
        found = [
            Series((metric, variant), number(last.value))
            for metric, variants in row.last_metrics.items()
            for variant, last in variants.items()
        ]
        found.sort(key=lambda each: (each.name[0].startswith(MONITOR), each.name))
        self._marked &= {each.name for each in found}
        self.query_one(Table).show(found)
        await self._draw()

    def on_resize(self) -> None:
        """Draw it for the new size."""
        begin(self, self._draw, only="plot")

    def on_table_moved(self, event: Table.Moved) -> None:
        """Draw another series."""
        event.stop()
        begin(self, self._draw, only="plot")

    def _wanted(self) -> list[Name]:
        table: Table[Series] = self.query_one(Table)
        marked = [each.name for each in table.rows if each.name in self._marked]
        return marked[:MAX_CURVES] or ([table.row.name] if table.row is not None else [])

    async def _draw(self) -> None:
        pager = self.query_one(Pager)
        names = self._wanted()
        if self._paths is None or not names or pager.seen_width < _LEAST_WIDTH:
            pager.show([])
            return
        most = pager.seen_width * _POINTS_A_COLUMN
        found, is_sampled = await asyncio.to_thread(self._series_of, self._paths, names, most)
        curves = [
            Curve(
                safe(_label(each.metric, each.variant)),
                sorted(zip(self._x(each), each.values, strict=True), key=itemgetter(0)),
            )
            for each in found
        ]
        pager.show(self._lines(curves, pager.seen_width, pager.seen_height))
        note = "seconds since the first point" if self._by_time else "iterations"
        note += "; logarithmic" if self._is_log else ""
        note += "; pieces of a long log" if is_sampled else ""
        if len(self._marked) > MAX_CURVES:
            note += f"; the first {MAX_CURVES} of {len(self._marked)}"
        self.query_one(".note", Static).update(Text(note))

    def _lines(self, curves: list[Curve], width: int, height: int) -> list[Text]:
        """Draw the curves below their names."""
        look = Look(width, height, is_log=self._is_log, has_colours=not self.app.no_color)
        names = [_cut(piece, width) for piece in _by_name(legend(curves, look), len(curves))]
        look = replace(look, height=max(1, height - len(names) - 2))
        drawn = [Text.assemble(*pieces) for pieces in draw(curves, look)]
        return [*names, *(drawn or [Text("no point can be drawn", style="dim")])]

    def _x(self, series: events.Series) -> list[float]:
        if not self._by_time:
            return [float(iteration) for iteration in series.iterations]
        began = min(series.timestamps, default=0.0)
        return [(time - began) / 1000 for time in series.timestamps]

    def _series_of(self, paths: TaskPaths, names: list[Name], most: int) -> tuple[list[events.Series], bool]:
        """Return at most so many points of each series; what has not grown is not read again."""
        sizes = events.scalar_sizes(paths)
        is_long = sum(sizes.values()) > WHOLE_BYTES
        courses = sampling.courses(paths) if is_long else {}
        found = []
        for name in names:
            if is_long:
                points = courses.get(name, [])
                iterations, values = [at for at, _ in points], [value for _, value in points]
                series: events.Series | None = events.Series(*name, iterations, values, [0.0] * len(points))
            else:
                series = self._whole(paths, name, sizes)
            if series is not None:
                found.append(events.downsampled(series, most))
        return found, is_long

    def _whole(self, paths: TaskPaths, name: Name, sizes: dict[str, int]) -> events.Series | None:
        seen, series = self._read.get(name, (None, None))
        if seen != sizes:
            series = next(iter(events.read_scalars(paths, *name)), None)
            self._read[name] = (sizes, series)
        return series

    def action_mark(self) -> None:
        """Draw the series at the cursor with others, or no more."""
        table: Table[Series] = self.query_one(Table)
        if table.row is not None:
            self._marked ^= {table.row.name}
            table.action_down()
            begin(self, self._draw, only="plot")

    def action_log(self) -> None:
        """Make the axis of values logarithmic, or no more."""
        self._is_log = not self._is_log
        begin(self, self._draw, only="plot")

    def action_time(self) -> None:
        """Draw by the time since the first point, or by iteration."""
        self._by_time = not self._by_time
        begin(self, self._draw, only="plot")


def _label(metric: str, variant: str) -> str:
    return f"{metric}/{variant}".removeprefix(MONITOR)[:200]


def _by_name(pieces: list[Piece], count: int) -> list[list[Piece]]:
    """Cut a legend into the pieces of each curve: a space that there may be before it, its sign, its name."""
    size = len(pieces) // count if count else 0
    return [pieces[at * size + 1 : (at + 1) * size] for at in range(count)]


def _cut(pieces: list[Piece], width: int) -> Text:
    text = Text.assemble(*pieces)
    text.truncate(width, overflow="ellipsis")
    return text
