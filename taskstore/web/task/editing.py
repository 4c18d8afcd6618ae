"""The dialogs in which parameters and configuration objects are edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ...board import settings
from ...core.spelling import safe
from ...schema.record import USER_PROPERTIES
from ...sections.parameters import GENERAL
from . import asking, parts

if TYPE_CHECKING:
    from ...board.settings import Named, Object
    from ..desk import Desk
    from ..frame import Frame

_LONG = 80


class Editing:
    """What may be changed of what a task was given. The page sees by its files what has come of it."""

    def __init__(self, desk: Desk, frame: Frame, task_id: str) -> None:
        self._desk = desk
        self._frame = frame
        self._task_id = task_id

    async def _do(self, key: str, **values: object) -> bool:
        return await self._frame.feedback.attempt(self._desk.do(self._task_id, key, **values)) is not None

    def add(self, section: str) -> None:
        """Ask for a new parameter; in no section it is asked for, too."""
        is_property = section == USER_PROPERTIES
        title = "Add a user property" if is_property else "Add a parameter"
        with asking.dialog(title, name="ask-add") as made:
            hint = "" if is_property else f"Section/name; without a section it is {GENERAL}."
            name = asking.field("Name", name="parameter-name", hint=hint)
            value = asking.field("Value", name="parameter-value")

            async def act() -> bool:
                wanted = (name.value or "").strip()
                full = f"{USER_PROPERTIES}/{wanted}" if is_property and wanted else wanted
                return await self._do("set", values={full: value.value or ""})

            asking.buttons(made, "Add", act)

    def change(self, named: Named) -> None:
        """Ask for another value of a parameter; a text that is none of its type is warned of."""
        kind, value = named.parameter.type, named.parameter.value
        with asking.dialog(f"Change {safe(named.full)}", name="ask-change") as made:
            parts.facts([("type", kind or ""), ("meaning", named.parameter.description or "")])
            field = asking.field("Value", value, name="parameter-value", is_long="\n" in value or len(value) > _LONG)
            warned(field, kind)

            async def act() -> bool:
                return await self._do("set", values={named.full: field.value or ""})

            button = asking.buttons(made, "Save", act)
            if isinstance(field, ui.input):
                field.on("keydown.enter", lambda: button.run_method("click"))

    def remove(self, named: Named) -> None:
        """Ask whether a parameter is to be removed."""
        with asking.dialog(f"Remove {safe(named.full)}?", name="ask-remove") as made:
            ui.label(f"Its value is {parts.safe_lines(named.parameter.value)[:_LONG]}").classes("tk-break")

            async def act() -> bool:
                return await self._do("set", unset=[named.full])

            asking.buttons(made, "Remove", act, is_grave=True)

    def edit_object(self, each: Object) -> None:
        """Ask for another text of a configuration object."""
        with asking.dialog(f"Edit {safe(each.name)}", name="ask-object", is_wide=True) as made:
            text = (each.text or "").replace("\r\n", "\n")
            field = ui.textarea(value=text).classes("w-full ts-mono").props("outlined data-testid=object-text")
            field.props["aria-label"] = f"Text of {safe(each.name)}"
            field.props["input-style"] = "min-height: 50vh; white-space: pre; overflow-x: auto"

            async def act() -> bool:
                wanted = field.value or ""
                if "\r\n" in (each.text or ""):
                    wanted = wanted.replace("\n", "\r\n")
                return await self._do("configure", name=each.name, before=each.data, text=wanted)

            asking.buttons(made, "Save", act)


def warned(field: ui.input | ui.textarea, kind: str | None) -> None:
    """Have a field say when what is typed is none of its parameter's type; it may be saved all the same."""

    def problem(text: str | None) -> str | None:
        found = settings.problem_of(text or "", kind)
        return f"{found}; it would be stored as it is" if found else None

    field.validation = problem
