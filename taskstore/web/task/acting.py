"""What may be done to a task, as buttons: those of its status; what destroys asks first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import actions
from ...board.actions import Action, Done
from ...store import tickets
from . import asking, cloning, trusting

if TYPE_CHECKING:
    from ...board.task import Seen
    from ..desk import Desk
    from ..frame import Frame

_OPEN = ("clone", "enqueue", "dequeue", "abort")
"""Those that have a button of their own; the others are in the menu."""
_ICONS = {
    "clone": "content_copy",
    "enqueue": "playlist_add",
    "dequeue": "playlist_remove",
    "abort": "stop",
    "reset": "restart_alt",
    "publish": "verified",
    "rename": "edit",
    "tag": "label",
    "comment": "comment",
    "move": "drive_file_move",
    "archive": "archive",
    "unarchive": "unarchive",
    "delete": "delete",
}


class Acting:
    """The actions of one page's task; `look` has the page see what has come of one."""

    def __init__(self, desk: Desk, frame: Frame, task_id: str, look: Callable[[], Awaitable[None]]) -> None:
        self._desk = desk
        self._frame = frame
        self._task_id = task_id
        self.look = look
        self.seen: Seen | None = None

    def show(self, seen: Seen) -> None:
        """Show the buttons that a task's status allows, or why there are none."""
        self.seen = seen
        why = self._desk.why_read_only
        if why:
            with ui.row().classes("items-center gap-1 tk-quiet no-wrap").props("data-testid=why-read-only"):
                ui.icon("lock").props("aria-hidden=true")
                ui.label(why)
            return
        allowed = actions.allowed(seen.row)
        with ui.row().classes("items-center gap-1"):
            for action in allowed:
                if action.key in _OPEN:
                    self._button(action)
            with (
                ui.button("More", icon="more_vert")
                .props("outline no-caps dense padding='2px 10px' data-testid=do-more")
                .props('aria-haspopup="menu"'),
                ui.menu(),
            ):
                for action in allowed:
                    if action.key not in _OPEN:
                        ui.menu_item(action.label, partial(self.ask, action.key)).props(f"data-testid=do-{action.key}")

    def _button(self, action: Action) -> None:
        ui.button(action.label, icon=_ICONS[action.key], on_click=partial(self.ask, action.key)).props(
            f"no-caps dense padding='2px 10px' data-testid=do-{action.key}"
            + ("" if action.key == "enqueue" else " outline")
        )

    async def ask(self, key: str) -> None:
        """Do an action; first ask for what it needs, or whether it is meant. One that is not allowed says so."""
        seen = self.seen
        if seen is None:
            return
        if self._desk.why_read_only:
            self._frame.feedback.fail(self._desk.why_read_only)
            return
        action = next((each for each in actions.allowed(seen.row) if each.key == key), None)
        if action is None:
            label = actions.ACTIONS[key].label.lower()
            self._frame.feedback.fail(f"{label}: a task that is {seen.row.task.status.label.lower()} does not allow it")
        elif key == "clone":
            await cloning.ask(self._desk, self._frame, seen)
        elif key in _ASKERS:
            _ASKERS[key](self, action, seen)
        elif action.asks:
            self._confirm(action, seen)
        else:
            await self.do(key)

    async def do(self, key: str, **values: object) -> Done | None:
        """Do an action, say what came of it, and have the page look."""
        done = await self._frame.feedback.attempt(self._desk.do(self._task_id, key, **values))
        await self.look()
        return done

    def _confirm(self, action: Action, seen: Seen) -> None:
        with asking.dialog(f"{action.label}?", name=f"ask-{action.key}") as made:
            ui.label(seen.row.task.name).classes("tk-strong tk-break")
            ui.label(action.asks)
            message = (
                asking.field("Message (may be empty)", name="publish-message") if action.key == "publish" else None
            )

            async def act() -> bool:
                values = {"message": message.value or ""} if message is not None else {}
                return await self.do(action.key, **values) is not None

            asking.buttons(made, action.label, act, is_grave=action.key != "publish")

    def _enqueue(self, action: Action, seen: Seen) -> None:
        names = tickets.names(self._desk.store) or [tickets.DEFAULT]
        with asking.dialog("Enqueue", name="ask-enqueue") as made:
            queue = queue_choice(names)
            priority = ui.number("Priority", value=0, format="%d", precision=0).props("outlined dense")
            priority.classes("w-full").props["hint"] = "The higher is taken first."
            trusted = trusting.question(seen)

            async def act() -> bool:
                if not trusting.is_given(trusted, self._frame):
                    return False
                done = await self.do(
                    action.key, queue=queue.value, priority=int(priority.value or 0), is_trusted=trusted is not None
                )
                return done is not None

            asking.buttons(made, "Enqueue", act)

    def _rename(self, action: Action, seen: Seen) -> None:
        self._ask_text(action, seen.row.task.name, "Name", lambda text: {"name": text})

    def _comment(self, action: Action, seen: Seen) -> None:
        self._ask_text(action, seen.row.task.comment, "Comment", lambda text: {"text": text}, is_long=True)

    def _move(self, action: Action, seen: Seen) -> None:
        self._ask_text(
            action,
            seen.row.project,
            "Project",
            lambda text: {"project": text},
            hint="A new one is made.",
        )

    def _tag(self, action: Action, seen: Seen) -> None:
        before = seen.row.task.tags

        def changes(text: str) -> dict[str, object]:
            wanted = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
            added = [part for part in wanted if part not in before]
            return {"add": added, "remove": [part for part in before if part not in wanted]}

        self._ask_text(action, ", ".join(before), "Tags", changes, hint="With commas between them.")

    def _ask_text(
        self,
        action: Action,
        value: str,
        label: str,
        values_of: Callable[[str], dict[str, object]],
        *,
        hint: str = "",
        is_long: bool = False,
    ) -> None:
        with asking.dialog(action.label, name=f"ask-{action.key}") as made:
            field = asking.field(label, value, name=f"field-{action.key}", hint=hint, is_long=is_long)
            field.props("autofocus")

            async def act() -> bool:
                return await self.do(action.key, **values_of(field.value or "")) is not None

            button = asking.buttons(made, "Save", act)
            if not is_long:
                field.on("keydown.enter", lambda: button.run_method("click"))


_ASKERS: dict[str, Callable[[Acting, Action, Any], None]] = {
    "enqueue": Acting._enqueue,
    "rename": Acting._rename,
    "comment": Acting._comment,
    "move": Acting._move,
    "tag": Acting._tag,
}


def queue_choice(names: list[str]) -> ui.select:
    """Show the queues to choose from; the default one is chosen."""
    kept = sorted({*names, tickets.DEFAULT})
    made = ui.select(kept, label="Queue", value=tickets.DEFAULT).classes("w-full").props("outlined dense")
    made.props["data-testid"] = "queue"
    return made
