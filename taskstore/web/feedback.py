"""What a page says to the person: what was done, with a way back; what went wrong, in the words of the library."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from ..core.errors import TaskstoreError

if TYPE_CHECKING:
    from ..board.actions import Done
    from .desk import Desk

_SHOWN_S = 10.0


class Feedback:
    """One line at the foot of a page, which a screen reader reads out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._back: Callable[[], Awaitable[object]] | None = None
        with (
            ui.row()
            .classes("ts-feedback items-center gap-3 no-wrap shadow-4")
            .props('role=status aria-live=polite data-testid="feedback"') as self._line
        ):
            self._text = ui.label().classes("ts-feedback-text")
            self._undo = ui.button("Undo", on_click=self._go_back).props("flat dense no-caps color=white")
            ui.button(icon="close", on_click=self.clear).props('flat dense round color=white aria-label="Close"')
        self._line.set_visibility(False)
        # Made when it is needed: a page that has a timer is sent before what it waits for is on it.
        self._timer: ui.timer | None = None

    def say(self, text: str, *, back: Callable[[], Awaitable[object]] | None = None) -> None:
        """Say what was done; `back` is what its Undo does."""
        self._show(text, is_error=False)
        self._back = back
        self._undo.set_visibility(back is not None)
        if self._timer is None:
            with self._line:
                self._timer = ui.timer(_SHOWN_S, self.clear, immediate=False)
        self._timer.activate()

    def fail(self, error: TaskstoreError | str) -> None:
        """Say what went wrong; it stays until it is closed."""
        self._show(str(error), is_error=True)
        self._undo.set_visibility(False)
        if self._timer is not None:
            self._timer.deactivate()

    def clear(self) -> None:
        """Say nothing."""
        self._line.set_visibility(False)
        if self._timer is not None:
            self._timer.deactivate()

    def _show(self, text: str, *, is_error: bool) -> None:
        self._text.set_text(text)
        self._line.classes(add="ts-error" if is_error else "", remove="" if is_error else "ts-error")
        self._line.props(f"role={'alert' if is_error else 'status'}")
        self._line.set_visibility(True)

    async def _go_back(self) -> None:
        back, self._back = self._back, None
        self.clear()
        if back is not None:
            await back()

    async def attempt(self, work: Awaitable[Done]) -> Done | None:
        """Await an action, and say what came of it; None where it failed."""
        try:
            done = await work
        except TaskstoreError as error:
            self.fail(error)
            return None
        text = "; ".join([f"{done.task_id[:12]}: {done.text}", *done.notes])
        undo = done.undo
        self.say(text, back=(lambda: self.attempt(self._desk.do(done.task_id, undo))) if undo else None)
        return done
