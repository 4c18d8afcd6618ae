"""The plots of one task: by title and series, at the iteration that is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import figures
from ...core.errors import BadValue, NotFound, TaskstoreError
from ...disk import mounts
from ...disk.layout import TaskPaths
from ...store import places, plots
from .. import charts
from ..frame import empty
from .address import Chosen
from .fetched import address_of, is_media, plot_address
from .steps import Steps

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame

Key = tuple[str, str]
AT_ONCE, _MOST_ROWS, _MOST_COLUMNS = 6, 500, 50


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Build the tab."""
    charts.style("samples.css")
    made = _Plots(desk, frame, task_id)
    await made.build()


@dataclass(frozen=True)
class _Ready:
    """A plot as it is drawn: cleaned, or a picture, or a table; `note` says what is not shown."""

    figure: figures.Figure | None = None
    image: str = ""
    table: tuple[list[str], list[list[str]]] | None = None
    note: str = ""


class _Plots:
    def __init__(self, desk: Desk, frame: Frame, task_id: str) -> None:
        self._desk, self._frame, self._task_id = desk, frame, task_id
        self._chosen = Chosen("plots", {"find": ""})
        self._steps: dict[Key, list[int]] = {}
        self._sliders: dict[Key, Steps] = {}
        self._sizes: dict[str, int] = {}
        self._limit = AT_ONCE

    def _paths(self) -> TaskPaths:
        return places.locate(self._desk.store, self._task_id)

    async def build(self) -> None:
        """Put the controls and the first plots on the page."""
        await self._read()
        if not self._steps:
            empty(
                "This task has reported no plots.",
                'task.get_logger().report_plotly("plot", "series", figure=figure, iteration=1)',
            )
        with ui.row().classes("ts-controls items-center gap-3") as controls:
            ui.input("Find plots", value=self._chosen["find"], on_change=lambda event: self._find(event.value)).props(
                'dense clearable debounce=250 data-testid="find-plots"'
            )
        controls.set_visibility(bool(self._steps))
        self._grid = ui.element("div").classes("ts-charts ts-plots").props('data-testid="plots"')
        self._more = ui.button(on_click=self._show_more).props("flat no-caps").classes("ts-quiet")
        await self._rebuild()
        ui.timer(1.0, self._look, immediate=False)

    async def _read(self) -> None:
        paths = self._paths()
        self._sizes = sizes_of(plots.plot_logs(paths))
        self._steps = await asyncio.to_thread(plots.plot_steps, paths)

    async def _find(self, text: str | None) -> None:
        self._chosen.set("find", text or "")
        await self._rebuild()

    async def _show_more(self) -> None:
        self._limit += 2 * AT_ONCE
        await self._rebuild()

    async def _rebuild(self) -> None:
        words = self._chosen["find"].lower().split()
        keys = [key for key in sorted(self._steps) if all(word in "/".join(key).lower() for word in words)]
        self._more.set_visibility(len(keys) > self._limit)
        self._more.set_text(f"Show more: {len(keys) - self._limit} of {len(keys)} are not shown")
        self._grid.clear()
        self._sliders = {}
        for key in keys[: self._limit]:
            await self._card(key)

    async def _card(self, key: Key) -> None:
        title, series = key
        with self._grid, ui.element("section").classes("ts-chart-box"):
            name = f"{title} / {series}" if series and series != title else title
            ui.label(name).classes("ts-chart-title ellipsis").props("role=heading aria-level=2")
            head = ui.row().classes("w-full items-center no-wrap gap-2")
            body = ui.element("div").classes("w-full")

        async def at(iteration: int) -> None:
            await self._draw(body, key, iteration)

        with head:
            self._sliders[key] = Steps(self._steps[key], at, name)
        await at(self._steps[key][-1])

    async def _draw(self, body: ui.element, key: Key, iteration: int) -> None:
        paths = self._paths()
        try:
            ready = await asyncio.to_thread(_ready, paths, key, iteration)
        except TaskstoreError as error:
            ready = _Ready(note=str(error))
        plotted = next((one for one in body.default_slot.children if isinstance(one, ui.plotly)), None)
        body.props["data-iteration"] = iteration
        if plotted is not None and ready.figure is not None and not ready.note:
            plotted.update_figure(ready.figure)
            for link in (one for one in body.default_slot.children if isinstance(one, ui.link)):
                link.props["href"] = plot_address(self._task_id, *key, iteration)
            return
        body.clear()
        with body:
            _build(ready, key, iteration)
            with ui.link(target=plot_address(self._task_id, *key, iteration)).props("download").classes("ts-download"):
                ui.icon("download").props("aria-hidden=true")
                ui.label("JSON")

    async def _look(self) -> None:
        try:
            if sizes_of(plots.plot_logs(self._paths())) == self._sizes:
                return
            before = set(self._steps)
            await self._read()
        except TaskstoreError:
            return  # deleted, or moved just now
        if set(self._steps) != before:
            await self._rebuild()
            return
        for key, slider in self._sliders.items():
            await slider.extend(self._steps[key])


def sizes_of(logs: list[Path]) -> dict[str, int]:
    """Return the sizes of logs, which tell whether there is more in them."""
    found = {}
    for log in logs:
        try:
            found[log.name] = log.stat().st_size
        except OSError:
            continue
    return found


def _ready(paths: TaskPaths, key: Key, iteration: int) -> _Ready:
    plot = plots.read_plot(paths, *key, iteration)
    if plot is None:
        raise NotFound("plot", f"{key[0]}/{key[1]} at {iteration}", "it was deleted, or cannot be read")
    if plot.image is not None:
        if is_media(paths, plot.image):
            mounts.bring(plot.image)
        if is_media(paths, plot.image) and plot.image.is_file():
            return _Ready(image=address_of(paths, plot.image))
        return _Ready(note=f"the picture {plot.image.name} is missing")
    table = _table(plot.figure)
    if table is not None:
        return _Ready(table=table)
    try:
        found = figures.cleaned(plot.figure)
    except BadValue as error:
        return _Ready(note=str(error))
    note = f"not drawn here: {', '.join(found.left_out)}" if found.left_out else ""
    return _Ready(_drawn(found.figure) if found.figure["data"] or not note else None, note=note)


def _drawn(figure: figures.Figure) -> figures.Figure:
    layout: dict[str, Any] = {
        "margin": {"l": 56, "r": 24, "t": 56, "b": 48},
        **figure["layout"],
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    return {"data": figure["data"], "layout": layout, "config": charts.config()}


def _table(figure: figures.Figure) -> tuple[list[str], list[list[str]]] | None:
    """Return the heads and rows of a figure that is one table."""
    data = figure.get("data")
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], dict) or data[0].get("type") != "table":
        return None
    heads, cells = (
        part.get("values") if isinstance(part := data[0].get(name), dict) else None for name in ("header", "cells")
    )
    if not isinstance(cells, list) or not all(isinstance(column, list) for column in cells):
        return None
    named = heads if isinstance(heads, list) else []
    names = [_cell(head[0] if isinstance(head, list) and head else head) for head in named[:_MOST_COLUMNS]]
    names += [""] * (min(len(cells), _MOST_COLUMNS) - len(names))
    count = min(_MOST_ROWS, max((len(column) for column in cells), default=0))
    rows = [[_cell(column[at]) if at < len(column) else "" for column in cells[: len(names)]] for at in range(count)]
    return names, rows


def _cell(value: object) -> str:
    return "" if value is None else str(value)[:500]


def _build(ready: _Ready, key: Key, iteration: int) -> None:
    name = f"{key[0]} / {key[1]} at iteration {iteration}"
    if ready.note:
        ui.label(ready.note).classes("ts-note").props("role=status")
    if ready.figure is not None:
        box = ui.element("div").classes("ts-chart").props("role=img")
        box.props["aria-label"] = f"Plot of {name}"
        with box:
            ui.plotly(ready.figure).classes("w-full")
    if ready.image:
        image = ui.element("img").classes("ts-picture").props("loading=lazy")
        image.props["src"], image.props["alt"] = ready.image, f"Plot of {name}"
    if ready.table is not None:
        build_table(*ready.table)


def build_table(names: list[str], rows: list[list[str]]) -> None:
    """Put a table on the page; what is in it is text."""
    with ui.element("div").classes("ts-table").props('tabindex=0 role=region aria-label="Table"'), ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for name in names:
                with ui.element("th").props("scope=col"):
                    ui.label(name)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for cell in row:
                        with ui.element("td"):
                            ui.label(cell)
