"""Plots and debug samples side by side: one series of all tasks, with the iteration in step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import stepping
from ...board.stepping import Name
from ...disk.layout import TaskPaths
from ...store import plots
from ..frame import empty
from ..tabs.plots import sizes_of
from . import cards, controls
from .cards import Drawn

if TYPE_CHECKING:
    from .view import View

_AT_ONCE, _BREATH_S = 3, 0.02


@dataclass(frozen=True)
class _Kind:
    """How one kind of thing is found and drawn. `key` is what chooses a series of it in the address."""

    key: str
    missing: str
    hint: str
    steps: Callable[[TaskPaths], stepping.Steps]
    read: Callable[[TaskPaths, Name, int], Drawn]
    logs: Callable[[TaskPaths], list[Path]]


_PLOTS = _Kind(
    "plot",
    "None of these tasks has reported a plot.",
    "task.get_logger().report_plotly('confusion', 'validation', figure=figure, iteration=1)",
    plots.plot_steps,
    cards.plot,
    plots.plot_logs,
)
_SAMPLES = _Kind(
    "sample",
    "None of these tasks has reported a debug sample.",
    "task.get_logger().report_image('examples', 'first', iteration=1, image=image)",
    stepping.sample_steps,
    cards.sample,
    plots.media_logs,
)


async def show_plots(view: View) -> None:
    """Build the tab of plots."""
    await _Steps(view, _PLOTS).show()


async def show_samples(view: View) -> None:
    """Build the tab of debug samples."""
    await _Steps(view, _SAMPLES).show()


class _Steps:
    """One series of all tasks: `_found` has the iterations of each of them."""

    def __init__(self, view: View, kind: _Kind) -> None:
        self._view = view
        self._kind = kind
        self._found: list[stepping.Steps] = []
        self._names: list[Name] = []
        self._name: Name = ("", "")
        self._steps: list[int] = []
        self._wanted: object = None
        self._is_drawing = False

    @property
    def _tasks(self) -> list[TaskPaths]:
        return [row.paths for row in self._view.comparison.ordered_rows()]

    async def show(self) -> None:
        """Build the tab."""
        await self._look()
        self._view.watched = lambda paths: sizes_of(self._kind.logs(paths))
        self._view.update = self._update
        if not self._names:
            empty(self._kind.missing, self._kind.hint)
            return
        labels = [_label(name) for name in self._names]
        chosen = self._view.address.one(self._kind.key, labels, labels[0])
        self._name = self._names[labels.index(chosen)]
        with ui.row().classes("items-center gap-3 w-full cmp-controls"):
            self._field = controls.select("Series", labels, chosen, self._choose, self._kind.key)
            self._build_stepper()
        with ui.element("div").classes("cmp-grid"):
            self._cards = [cards.Card(self._view, place) for place in range(len(self._tasks))]
        await self._lay_out()

    async def _look(self) -> None:
        tasks = self._tasks
        self._found = await asyncio.to_thread(lambda: [self._kind.steps(paths) for paths in tasks])
        self._names = stepping.names(self._found)

    def _build_stepper(self) -> None:
        with ui.row().classes("items-center gap-1 no-wrap cmp-stepper").props('role=group aria-label="Iteration"'):
            ui.button(icon="chevron_left", on_click=lambda: self._go(-1)).props(
                'flat dense round aria-label="Step back" data-testid="step-back"'
            )
            self._slider = ui.slider(min=0, max=1, step=1, value=0)
            self._slider.props('aria-label="Step" data-testid="step"').classes("cmp-slider")
            self._slider.on_value_change(self._moved)
            ui.button(icon="chevron_right", on_click=lambda: self._go(1)).props(
                'flat dense round aria-label="Step on" data-testid="step-on"'
            )
            self._text = ui.label().classes("cmp-step").props('role=status data-testid="step-text"')
        self._view.on_key(",", "a step back", lambda: self._go(-1))
        self._view.on_key(".", "a step on", lambda: self._go(1))

    def _go(self, by: int) -> None:
        self._slider.set_value(max(0, min(len(self._steps) - 1, int(self._slider.value or 0) + by)))

    async def _choose(self, event: Any) -> None:  # noqa: ANN401 - NiceGUI's
        labels = [_label(name) for name in self._names]
        if event.value in labels:
            self._view.address.put(self._kind.key, event.value)
            self._name = self._names[labels.index(event.value)]
            await self._lay_out()

    async def _update(self, _: Sequence[str]) -> None:
        before = self._names
        await self._look()
        if not before and self._names:
            self._view.begin()
            with self._view.place:
                await self.show()
        elif before:
            if self._names != before:
                self._field.set_options([_label(name) for name in self._names])
            await self._lay_out(is_newer=True)

    async def _lay_out(self, *, is_newer: bool = False) -> None:
        """Have the slider span the steps there are, at the one that is chosen, the last where none is."""
        self._steps = stepping.union(self._found, self._name)
        wanted = self._view.address.number("step", math.inf)
        at = max((place for place, step in enumerate(self._steps) if step <= wanted), default=0)
        self._slider.props["max"] = max(1, len(self._steps) - 1)
        self._slider.set_enabled(len(self._steps) > 1)
        if is_newer:
            for card in self._cards:
                card.may_be_older()
        if self._slider.value != at:
            self._slider.set_value(at)  # which draws
        else:
            await self._draw(at)

    async def _moved(self, event: Any) -> None:  # noqa: ANN401 - NiceGUI's
        at = min(int(event.value or 0), max(0, len(self._steps) - 1))
        is_last = at >= len(self._steps) - 1  # and stays so where more come
        self._view.address.put("step", *([] if is_last else [str(self._steps[at])]))
        await self._draw(at)

    async def _draw(self, at: int) -> None:
        """Draw a step; of many that are asked for while one is drawn, the last."""
        if not self._steps:
            self._text.set_text("nothing reported")
            return
        step = self._steps[at]
        self._text.set_text(f"iteration {step:,} ({at + 1} of {len(self._steps):,})")
        self._wanted = (self._name, step)
        if self._is_drawing:
            return
        self._is_drawing = True
        try:
            drawn: object = None
            while drawn != self._wanted:
                drawn = self._wanted
                await self._draw_cards(self._name, self._steps[min(int(self._slider.value), len(self._steps) - 1)])
        finally:
            self._is_drawing = False

    async def _draw_cards(self, name: Name, step: int) -> None:
        shown = [stepping.at_step(found.get(name, []), step) for found in self._found]
        tasks, changed = self._tasks, [card.is_other(name, at) for card, at in zip(self._cards, shown, strict=True)]

        def read() -> list[Drawn | None]:
            return [
                self._kind.read(paths, name, at) if at is not None and is_changed else None
                for paths, at, is_changed in zip(tasks, shown, changed, strict=True)
            ]

        drawn = await asyncio.to_thread(read)
        for place, (card, at, item) in enumerate(zip(self._cards, shown, drawn, strict=True)):
            card.say(at, step)
            if changed[place]:
                card.show(name, at, item)
                if item is not None and item.figure is not None and place % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(_BREATH_S)  # the browser shows these before it draws the next


def _label(name: Name) -> str:
    return " / ".join(part for part in name if part) or "(no title)"
