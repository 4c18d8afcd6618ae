"""A slider over the iterations that there are, which follows the last one as long as nobody has moved it from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

At = Callable[[int], Awaitable[None]]


class Steps:
    """One slider; `at` is called with the iteration that is chosen. Of one iteration only its number is shown."""

    def __init__(self, steps: Sequence[int], at: At, name: str, chosen: int | None = None) -> None:
        self._steps = list(steps)
        self._at = at
        place = self._steps.index(chosen) if chosen in self._steps else len(self._steps) - 1
        self._slider = ui.slider(min=0, max=max(0, len(self._steps) - 1), step=1, value=place).props("dense snap")
        self._slider.classes("ts-steps")
        self._slider.props["aria-label"] = f"Iteration of {name}"
        self._label = ui.label().classes("ts-note ts-step").props('data-testid="step"')
        self._slider.on_value_change(self._say)
        self._slider.on("change", self._changed, args=[])
        self._say()

    @property
    def chosen(self) -> int:
        """The iteration that is shown."""
        return self._steps[int(self._slider.value)]

    async def extend(self, steps: Sequence[int]) -> None:
        """Take other iterations, and go on to the last where the last was shown."""
        if list(steps) == self._steps or not steps:
            return
        was_last, before = self._slider.value >= len(self._steps) - 1, self.chosen
        self._steps = list(steps)
        self._slider.props["max"] = len(self._steps) - 1
        place = self._steps.index(before) if before in self._steps and not was_last else len(self._steps) - 1
        self._slider.value = place
        self._say()
        if self.chosen != before:
            await self._at(self.chosen)

    def _say(self) -> None:
        self._label.set_text(f"iteration {self.chosen:,}")
        self._slider.set_visibility(len(self._steps) > 1)

    async def _changed(self) -> None:
        self._say()
        await self._at(self.chosen)
