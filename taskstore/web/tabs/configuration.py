"""What a task was given: parameters by section, and configuration objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nicegui import Client, ui

from ...board import settings
from ...core.spelling import count, safe, size
from ...core.states import EDITABLE
from ...schema.record import USER_PROPERTIES
from ..frame import empty
from ..task import parts
from ..task.editing import Editing
from .address import Chosen

if TYPE_CHECKING:
    from ...board.settings import Named, Object, Settings
    from ..desk import Desk
    from ..frame import Frame

_MAX_ROWS = 150
_LEAST_SEARCHED = 8
_sought: WeakKeyDictionary[Client, str] = WeakKeyDictionary()
"""What is searched for on each open page: it stays when the tab is built anew."""


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Show a task's parameters and configuration objects."""
    found = await asyncio.to_thread(settings.read, desk.store, task_id)
    is_writable = not desk.why_read_only
    editing = Editing(desk, frame, task_id)
    is_draft = found.status in EDITABLE
    if not is_draft and is_writable:
        ui.label("No draft: only its user properties can be changed here. A clone is one.").classes("tk-quiet")
    place = ui.element("div").classes("tk-part")
    chosen = Chosen("configuration", {"find": ""})
    client = ui.context.client
    sought = _sought.get(client, chosen["find"]) if len(found.parameters) > _LEAST_SEARCHED else ""

    def fill(most: int = _MAX_ROWS) -> None:
        wanted = str(field.value or "") if field is not None else sought
        _sought[client] = wanted
        if wanted != chosen["find"]:
            chosen.set("find", wanted)
        place.clear()
        with place:
            if not _sections(found, wanted.casefold(), editing if is_writable else None, most):
                _button("Show more", "expand_more", lambda: fill(most + _MAX_ROWS), "more-parameters")

    field = None
    if len(found.parameters) > _LEAST_SEARCHED:
        field = parts.search("Search parameters", fill, name="search-parameters", value=sought)
        field.move(target_index=0)
    fill()
    _objects(task_id, found, editing if is_writable and is_draft else None)
    if not found.parameters and not found.objects:
        empty("It was given no parameters and no configuration.", f"taskstore set {task_id[:12]} NAME=VALUE")


def _sections(found: Settings, wanted: str, editing: Editing | None, most: int) -> bool:
    """Show the parameters that are wanted, at most so many; tell whether that is all of them."""
    sections: dict[str, list[Named]] = {}
    kept = [named for named in found.parameters if not wanted or named.has(wanted)]
    for named in kept:
        sections.setdefault(named.section, []).append(named)
    if editing is not None and (found.status in EDITABLE or USER_PROPERTIES not in sections):
        section = "" if found.status in EDITABLE else USER_PROPERTIES
        label = "Add a parameter" if not section else "Add a user property"
        _button(label, "add", partial(editing.add, section), "add-parameter")
    left = most
    for section, items in sections.items():
        if left > 0:
            _section(section, items, editing if found.is_editable(section) else None, left)
        left -= len(items)
    if wanted and not sections:
        ui.label(f"No parameter holds {safe(wanted)}.").classes("tk-quiet")
    if left < 0:
        ui.label(f"{most:,} of {len(kept):,} parameters").classes("tk-quiet")
    return left >= 0


def _button(label: str, icon: str, act: Callable[[], Any], name: str) -> None:
    ui.button(label, icon=icon, on_click=act).props(f"outline no-caps dense padding='2px 10px' data-testid={name}")


def _section(section: str, items: list[Named], editing: Editing | None, most: int) -> None:
    title = "User properties" if section == USER_PROPERTIES else safe(section)
    noun = ("property", "properties") if section == USER_PROPERTIES else ("parameter", "")
    parts.heading(title, note=count(len(items), *noun))
    if editing is not None and section == USER_PROPERTIES:
        _button("Add a user property", "add", partial(editing.add, section), "add-property")
    has_about = any(named.parameter.description for named in items)
    columns = ["Name", "Value", "Type", *(["Meaning"] if has_about else []), *([""] if editing else [])]
    rows = []
    for named in items[:most]:
        row: list[object] = [named.name, _value(named), named.parameter.type or ""]
        row += [named.parameter.description or ""] if has_about else []
        row += [partial(_buttons, named, editing)] if editing else []
        rows.append(row)
    parts.table(columns, rows, label=title, name="parameters")


def _value(named: Named) -> object:
    if not (named.is_masked or named.problem):
        return named.parameter.value

    def build() -> None:
        shown = ui.label(parts.safe_lines(named.parameter.value)).classes("tk-break")
        if named.is_masked:
            shown.classes("tk-masked").props("title='A secret, which is not stored'")
        if named.problem:
            ui.label(parts.safe_lines(named.problem)).classes("tk-warn")

    return build


def _buttons(named: Named, editing: Editing) -> None:
    for what, act in (("Change", editing.change), ("Remove", editing.remove)):
        if what == "Change" and named.is_masked:
            continue
        button = parts.Text("button", what).classes("tk-button").on("click", partial(act, named))
        button.props["aria-label"] = f"{what} {safe(named.full)}"
        button.props["data-testid"] = f"{what.lower()}-{named.full}"


def _objects(task_id: str, found: Settings, editing: Editing | None) -> None:
    if not found.objects:
        return
    parts.heading("Configuration objects", note=f"{len(found.objects):,}")
    for each in found.objects:
        _object(task_id, each, editing, is_open=len(found.objects) == 1)


def _object(task_id: str, each: Object, editing: Editing | None, *, is_open: bool) -> None:
    with ui.element("details").classes("tk-file").props("data-testid=object") as place:
        if is_open:
            place.props("open")
        with ui.element("summary"):
            parts.Text("span", safe(each.name)).classes("tk-strong tk-break")
            parts.Text("span", f"{safe(each.type)}, {size(each.size)}").classes("tk-quiet")
        if each.description:
            ui.label(parts.safe_lines(each.description)).classes("tk-break")
        with ui.row().classes("items-center gap-3"):
            if editing is not None and each.text is not None:
                _button("Edit", "edit", partial(editing.edit_object, each), f"edit-object-{_token(each.name)}")
            parts.download("Download", parts.file_address(task_id, "configuration", name=each.name), about=each.name)
        if each.text is None:
            ui.label("It is large, or not text; download it to see it.").classes("tk-quiet")
        else:
            parts.text(each.text, label=safe(each.name))


def _token(name: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in name)
