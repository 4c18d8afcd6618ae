"""Plots and debug samples side by side: one series of all tasks, with the iteration in step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import stepping
from ...disk.layout import TaskPaths
from ...store import plots
from ...store.plots import DebugSample, Plot
from ..frame import empty
from . import cards, controls

if TYPE_CHECKING:
    from .view import View

Shown = Plot | DebugSample


@dataclass(frozen=True)
class _Kind:
    """How one kind of thing is found, read and drawn. `key` is what chooses a series of it in the address."""

    key: str
    missing: str
    hint: str
    names: Callable[[Iterable[TaskPaths]], list[stepping.Name]]
    read: Callable[[TaskPaths, stepping.Name], Any]
    logs: Callable[[TaskPaths], list[Path]]
    draw: Callable[[Any, TaskPaths], None]


_PLOTS = _Kind(
    "plot",
    "None of these tasks has reported a plot.",
    "task.report_plotly('confusion', 'validation', figure, iteration=1)",
    stepping.plot_names,
    stepping.plots_of,
    plots.plot_logs,
    cards.draw_plot,
)
_SAMPLES = _Kind(
    "sample",
    "None of these tasks has reported a debug sample.",
    "task.report_image('examples', 'first', image=picture, iteration=1)",
    stepping.sample_names,
    stepping.samples_of,
    plots.media_logs,
    cards.draw_sample,
)


async def show_plots(view: View) -> None:
    """Build the tab of plots."""
    await _Steps(view, _PLOTS).show()


async def show_samples(view: View) -> None:
    """Build the tab of debug samples."""
    await _Steps(view, _SAMPLES).show()


class _Steps:
    """One series of all tasks: `known` has what each of them has by iteration."""

    def __init__(self, view: View, kind: _Kind) -> None:
        self._view = view
        self._kind = kind
        self._names: list[stepping.Name] = []
        self._name: stepping.Name = ("", "")
        self._known: list[dict[int, Shown]] = []
        self._steps: list[int] = []

    @property
    def _tasks(self) -> list[TaskPaths]:
        return [row.paths for row in self._view.comparison.ordered_rows()]

    async def show(self) -> None:
        """Build the tab."""
        self._names = await asyncio.to_thread(self._kind.names, self._tasks)
        self._view.watched = lambda paths: stepping.sizes(paths, self._kind.logs)
        self._view.update = self._update
        if not self._names:
            empty(self._kind.missing, self._kind.hint)
            return
        labels = [_label(name) for name in self._names]
        chosen = self._view.address.one(self._kind.key, labels, labels[0])
        with ui.row().classes("items-center gap-3 w-full cmp-controls"):
            self._field = controls.select("Series", labels, chosen, self._choose, self._kind.key)
            self._build_stepper()
        self._grid = ui.element("div").classes("cmp-grid")
        self._cards = []
        with self._grid:
            for place in range(len(self._tasks)):
                self._cards.append(cards.Card(self._view, place))
        await self._read(self._names[labels.index(chosen)])

    def _build_stepper(self) -> None:
        with ui.row().classes("items-center gap-1 no-wrap cmp-stepper").props('role=group aria-label="Iteration"'):
            ui.button(icon="chevron_left", on_click=lambda: self._go(-1)).props(
                'flat dense round aria-label="Step back" data-testid="step-back"'
            )
            self._slider = ui.slider(min=0, max=0, step=1, value=0, on_change=self._moved)
            self._slider.props('aria-label="Step" data-testid="step"').classes("cmp-slider")
            ui.button(icon="chevron_right", on_click=lambda: self._go(1)).props(
                'flat dense round aria-label="Step on" data-testid="step-on"'
            )
            self._text = ui.label().classes("cmp-step").props("role=status")
        self._view.on_key(",", "a step back", lambda: self._go(-1))
        self._view.on_key(".", "a step on", lambda: self._go(1))

    def _go(self, by: int) -> None:
        self._slider.set_value(max(0, min(len(self._steps) - 1, int(self._slider.value or 0) + by)))

    async def _choose(self, event: Any) -> None:  # noqa: ANN401 - NiceGUI's
        labels = [_label(name) for name in self._names]
        if event.value in labels:
            self._view.address.put(self._kind.key, event.value)
            await self._read(self._names[labels.index(event.value)])

    async def _read(self, name: stepping.Name) -> None:
        known = await asyncio.to_thread(lambda: [self._kind.read(paths, name) for paths in self._tasks])
        self._name, self._known = name, known
        for card in self._cards:
            card.forget()
        self._lay_out()

    async def _update(self, changed: Sequence[str]) -> None:
        if not self._names:
            if await asyncio.to_thread(self._kind.names, self._tasks):
                self._view.begin()
                with self._view.place:
                    await self.show()
            return
        name = self._name
        places = [place for place, paths in enumerate(self._tasks) if paths.id in changed]
        tasks = self._tasks
        read = await asyncio.to_thread(lambda: [self._kind.read(tasks[place], name) for place in places])
        if name == self._name:
            for place, found in zip(places, read, strict=True):
                self._known[place] = found
            self._lay_out()

    def _lay_out(self) -> None:
        """Have the slider span the steps there are, at the one that is chosen."""
        self._steps = stepping.steps(self._known)
        last = len(self._steps) - 1
        wanted = self._view.address.number("step", math.inf)
        at = max((place for place, step in enumerate(self._steps) if step <= wanted), default=0)
        self._slider.props["max"] = max(0, last)
        if self._slider.value == at:
            self._draw(at)
        else:
            self._slider.set_value(at)

    def _moved(self, event: Any) -> None:  # noqa: ANN401 - NiceGUI's
        at = int(event.value or 0)
        is_last = at >= len(self._steps) - 1  # and stays so where more come
        self._view.address.put("step", *([] if is_last else [str(self._steps[at])]))
        self._draw(at)

    def _draw(self, at: int) -> None:
        if not self._steps:
            self._text.set_text("nothing reported")
            return
        step = self._steps[min(at, len(self._steps) - 1)]
        self._text.set_text(f"iteration {step:,} ({at + 1} of {len(self._steps):,})")
        for card, known, paths in zip(self._cards, self._known, self._tasks, strict=True):
            card.show(stepping.at_step(known, step), step, partial(self._draw_one, paths))

    def _draw_one(self, paths: TaskPaths, item: Shown) -> None:
        self._kind.draw(item, paths)


def _label(name: stepping.Name) -> str:
    return " / ".join(part for part in name if part) or "(no title)"
