"""Clone, edit and enqueue, in one dialog."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import settings
from ...core.names import MAX_LENGTH
from ...core.spelling import safe
from ...schema.record import USER_PROPERTIES
from ...store import tickets
from . import asking, parts, trusting
from .editing import warned

if TYPE_CHECKING:
    from ...board.actions import Done
    from ...board.settings import Named
    from ...board.task import Seen
    from ..desk import Desk
    from ..frame import Frame

_MAX_FIELDS = 60
_LEAST_SEARCHED = 8
_LONG = 60
_DRAFT = "Leave it a draft"


async def ask(desk: Desk, frame: Frame, seen: Seen) -> None:
    """Ask what the clone of a task is to be, make it, and go to its page."""
    found = await asyncio.to_thread(settings.read, desk.store, seen.row.id)
    queues = await asyncio.to_thread(tickets.names, desk.store)
    task = seen.row.task
    with asking.dialog("Clone, edit and enqueue", name="ask-clone", is_wide=True) as made:
        with ui.element("div").classes("w-full tk-fields"):
            name = asking.field("Name", f"Clone Of {task.name}"[:MAX_LENGTH], name="clone-name")
            project = asking.field("Project", seen.row.project, name="clone-project", hint="A new one is made.")
        comment = asking.field("Comment", task.comment, name="clone-comment", is_long=True)
        fields = Fields([each for each in found.parameters if each.section != USER_PROPERTIES])
        fields.show()
        options = {"": _DRAFT, **{each: f"Enqueue in {safe(each)}" for each in queues}}
        queue = ui.select(options, label="Then", value="").classes("w-full").props("outlined dense")
        queue.props["data-testid"] = "clone-queue"
        with ui.element("div").classes("w-full").bind_visibility_from(queue, "value", bool):
            trusted = trusting.question(seen)

        async def act() -> bool:
            wanted = queue.value or None
            if wanted and not trusting.is_given(trusted, frame):
                return False
            done = await frame.feedback.attempt(
                desk.do(
                    task.id,
                    "clone",
                    name=name.value or "",
                    project=project.value or "",
                    comment=comment.value or "",
                    values=fields.changed,
                    queue=wanted,
                    is_trusted=trusted is not None,
                )
            )
            if done is None:
                return False
            if not done.notes:
                ui.navigate.to(parts.task_address(done.task_id))
                return True
            _told(made, done)
            return False

        asking.buttons(made, "Clone", act)


def _told(made: ui.dialog, done: Done) -> None:
    """Say what a person should know of the clone before its page opens."""
    card = made.default_slot.children[0]
    card.clear()
    with card:
        parts.Text("h2", "It is made").classes("tk-dialog-title")
        for note in (done.text, *done.notes):
            ui.label(parts.safe_lines(note)).classes("tk-break")
        with ui.row().classes("w-full justify-end"):
            address = parts.task_address(done.task_id)
            ui.button("Go to its page", on_click=lambda: ui.navigate.to(address)).props("no-caps data-testid=clone-go")


class Fields:
    """A field for each parameter; `changed` are those with another value now, by Section/name."""

    def __init__(self, parameters: list[Named]) -> None:
        self._parameters = parameters
        self._new = ""
        self.changed: dict[str, str] = {}

    def show(self) -> None:
        """Show the fields, with one that finds them where they are many."""
        parts.heading("Parameters", note=f"{len(self._parameters):,}")
        self._search = None
        if len(self._parameters) > _LEAST_SEARCHED:
            self._search = parts.search("Search parameters", self._fill, name="search-clone")
        self._place = ui.element("div").classes("w-full tk-fields tk-many").props("data-testid=clone-parameters")
        self._fill()
        with ui.row().classes("items-center gap-2 w-full"):
            name = ui.input("Another parameter").props("outlined dense data-testid=clone-new-name").classes("grow")
            name.props["placeholder"] = "Section/name"
            value = ui.input("Its value").props("outlined dense data-testid=clone-new-value").classes("grow")

            def changed() -> None:
                self.changed.pop(self._new, None)
                self._new = (name.value or "").strip()
                if self._new:
                    self.changed[self._new] = value.value or ""

            name.on_value_change(changed)
            value.on_value_change(changed)

    def _fill(self) -> None:
        wanted = str(self._search.value or "").casefold() if self._search is not None else ""
        found = [each for each in self._parameters if not wanted or each.has(wanted)]
        self._place.clear()
        with self._place:
            for named in found[:_MAX_FIELDS]:
                self._field(named)
            if len(found) > _MAX_FIELDS:
                ui.label(f"The first {_MAX_FIELDS} of {len(found):,}; search for the others.").classes("tk-quiet")
            if not found:
                ui.label("No such parameter." if wanted else "It has none.").classes("tk-quiet")

    def _field(self, named: Named) -> None:
        value = named.parameter.value
        now = self.changed.get(named.full, value)
        is_long = "\n" in value or len(value) > _LONG
        field = asking.field(safe(named.full), now, name=f"clone-{named.full}", is_long=is_long)
        if named.is_masked:
            field.props("readonly")
            field.props["hint"] = "A secret, which is not stored: the program keeps its own."
            return
        hint = ", ".join(part for part in (named.parameter.type, named.parameter.description) if part)
        field.props["hint"] = parts.safe_lines(hint)
        warned(field, named.parameter.type)

        def changed(event: Any) -> None:  # noqa: ANN401 - NiceGUI's, generic in the value
            text = event.value or ""
            if text == value:
                self.changed.pop(named.full, None)
            else:
                self.changed[named.full] = text

        field.on_value_change(changed)
