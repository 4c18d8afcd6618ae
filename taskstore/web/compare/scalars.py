"""Curves of all tasks laid over one another, a chart a metric."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args

from nicegui import ui

from ...board import comparing, curves
from ...board.curves import Curve, Window, XAxis
from ...board.points import Shelf
from .. import charts
from ..frame import empty
from ..tabs.panel import window_of

if TYPE_CHECKING:
    from .view import View

_AXES = {"iteration": "Iteration", "relative": "Time since start", "wall": "Wall time"}
_RELAYOUT = ("xaxis.range[0]", "xaxis.range[1]", "xaxis.autorange")
_FIRST_CHARTS, _SEEN_FIRST = 12, 4
_BREATH_S = 0.02
_FIRST_LOOK = Shelf(kept_bytes=16 << 20, quick_bytes=160 << 10)
"""Of each task's log so much is read before anything is drawn; all of it afterwards."""
_MOST_POINTS, _FEWEST_POINTS, _ALL_POINTS = 800, 150, 4000
"""Of one curve at most and at least, and of a chart's together."""


@dataclass
class _Chart:
    """One chart: the name of its metric (or the title of several), what is drawn, and what of it is seen."""

    name: str
    keys: frozenset[tuple[str, str]]
    frame: ui.element
    plot: ui.plotly | None = None
    window: Window | None = None
    turn: int = 0
    found: list[Curve] = field(default_factory=list)


async def show(view: View) -> None:
    """Build the tab."""
    tab = _Scalars(view)
    if not tab.names:
        empty("None of these tasks has reported a scalar.", "task.report_scalar('loss', 'train', 0.5, iteration=1)")
        view.update = tab.begin
        return
    await tab.show()


class _Scalars:
    def __init__(self, view: View) -> None:
        self._view = view
        self.names = comparing.series_names(view.comparison.ordered_rows())
        self._charts: list[_Chart] = []
        self._count = _FIRST_CHARTS

    async def begin(self, _: Sequence[str]) -> None:
        """Build the tab anew once there is something."""
        if comparing.series_names(self._view.comparison.ordered_rows()):
            self._view.begin()
            with self._view.place:
                await show(self._view)

    async def show(self) -> None:
        """Build the controls and the charts."""
        self._view.update = self._update
        self._build_controls()
        self._note = ui.label().classes("cmp-dim cmp-note").props("role=status")
        self._grid = ui.element("div").classes("cmp-charts")
        self._more = ui.button("", on_click=self._show_more).props('flat no-caps data-testid="more-charts"')
        self._make_charts()
        await self._draw(self._charts[:_SEEN_FIRST], is_quick=True)
        if not all(curve.is_whole for chart in self._charts for curve in chart.found):
            self._note.set_text("A first look; reading all points …")
        ui.timer(0.05, self._complete, once=True)

    async def _complete(self) -> None:
        await self._draw(self._charts)
        self._note.set_text("")

    def _build_controls(self) -> None:
        address = self._view.address
        chosen = [name for name in address.many("m") if name in self.names]
        with ui.row().classes("items-center gap-3 w-full cmp-controls"):
            self._metrics = ui.select(
                self.names, value=chosen, label="Metrics (all)", multiple=True, with_input=True, on_change=self._rebuild
            )
            self._metrics.props('dense outlined options-dense use-chips clearable data-testid="metrics"')
            self._metrics.classes("cmp-select cmp-metrics")
            self._group = (
                ui.select(
                    {"series": "Series", "title": "Title"},
                    value=address.one("group", ("series", "title"), "series"),
                    label="Charts by",
                    on_change=self._rebuild,
                )
                .props('dense outlined options-dense data-testid="group"')
                .classes("cmp-short")
            )
            self._x = (
                ui.select(
                    dict(_AXES),
                    value=address.one("x", get_args(XAxis), "iteration"),
                    label="X axis",
                    on_change=self._redraw,
                )
                .props('dense outlined options-dense data-testid="x-axis"')
                .classes("cmp-short")
            )
            with ui.row().classes("items-center gap-2 no-wrap"):
                ui.label("Smoothing").props("aria-hidden=true")
                self._smoothing = ui.slider(
                    min=0, max=0.99, step=0.01, value=min(0.99, max(0.0, address.number("smooth", 0.0)))
                )
                self._smoothing.on("update:model-value", self._redraw, throttle=0.2, leading_events=False)
                self._smoothing.props('label aria-label="Smoothing" data-testid="smoothing"').classes("cmp-slider")
            self._log = ui.switch("Log scale", value=address.one("log") == "1", on_change=self._redraw)
            self._log.props('data-testid="log"')
        self._view.on_key("l", "logarithmic or linear", lambda: self._log.set_value(not self._log.value))

    def _remember(self) -> None:
        address = self._view.address
        address.put("m", *(self._metrics.value or []))
        for name, value, default in (
            ("group", self._group.value, "series"),
            ("x", self._x.value, "iteration"),
            ("smooth", f"{self._smoothing.value:g}", "0"),
            ("log", "1" if self._log.value else "", ""),
        ):
            address.put(name, *([] if value == default else [str(value)]))

    async def _rebuild(self, _: Any = None) -> None:  # noqa: ANN401 - an event of some kind
        self._remember()
        await self._build_charts()

    async def _redraw(self, event: Any = None) -> None:  # noqa: ANN401
        if event is not None and getattr(event, "sender", None) is self._x:
            for chart in self._charts:
                chart.window = None
        self._remember()
        await self._draw(self._charts)

    async def _update(self, changed: Sequence[str]) -> None:  # noqa: ARG002 - all of a chart is drawn at once
        names = comparing.series_names(self._view.comparison.ordered_rows())
        if names != self.names:
            self.names = names
            self._metrics.set_options(names, value=[name for name in self._metrics.value or [] if name in names])
            await self._build_charts()
        else:
            await self._draw(self._charts)

    async def _show_more(self) -> None:
        self._count += 2 * _FIRST_CHARTS
        await self._build_charts()

    def _wanted(self) -> dict[str, frozenset[tuple[str, str]]]:
        """Return which series each chart has, by its name."""
        chosen = set(self._metrics.value or self.names)
        groups: dict[str, set[tuple[str, str]]] = {name: set() for name in self.names} if self._by_series else {}
        for row in self._view.comparison.ordered_rows():
            for title, variants in row.last_metrics.items():
                for variant in variants:
                    name = f"{title}/{variant}"
                    if name in chosen:
                        groups.setdefault(name if self._by_series else title, set()).add((title, variant))
        return {name: frozenset(keys) for name, keys in groups.items() if keys}

    @property
    def _by_series(self) -> bool:
        return bool(self._group.value == "series")

    async def _build_charts(self) -> None:
        self._make_charts()
        await self._draw(self._charts)

    def _make_charts(self) -> None:
        """Make the charts that are wanted; those that are there already stay, with what is zoomed in them."""
        wanted = self._wanted()
        shown = dict(list(wanted.items())[: self._count])
        kept = {chart.name: chart for chart in self._charts if shown.get(chart.name) == chart.keys}
        for chart in self._charts:
            if chart.name not in kept:
                chart.frame.delete()
        self._charts = [kept.get(name) or self._make(name, keys) for name, keys in shown.items()]
        for place, chart in enumerate(self._charts):
            chart.frame.move(target_index=place)
        left = len(wanted) - len(shown)
        self._more.set_text(f"Show {min(left, 2 * _FIRST_CHARTS)} more of {left}")
        self._more.set_visibility(left > 0)

    def _make(self, name: str, keys: frozenset[tuple[str, str]]) -> _Chart:
        with self._grid, ui.element("figure").classes("cmp-chart").props('data-testid="chart"') as frame:
            ui.label(name).classes("cmp-chart-title").props("role=heading aria-level=2")
            if len(keys) > 1:
                ui.label(_dashes(keys)).classes("cmp-dim cmp-dashes")
        return _Chart(name, keys, frame)

    async def _zoom(self, chart: _Chart, change: object) -> None:
        window = window_of(change)
        is_reset = isinstance(change, dict) and bool(change.get("xaxis.autorange"))
        if (window is not None or is_reset) and window != chart.window:
            chart.window = window
            await self._draw([chart])

    async def _draw(self, drawn: Sequence[_Chart], *, is_quick: bool = False) -> None:
        for chart in drawn:
            chart.turn += 1
        turns = [chart.turn for chart in drawn]
        x, weight = cast("XAxis", self._x.value), float(self._smoothing.value or 0.0)
        wanted = [(chart.keys, chart.window) for chart in drawn]
        read = await asyncio.to_thread(self._read, wanted, x, weight, is_quick=is_quick)
        for chart, turn, found in zip(drawn, turns, read, strict=True):
            if chart.turn == turn and not chart.frame.is_deleted and self._draw_one(chart, found, x):
                await asyncio.sleep(_BREATH_S)  # the browser shows this one before it draws the next

    def _draw_one(self, chart: _Chart, found: list[Curve], x: XAxis) -> bool:
        """Draw a chart, and tell whether there was something to draw."""
        style = self._style(chart)
        if chart.plot is not None and found == chart.found and chart.plot.figure["layout"].get("meta") == style:
            return False
        chart.found = found
        figure = self._figure(chart, x, style)
        if chart.plot is None:
            with chart.frame:
                chart.plot = ui.plotly(figure).classes("ts-chart")
            chart.plot.on("plotly_relayout", lambda event: self._zoom(chart, event.args), args=list(_RELAYOUT))
        else:
            chart.plot.update_figure(figure)
        chart.frame.props["aria-label"] = charts.describe(chart.name, found, name_of=self._name)
        return True

    def _read(
        self,
        wanted: Sequence[tuple[frozenset[tuple[str, str]], Window | None]],
        x: XAxis,
        weight: float,
        *,
        is_quick: bool,
    ) -> list[list[Curve]]:
        tasks = [row.paths for row in self._view.comparison.ordered_rows()]
        most = max(_FEWEST_POINTS, min(_MOST_POINTS, _ALL_POINTS // len(tasks)))
        read = partial(curves.read, tasks, max_points=most, x=x, smoothing=weight)
        if is_quick:
            return [read(keys, window=window, is_quick=True, shelf=_FIRST_LOOK) for keys, window in wanted]
        return [read(keys, window=window) for keys, window in wanted]

    def _style(self, chart: _Chart) -> dict[str, object]:
        """What a figure depends on beside its curves; it is kept in the figure, to be compared."""
        return {
            "log": bool(self._log.value),
            "x": self._x.value,
            "window": list(chart.window or ()),
            "names": list(self._view.comparison.names),
        }

    def _name(self, curve: Curve) -> str:
        label = self._view.labels[self._view.comparison.ids.index(curve.task_id)]
        return label if self._by_series else f"{label} · {curve.variant}"

    def _figure(self, chart: _Chart, x: XAxis, style: dict[str, object]) -> charts.Figure:
        figure = charts.figure(
            chart.found,
            name_of=self._name,
            colour_by="task",
            x=x,
            is_log=bool(self._log.value),
            window=chart.window,
            height=300,
        )
        figure["layout"]["meta"] = style
        # The strip of tasks is the legend: one of Plotly's own, of twenty tasks, takes longer than all the lines.
        figure["layout"] |= {"showlegend": False, "hovermode": "closest", "margin": {"l": 58, "r": 10, "t": 8, "b": 40}}
        for axis in ("xaxis", "yaxis"):
            figure["layout"][axis]["automargin"] = False
        self._paint(chart, figure["data"])
        return figure

    def _paint(self, chart: _Chart, traces: list[dict[str, Any]]) -> None:
        """Give each task its own colour, the same in all charts; series of one task differ by their dashes."""
        found, variants = chart.found, sorted(chart.keys)
        each = len(traces) // len(found) if found else 1
        for at, trace in enumerate(traces):
            curve = found[at // each]
            place = self._view.comparison.ids.index(curve.task_id)
            dash = self._view.dashes[place] if len(variants) == 1 else _dash(variants, curve)
            trace["line"] = trace["line"] | {"color": self._view.colours[place], "dash": dash}
            trace["hovertemplate"] = f"{charts.text(self._name(curve))}<br>%{{x}}: %{{y:.6g}}<extra></extra>"
            trace["marker"] = {"size": 5, "color": self._view.colours[place]}


def _dash(variants: Sequence[tuple[str, str]], curve: Curve) -> str:
    return charts.DASHES[variants.index((curve.metric, curve.variant)) % len(charts.DASHES)]


def _dashes(keys: frozenset[tuple[str, str]]) -> str:
    """Say in words how each series of a chart is drawn."""
    return " · ".join(
        f"{charts.DASHES[place % len(charts.DASHES)]}: {variant}" for place, (_, variant) in enumerate(sorted(keys))
    )
