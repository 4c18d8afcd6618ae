"""What stands above a task's tabs: what it is, how far it has come, and what must be known before it is used."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec
from nicegui import ui

from ...board import task as board
from ...core.spelling import safe
from ...core.states import Status
from . import parts
from .parts import Text

if TYPE_CHECKING:
    from ...board.task import Seen
    from ..desk import Desk
    from .acting import Acting

_COPY = """(async (text) => {
  try { await navigator.clipboard.writeText(text); }
  catch { const area = document.createElement('textarea'); area.value = text; document.body.append(area);
          area.select(); document.execCommand('copy'); area.remove(); }
})"""


class Head:
    """The head of one page; `show` builds it anew, and `tick` moves what moves by itself."""

    def __init__(self, desk: Desk, acting: Acting, say: Callable[[str], None]) -> None:
        self._desk = desk
        self._acting = acting
        self._say = say
        self._ran: ui.label | None = None
        self._iteration: ui.label | None = None
        self._progress: tuple[ui.linear_progress, ui.label] | None = None
        self._seen: Seen | None = None
        self._shown: object = None
        self._is_editing = False
        self._place = ui.element("div").classes("tk-head")

    def show(self, seen: Seen) -> None:
        """Show a task as it is now; what a run changes each second is changed in place."""
        self._seen = seen
        now = _what_stands(seen)
        if now == self._shown or self._is_editing:
            self.tick()
            return
        self._shown = now
        self._place.clear()
        with self._place:
            ui.page_title(f"{seen.row.task.name} · taskstore")
            _breadcrumbs(seen)
            self._name(seen)
            self._standing(seen)
            self._facts(seen)
            _notices(seen)
            self._acting.show(seen)
        self.tick()

    def show_gone(self, why: str) -> None:
        """Say that there is no such task any more; it may come back."""
        self._seen = self._shown = None
        self._place.clear()
        with self._place, ui.element("div").classes("tk-notice").props("role=alert data-testid=gone"):
            ui.label(why)
            parts.link("All tasks", "/")
            parts.link("Trash", "/trash")

    def tick(self) -> None:
        """Let go on what moves by itself: how long it has run, how far it has come."""
        seen = self._seen
        if seen is None or self._ran is None or self._iteration is None or self._progress is None:
            return
        _tell(self._ran, board.how_long(seen, self._desk.store))
        _tell(self._iteration, "" if seen.row.last_iteration is None else f"{seen.row.last_iteration:,}")
        bar, label = self._progress
        bar.set_visibility(seen.progress is not None)
        bar.set_value((seen.progress or 0.0) / 100)
        label.set_text("" if seen.progress is None else f"{seen.progress:.0f} %")

    def _name(self, seen: Seen) -> None:
        name = seen.row.task.name
        with ui.row().classes("items-center gap-1 no-wrap") as shown:
            title = Text("h1", safe(name)).classes("tk-name tk-break").props("data-testid=name")
            if not self._desk.why_read_only:
                title.on("dblclick", lambda: edit())
                parts.icon_button("edit", "Rename", lambda: edit(), name="edit-name")
        with ui.row().classes("items-center gap-1 no-wrap w-full") as editing:
            field = ui.input(value=name).props('outlined dense aria-label="Name" data-testid=field-name')
            field.classes("tk-name-field")
            parts.icon_button("check", "Save the name", lambda: save(), name="save-name")
            parts.icon_button("close", "Leave the name as it is", lambda: leave())
        editing.set_visibility(False)

        def edit() -> None:
            self._is_editing = True
            shown.set_visibility(False)
            editing.set_visibility(True)
            field.run_method("focus")

        def leave() -> None:
            self._is_editing = False
            field.set_value(name)
            editing.set_visibility(False)
            shown.set_visibility(True)

        async def save() -> None:
            wanted = field.value or ""
            if wanted == name:
                leave()
            elif await self._acting.do("rename", name=wanted) is not None:
                self._is_editing = False
                await self._acting.look()

        field.on("keydown.enter", save)
        field.on("keydown.escape", leave)

    def _standing(self, seen: Seen) -> None:
        task = seen.row.task
        with ui.row().classes("items-center gap-2"):
            status(task.status).props("data-testid=status")
            bar = ui.linear_progress(0.0, show_value=False, size="10px").classes("tk-progress")
            bar.props["aria-label"] = "Progress"
            self._progress = (bar, ui.label().props("data-testid=progress"))
            if task.status_reason and task.status_reason.lower() != task.status.label.lower():
                ui.label(safe(task.status_reason)).classes("tk-quiet tk-break").props("data-testid=reason")
            where = board.where_it_stands(seen.standing)
            if where:
                ui.label(safe(where)).classes("tk-quiet")
            if seen.row.is_archived:
                ui.badge("archived").props("outline")
            for tag in task.tags:
                ui.label(safe(tag)).classes("tk-tag").props("data-testid=tag")
            if not self._desk.why_read_only:
                parts.icon_button("label", "Tags", self._tags, name="edit-tags")

    async def _tags(self) -> None:
        await self._acting.ask("tag")

    def _facts(self, seen: Seen) -> None:
        task = seen.row.task
        with ui.row().classes("tk-line"):
            with ui.row().classes("items-center gap-0 no-wrap"):
                ui.label(task.id).classes("ts-mono").props("data-testid=id")
                self._copy_button(task.id)
            _fact("type", safe(task.type))
            _fact("created", parts.moment(task.created))
            self._ran = _fact("ran", "")
            self._ran.props("data-testid=ran")
            _fact("by", safe("@".join(part for part in (task.user, task.host) if part)))
            self._iteration = _fact("iteration", "")
        if task.comment:
            ui.label(parts.safe_lines(task.comment)).classes("tk-comment tk-break").props("data-testid=comment")

    def _copy_button(self, task_id: str) -> None:
        button = parts.icon_button("content_copy", "Copy the id", lambda: self._say("the id is copied"), name="copy-id")
        button.on("click", js_handler=f"() => {_COPY}({json.dumps(task_id)})")


def status(value: Status) -> ui.label:
    """Show a status, by its word and its colour."""
    return ui.label(value.label).classes(f"tk-status tk-{value.value}")


def _fact(label: str, value: str) -> ui.label:
    with ui.row().classes("gap-1 items-baseline no-wrap"):
        ui.label(label).classes("tk-quiet")
        shown = ui.label().classes("tk-break")
    _tell(shown, value)
    return shown


def _tell(shown: ui.label, value: str) -> None:
    slot = shown.parent_slot
    if slot is not None:
        slot.parent.set_visibility(bool(value))
    if shown.text != value:
        shown.set_text(value)


def _what_stands(seen: Seen) -> object:
    """Return all of a task but what a run changes while it runs."""
    row = seen.row
    task = msgspec.structs.replace(row.task, runtime={}, rev=0, last_update=None)
    return dataclasses.replace(
        seen, row=dataclasses.replace(row, task=task, hyperparams={}, last_metrics={}, last_iteration=None)
    )


def _breadcrumbs(seen: Seen) -> None:
    with ui.element("nav").classes("tk-crumbs").props('aria-label="Where it is"'):
        parts.link("Tasks", "/")
        name = ""
        for part in seen.row.project.split("/"):
            name = f"{name}/{part}" if name else part
            ui.label("›").props("aria-hidden=true")
            parts.link(part, parts.project_address(name))


def _notices(seen: Seen) -> None:
    for text, more in _what_must_be_known(seen):
        with ui.element("div").classes("tk-notice").props("role=note data-testid=notice"):
            ui.label(text).classes("tk-break")
            if more:
                ui.label(more).classes("ts-mono tk-break")


def _what_must_be_known(seen: Seen) -> Iterator[tuple[str, str]]:
    if seen.asks_trust:
        yield (
            f"From elsewhere: {seen.came_from}. Nobody has said yet that its program may run here:",
            seen.command,
        )
    elif seen.came_from:
        yield f"From elsewhere: {seen.came_from}. {safe(seen.trusted_by)} has said that its program may run here.", ""
    if seen.left_out:
        yield f"Left out when it came in: {', '.join(seen.left_out)}.", ""
    if seen.is_elsewhere:
        yield "As it was when it was copied; what has become of it since, the store knows that it is in.", ""
    if seen.conflicts:
        command = f"taskstore conflicts show {seen.row.id[:12]}"
        yield f"Two people have changed the same of it: {safe(', '.join(seen.conflicts))}. To see both:", command
