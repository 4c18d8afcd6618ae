"""What a task was given: parameters by section, and configuration objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from nicegui import ui

from ...board import settings
from ...core.spelling import count, safe, size
from ...core.states import EDITABLE
from ...schema.record import USER_PROPERTIES
from ..frame import empty
from ..task import address, parts
from ..task.editing import Editing

if TYPE_CHECKING:
    from ...board.settings import Named, Object, Settings
    from ..desk import Desk
    from ..frame import Frame

_MAX_ROWS = 200
_LEAST_SEARCHED = 8


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Show a task's parameters and configuration objects."""
    found = await asyncio.to_thread(settings.read, desk.store, task_id)
    is_writable = not desk.why_read_only
    editing = Editing(desk, frame, task_id)
    is_draft = found.status in EDITABLE
    if not is_draft and is_writable:
        ui.label("No draft: only its user properties can be changed here. A clone is one.").classes("tk-quiet")
    place = ui.element("div").classes("tk-part")
    sought = ""

    def fill() -> None:
        wanted = str(field.value or "") if field is not None else sought
        address.keep(find=wanted)
        place.clear()
        with place:
            _sections(found, wanted.casefold(), editing if is_writable else None)

    field = None
    if len(found.parameters) > _LEAST_SEARCHED:
        sought = address.given("find")
        field = parts.search("Search parameters", fill, name="search-parameters", value=sought)
        field.move(target_index=0)
    fill()
    _objects(task_id, found, editing if is_writable and is_draft else None)
    if not found.parameters and not found.objects:
        empty("It was given no parameters and no configuration.", f"taskstore set {task_id[:12]} NAME=VALUE")


def _sections(found: Settings, wanted: str, editing: Editing | None) -> None:
    sections: dict[str, list[Named]] = {}
    for named in found.parameters:
        if not wanted or named.has(wanted):
            sections.setdefault(named.section, []).append(named)
    if editing is not None and (found.status in EDITABLE or USER_PROPERTIES not in sections):
        section = "" if found.status in EDITABLE else USER_PROPERTIES
        label = "Add a parameter" if not section else "Add a user property"
        _button(label, "add", partial(editing.add, section), "add-parameter")
    for section, items in sections.items():
        _section(section, items, editing if found.is_editable(section) else None)
    if wanted and not sections:
        ui.label(f"No parameter holds {safe(wanted)}.").classes("tk-quiet")


def _button(label: str, icon: str, act: Callable[[], Any], name: str) -> None:
    ui.button(label, icon=icon, on_click=act).props(f"outline no-caps dense padding='2px 10px' data-testid={name}")


def _section(section: str, items: list[Named], editing: Editing | None) -> None:
    title = "User properties" if section == USER_PROPERTIES else safe(section)
    noun = ("property", "properties") if section == USER_PROPERTIES else ("parameter", "")
    parts.heading(title, note=count(len(items), *noun))
    if editing is not None and section == USER_PROPERTIES:
        _button("Add a user property", "add", partial(editing.add, section), "add-property")
    has_about = any(named.parameter.description for named in items)
    columns = ["Name", "Value", "Type", *(["Meaning"] if has_about else []), *([""] if editing else [])]
    rows = []
    for named in items[:_MAX_ROWS]:
        row: list[object] = [named.name, partial(_value, named), named.parameter.type or ""]
        row += [named.parameter.description or ""] if has_about else []
        row += [partial(_buttons, named, editing)] if editing else []
        rows.append(row)
    parts.table(columns, rows, label=title, name="parameters")
    if len(items) > _MAX_ROWS:
        ui.label(f"The first {_MAX_ROWS:,} of {len(items):,}; search for the others.").classes("tk-quiet")


def _value(named: Named) -> None:
    shown = ui.label(parts.safe_lines(named.parameter.value)).classes("tk-break ts-mono")
    if named.is_masked:
        shown.classes("tk-masked").props("title='A secret, which is not stored'")
    if named.problem:
        ui.label(parts.safe_lines(named.problem)).classes("tk-warn")


def _buttons(named: Named, editing: Editing) -> None:
    with ui.row().classes("gap-0 no-wrap"):
        for icon, what, act in (("edit", "Change", editing.change), ("delete", "Remove", editing.remove)):
            if what == "Change" and named.is_masked:
                continue
            button = ui.button(icon=icon, on_click=partial(act, named)).props("flat round dense size=sm")
            button.props["aria-label"] = button.props["title"] = f"{what} {safe(named.full)}"
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
