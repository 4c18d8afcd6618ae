"""The question whether a program from elsewhere may run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from ...board.task import Seen
    from ..frame import Frame


def question(seen: Seen) -> ui.checkbox | None:
    """Show what would be run of a task from elsewhere, and ask; None where nothing is to be asked."""
    if not seen.asks_trust:
        return None
    with ui.element("div").classes("tk-notice").props("role=note data-testid=trust-question"):
        ui.label(f"This task came from elsewhere ({seen.came_from}), and to run it is to run its program:")
        ui.label(seen.command).classes("ts-mono tk-break")
        return ui.checkbox("I have looked at it, and it may run here").props("data-testid=trust")


def is_given(asked: ui.checkbox | None, frame: Frame) -> bool:
    """Tell whether the question, if there was one, is answered with yes; say what is missing otherwise."""
    if asked is None or asked.value:
        return True
    frame.feedback.fail("say first that its program may run here; nothing was enqueued")
    return False
