"""Curves of all tasks laid over one another, a chart a metric."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, get_args

from nicegui import ui

from ...board import comparing, curves
from ...board.curves import Curve, Window, XAxis
from .. import charts
from ..frame import empty
from .zoom import window_of

if TYPE_CHECKING:
    from .view import View

_AXES = {"iteration": "Iteration", "relative": "Time since start", "wall": "Wall time"}
_FIRST_CHARTS = 12
_MOST_POINTS, _FEWEST_POINTS, _ALL_POINTS = 800, 150, 4000
"""Of one curve at most and at least, and of a chart's together."""


@dataclass
class _Chart:
    """One chart: the name of its metric (or the title of several), what is drawn, and what of it is seen."""

    name: str
    keys: frozenset[tuple[str, str]]
    plot: ui.plotly
    frame: ui.element
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
        self._grid = ui.element("div").classes("cmp-charts")
        self._more = ui.button("", on_click=self._show_more).props('flat no-caps data-testid="more-charts"')
        await self._build_charts()

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
        await self._draw(self._charts)

    def _make(self, name: str, keys: frozenset[tuple[str, str]]) -> _Chart:
        with self._grid, ui.element("figure").classes("cmp-chart").props('data-testid="chart"') as frame:
            ui.label(name).classes("cmp-chart-title").props("role=heading aria-level=2")
            plot = ui.plotly({"data": [], "layout": {"height": 300}, "config": charts.config()}).classes("ts-chart")
        made = _Chart(name, keys, plot, frame)
        plot.on("plotly_relayout", lambda event: self._zoom(made, event.args))
        return made

    async def _zoom(self, chart: _Chart, change: object) -> None:
        is_zoom, window = window_of(change)
        if is_zoom and window != chart.window:
            chart.window = window
            await self._draw([chart])

    async def _draw(self, drawn: Sequence[_Chart]) -> None:
        for chart in drawn:
            chart.turn += 1
        turns = [chart.turn for chart in drawn]
        x, weight = cast("XAxis", self._x.value), float(self._smoothing.value or 0.0)
        read = await asyncio.to_thread(self._read, [(chart.keys, chart.window) for chart in drawn], x, weight)
        for chart, turn, found in zip(drawn, turns, read, strict=True):
            if chart.turn == turn and not chart.frame.is_deleted:  # else something other is wanted meanwhile
                self._draw_one(chart, found, x)

    def _draw_one(self, chart: _Chart, found: list[Curve], x: XAxis) -> None:
        style = self._style(chart)
        if found == chart.found and chart.plot.figure["layout"].get("meta") == style:
            return
        chart.found = found
        chart.plot.update_figure(self._figure(chart, x, style))
        chart.frame.props["aria-label"] = charts.describe(chart.name, found, name_of=self._name)

    def _read(
        self, wanted: Sequence[tuple[frozenset[tuple[str, str]], Window | None]], x: XAxis, weight: float
    ) -> list[list[Curve]]:
        tasks = [row.paths for row in self._view.comparison.ordered_rows()]
        most = max(_FEWEST_POINTS, min(_MOST_POINTS, _ALL_POINTS // len(tasks)))
        return [
            curves.read(tasks, keys, max_points=most, x=x, smoothing=weight, window=window) for keys, window in wanted
        ]

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

    def _short(self, curve: Curve) -> str:
        letter = self._view.letters[self._view.comparison.ids.index(curve.task_id)]
        return letter if self._by_series else f"{letter} {curve.variant}"

    def _figure(self, chart: _Chart, x: XAxis, style: dict[str, object]) -> charts.Figure:
        figure = charts.figure(
            chart.found,
            name_of=self._short,
            colour_by="task",
            x=x,
            is_log=bool(self._log.value),
            window=chart.window,
            height=300,
        )
        figure["layout"]["meta"] = style
        figure["layout"] |= {"showlegend": True, "hovermode": "closest"}
        self._paint(chart.found, figure["data"])
        return figure

    def _paint(self, found: Sequence[Curve], traces: list[dict[str, Any]]) -> None:
        """Give each task its own colour, the same in all charts; series of one task differ by their dashes."""
        variants = sorted({(curve.metric, curve.variant) for curve in found})
        each = len(traces) // len(found) if found else 1
        for at, trace in enumerate(traces):
            curve = found[at // each]
            place = self._view.comparison.ids.index(curve.task_id)
            dash = self._view.dashes[place]
            if len(variants) > 1:
                dash = charts.DASHES[variants.index((curve.metric, curve.variant)) % len(charts.DASHES)]
            trace["line"] = trace["line"] | {"color": self._view.colours[place], "dash": dash}
            trace["hovertemplate"] = f"{charts.text(self._name(curve))}<br>%{{x}}: %{{y:.6g}}<extra></extra>"
            trace["marker"] = {"size": 5, "color": self._view.colours[place]}
