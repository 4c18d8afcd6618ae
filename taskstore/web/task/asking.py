"""Dialogs: one at a time, which outlive the part of the page that has opened them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nicegui import ui

from .parts import Text

Act = Callable[[], Awaitable[bool]]
"""What a dialog is for; tells whether it may close."""


@contextmanager
def dialog(title: str, *, name: str, is_wide: bool = False) -> Iterator[ui.dialog]:
    """Build a dialog's content within the block, and open it; it is deleted when it closes."""
    with ui.context.client.content:
        made = ui.dialog().props(f'aria-label="Dialog" data-testid="{name}"')
    made.props["aria-label"] = title
    with made, ui.card().classes("tk-dialog tk-wide" if is_wide else "tk-dialog"):
        Text("h2", title).classes("tk-dialog-title")
        yield made
    made.on("hide", made.delete)
    made.open()


def is_open() -> bool:
    """Tell whether a dialog is open on this page: keys are its own then."""
    return any(isinstance(each, ui.dialog) and each.value for each in ui.context.client.elements.values())


def buttons(made: ui.dialog, label: str, act: Act, *, is_grave: bool = False) -> ui.button:
    """Show the dialog's buttons; the second does what it is for, once at a time."""

    async def pressed() -> None:
        button.disable()
        button.props("loading")
        try:
            is_done = await act()
        finally:
            if not made.is_deleted:
                button.enable()
                button.props(remove="loading")
        if is_done and not made.is_deleted:
            made.close()

    with ui.row().classes("w-full justify-end gap-2"):
        ui.button("Cancel", on_click=made.close).props("flat no-caps data-testid=dialog-cancel")
        button = ui.button(label, on_click=pressed, color="negative" if is_grave else "primary")
        button.props("no-caps data-testid=dialog-do")
    return button


def field(label: str, value: str = "", *, name: str, hint: str = "", is_long: bool = False) -> Any:  # noqa: ANN401 - ui.input or ui.textarea
    """Show a labelled field."""
    made: Any = ui.textarea(label, value=value) if is_long else ui.input(label, value=value)
    made.classes("w-full").props("outlined dense hide-bottom-space")
    made.props["data-testid"] = name
    if is_long:
        made.props("autogrow")
    if hint:
        made.props["hint"] = hint
    return made
