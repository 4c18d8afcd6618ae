"""Charts of one task that follow it: drawn at once from a part of its points, then from all, in detail where zoomed."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import curves
from ...board.curves import Curve, Window, XAxis
from ...core.errors import NotFound, TaskstoreError
from ...sections.reports import SINGLE_VALUE_METRIC
from ...store import events, places
from .. import charts

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments

    from ..desk import Desk
    from ..frame import Frame

Key = tuple[str, str]
MAX_POINTS, AT_ONCE = 1200, 8
_LOOK_S, _SHARE, _FIRST_S = 1.0, 0.1, 3.0
_FIRST = 1
"""How many charts are drawn before any other is even sent."""
_RELAYOUT = ("xaxis.range[0]", "xaxis.range[1]", "xaxis.autorange")


@dataclass(frozen=True)
class View:
    """How curves are shown."""

    x: XAxis = "iteration"
    is_log: bool = False
    smoothing: float = 0.0


@dataclass
class _Chart:
    title: str
    keys: list[Key]
    plot: ui.plotly
    box: ui.element
    curves: list[Curve] = field(default_factory=list)
    window: Window | None = None


class Panel:
    """Charts side by side, each of the series that `group` puts together under one title."""

    def __init__(
        self, desk: Desk, frame: Frame, task_id: str, group: Callable[[Sequence[Key]], list[tuple[str, list[Key]]]]
    ) -> None:
        self._desk, self._frame, self._task_id, self._group = desk, frame, task_id, group
        self.view = View()
        self._found: dict[Key, Curve] = {}
        self._singles: dict[Key, Curve] = {}
        self._charts: list[_Chart] = []
        self._sizes: dict[str, int] = {}
        self._is_whole = False
        self._is_busy = False
        self._next_at = 0.0
        self._limit = AT_ONCE
        with ui.column().classes("w-full gap-2"):
            self._note = ui.label().classes("ts-note").props("role=status")
            self._values = ui.element("section").classes("ts-singles").props('data-testid="singles"')
            self._values.set_visibility(False)
            self._grid = ui.element("div").classes("ts-charts").props('data-testid="charts"')
            self._more = ui.button("Show more", on_click=self._show_more).props("flat no-caps").classes("ts-quiet")
        self._more.set_visibility(False)

    @property
    def keys(self) -> list[Key]:
        """The series that were found, in order; a single value is none."""
        return sorted(self._found)

    @property
    def singles(self) -> list[Key]:
        """The single values that were found, in order."""
        return sorted(self._singles)

    async def start(self) -> None:
        """Draw what a first look gives, and follow the task from then on."""
        await self._read(is_quick=True)
        self._limit = _FIRST
        self.rebuild()
        # What takes seconds to read is read when there is something to look at.
        if self._charts:
            self._next_at = time.monotonic() + _FIRST_S
            self._charts[0].plot.on("plotly_afterplot", self._drawn, args=[])
        ui.timer(_LOOK_S, self._look, immediate=False)

    async def _drawn(self) -> None:
        """Go on where the first charts are seen: with the others, and with all points."""
        if self._limit == _FIRST:
            self._next_at = 0.0
            await self._look()

    async def look_as(self, view: View) -> None:
        """Show everything another way; on another axis a zoom means nothing."""
        if view.x != self.view.x:
            for chart in self._charts:
                chart.window = None
        self.view = view
        await self._read(is_quick=True)
        await self._refresh()

    def rebuild(self) -> None:
        """Make the charts anew: the groups are others now."""
        self._list_singles()
        self._grid.clear()
        self._charts = []
        self._add()

    def _list_singles(self) -> None:
        self._values.clear()
        wanted = [self._singles[key] for _, keys in self._group(self.singles) for key in keys]
        self._values.set_visibility(bool(wanted))
        with self._values:
            ui.label("Single values").classes("ts-chart-title").props("role=heading aria-level=2")
            with ui.element("dl").classes("ts-single-values"):
                for curve in wanted:
                    with ui.element("dt"):
                        ui.label(curve.variant if curve.metric == SINGLE_VALUE_METRIC else _full_name(curve))
                    with ui.element("dd"):
                        ui.label(f"{curve.y[-1]:.6g}")

    def _add(self) -> None:
        groups = self._group(self.keys)
        self._more.set_visibility(len(groups) > max(self._limit, AT_ONCE))
        self._more.set_text(f"Show more: {len(groups) - self._limit} of {len(groups)} are not shown")
        with self._grid:
            for title, keys in groups[len(self._charts) : self._limit]:
                self._charts.append(self._chart(title, keys))

    def _chart(self, title: str, keys: list[Key]) -> _Chart:
        found = [self._found[key] for key in keys]
        with ui.element("section").classes("ts-chart-box"):
            ui.label(title).classes("ts-chart-title ellipsis").props("role=heading aria-level=2")
            box = ui.element("div").classes("ts-chart").props("role=img")
            with box:
                plot = ui.plotly(self._figure(found, None)).classes("w-full")
        chart = _Chart(title, keys, plot, box, found)
        box.props["aria-label"] = charts.describe(title, found)
        plot.on("plotly_relayout", lambda event: self._zoomed(chart, event), args=list(_RELAYOUT))
        return chart

    def _figure(self, found: Sequence[Curve], window: Window | None) -> charts.Figure:
        names = {curve.variant for curve in found}
        name_of = (lambda curve: curve.variant) if len(names) == len(found) else _full_name
        return charts.figure(found, name_of=name_of, x=self.view.x, is_log=self.view.is_log, window=window)

    async def _show_more(self) -> None:
        self._limit += 2 * AT_ONCE
        self._add()

    async def _look(self) -> None:
        if self._is_busy or time.monotonic() < self._next_at:
            return
        if self._limit == _FIRST:  # nobody has said that the first are drawn
            self._limit = AT_ONCE
            self._add()
        try:
            sizes = events.scalar_sizes(places.locate(self._desk.store, self._task_id))
        except TaskstoreError:
            return  # deleted: the page says so when it is asked for anything
        if sizes == self._sizes and self._is_whole:
            return
        began = time.monotonic()
        before = self.keys
        with contextlib.suppress(NotFound):
            await self._read(is_quick=False)
            if self.keys != before:
                self.rebuild()
            else:
                await self._refresh()
        now = time.monotonic()
        self._next_at = now + (now - began) / _SHARE

    async def _read(self, *, is_quick: bool) -> None:
        self._is_busy = True
        try:
            paths = places.locate(self._desk.store, self._task_id)
            sizes = events.scalar_sizes(paths)
            view = self.view

            def read() -> list[Curve]:
                return curves.read(
                    [paths], None, max_points=MAX_POINTS, x=view.x, smoothing=view.smoothing, is_quick=is_quick
                )

            found = await asyncio.to_thread(read)
        finally:
            self._is_busy = False
        self._found = {(curve.metric, curve.variant): curve for curve in found if not curve.is_single}
        self._singles = {(curve.metric, curve.variant): curve for curve in found if curve.is_single}
        self._is_whole = all(curve.is_whole for curve in found) or not is_quick
        self._sizes = sizes
        self._say(found)

    def _say(self, found: Sequence[Curve]) -> None:
        shown = {key for _, keys in self._group(self.keys) for key in keys}
        found = [curve for curve in found if (curve.metric, curve.variant) in shown]
        count = sum(curve.count for curve in found)
        if all(curve.is_whole for curve in found):
            self._note.set_text(f"{count:,} points in {len(found)} series" if found else "")
        elif self._is_whole:
            self._note.set_text(f"A long log: {count:,} points, spread evenly over it, stand for all of them")
        else:
            self._note.set_text("A first look; reading all points …")

    async def _refresh(self) -> None:
        self._list_singles()
        for chart in self._charts:
            await self._draw(chart)

    async def _draw(self, chart: _Chart) -> None:
        coarse = [self._found[key] for key in chart.keys if key in self._found]
        shown = await self._with_detail(chart, coarse) if chart.window is not None else coarse
        chart.curves = shown
        chart.box.props["aria-label"] = charts.describe(chart.title, coarse)
        chart.plot.update_figure(self._figure(shown, None))

    async def _with_detail(self, chart: _Chart, coarse: list[Curve]) -> list[Curve]:
        paths = places.locate(self._desk.store, self._task_id)
        view, window = self.view, chart.window

        def read() -> list[Curve]:
            return curves.read(
                [paths],
                set(chart.keys),
                max_points=MAX_POINTS,
                x=view.x,
                smoothing=view.smoothing,
                window=window,
                is_quick=not self._is_whole,
            )

        fine = {(curve.metric, curve.variant): curve for curve in await asyncio.to_thread(read)}
        return [_joined(curve, fine.get((curve.metric, curve.variant))) for curve in coarse]

    async def _zoomed(self, chart: _Chart, event: GenericEventArguments) -> None:
        window = window_of(event.args)
        if window is None and not (isinstance(event.args, dict) and event.args.get("xaxis.autorange")):
            return  # of the y axis, or of the size
        if window == chart.window:
            return
        chart.window = window
        try:
            await self._draw(chart)
        except TaskstoreError as error:
            self._frame.feedback.fail(error)


def window_of(given: Any) -> Window | None:  # noqa: ANN401 - a browser's
    """Return the range of x that Plotly says is seen now: numbers, or of a time axis texts; None where it says none."""
    if not isinstance(given, dict):
        return None
    ends = [_number(given.get(f"xaxis.range[{end}]")) for end in (0, 1)]
    least, most = sorted(end for end in ends if end is not None) if None not in ends else (math.nan, math.nan)
    return (least, most) if least < most else None


def _number(value: object) -> float | None:
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError):
            head, dot, fraction = value.replace("T", " ").rstrip("Z").partition(".")
            head = head if len(head) != 16 else f"{head}:00"
            moment = datetime.fromisoformat(head).replace(tzinfo=timezone.utc)
            return (moment.timestamp() + float(f"0.{fraction}" if dot else 0)) * 1000
    return None


def _joined(coarse: Curve, fine: Curve | None) -> Curve:
    """Put the points of a window in place of those that the whole curve has there."""
    if fine is None or not fine.x:
        return coarse
    before = sum(x < fine.x[0] for x in coarse.x)
    after = sum(x <= fine.x[-1] for x in coarse.x)
    smoothed = None
    if coarse.smoothed is not None and fine.smoothed is not None:
        smoothed = [*coarse.smoothed[:before], *fine.smoothed, *coarse.smoothed[after:]]
    return replace(
        coarse,
        x=[*coarse.x[:before], *fine.x, *coarse.x[after:]],
        y=[*coarse.y[:before], *fine.y, *coarse.y[after:]],
        smoothed=smoothed,
    )


def _full_name(curve: Curve) -> str:
    return f"{curve.metric}/{curve.variant}"
