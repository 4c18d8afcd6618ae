"""What the tabs of a task are made of. Every text is shown as text, whatever is in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from ...core.spelling import safe
from ..moments import moment as moment

MAX_TEXT = 256 << 10
"""Characters of one text that a page shows; the rest is downloaded."""


class Text(TextElement):
    """A text in an element of any name: a heading, a cell."""

    def __init__(self, tag: str, text: str) -> None:
        super().__init__(tag=tag, text=text)


def heading(text: str, *, level: int = 2, note: str = "") -> None:
    """Show the heading of a part, with a quiet note beside it."""
    with ui.row().classes("items-baseline gap-2 tk-heading"):
        Text(f"h{level}", text).classes("tk-h")
        if note:
            ui.label(note).classes("tk-quiet")


def facts(pairs: Iterable[tuple[str, object]], *, name: str = "") -> None:
    """Show names with their values, in two columns; what is empty is left out. A value may build its own content."""
    kept = [(label, value) for label, value in pairs if value not in ("", None)]
    if not kept:
        return
    with ui.element("dl").classes("tk-facts") as place:
        if name:
            place.props(f"data-testid={name}")
        for label, value in kept:
            Text("dt", safe(label))
            _shown("dd", value)


def safe_lines(text: str) -> str:
    """Show what a browser would obey (marks of direction, control characters) as escapes; lines and tabs stay."""
    return "\n".join("\t".join(map(safe, line.split("\t"))) for line in text.split("\n"))


def text(value: str, *, label: str, max_characters: int = MAX_TEXT) -> None:
    """Show a text of several lines as it is spelled, bounded."""
    cut = value[:max_characters]
    with ui.element("div").classes("tk-text") as place:
        place.props["tabindex"] = 0
        place.props["role"] = "region"
        place.props["aria-label"] = label
        ui.label(safe_lines(cut.replace("\r\n", "\n")))
    if len(value) > len(cut):
        ui.label(f"The first {len(cut):,} of {len(value):,} characters; the rest is in the file.").classes("tk-quiet")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, label: str, name: str = "") -> Element:
    """Show rows as a table; a cell is a text, or builds its own content."""
    with ui.element("div").classes("tk-scroll") as frame:
        frame.props["tabindex"] = 0
        frame.props["role"] = "region"
        frame.props["aria-label"] = label
        with ui.element("table").classes("tk-table") as made:
            if name:
                made.props(f"data-testid={name}")
            with ui.element("thead"), ui.element("tr"):
                for column in columns:
                    Text("th", column).props("scope=col")
            with ui.element("tbody"):
                for row in rows:
                    with ui.element("tr"):
                        for value in row:
                            _shown("td", value)
    return made


def _shown(tag: str, value: object) -> None:
    if callable(value):
        with ui.element(tag):
            value()
    else:
        Text(tag, "" if value is None else safe_lines(str(value)))


def link(text: str, address: str) -> None:
    """Show a link to a page of ours; the address is not of a task's making."""
    ui.link(safe(text), address).classes("tk-link")


def outside(text: str) -> None:
    """Show an address that a task names; one of the web may be followed."""
    try:
        is_web = urlsplit(text).scheme in ("http", "https")
    except ValueError:
        is_web = False
    if not is_web:
        ui.label(safe(text))
        return
    made = ui.link(safe(text), text, new_tab=True).classes("tk-link")
    made.props["rel"] = "noopener noreferrer"


def download(label: str, address: str, *, about: str = "") -> None:
    """Show a link that saves a file."""
    made = ui.link(target=address).classes("tk-download")
    made.props["download"] = ""
    made.props["aria-label"] = f"{label} {about}".strip()
    with made:
        ui.icon("download").props("aria-hidden=true")
        ui.label(label)


def task_address(task_id: str) -> str:
    """Return the address of a task's page."""
    return f"/task/{quote(task_id, safe='')}"


def project_address(project: str) -> str:
    """Return the address of a project's tasks."""
    return "/?" + urlencode({"project": project})


def file_address(task_id: str, kind: str, **given: str) -> str:
    """Return the address of a file of a task (task/served.py)."""
    return f"/files/{quote(task_id, safe='')}/{kind}" + (f"?{urlencode(given)}" if given else "")


def icon_button(icon: str, label: str, act: Callable[[], Any], *, name: str = "") -> ui.button:
    """Show a button that is a sign only, with what it does for who points at it or hears it."""
    made = ui.button(icon=icon, on_click=act).props("flat round dense size=sm").classes("tk-icon")
    made.props["aria-label"] = label
    if name:
        made.props["data-testid"] = name
    made.tooltip(label)
    return made


async def show_once(place: Element, build: Callable[[], Awaitable[None]]) -> None:
    """Build what a place is for, or take it away where it is there."""
    is_there = bool(place.default_slot.children)
    place.clear()
    if not is_there:
        with place:
            await build()


def filtered(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, label: str, name: str, max_rows: int, least: int = 12
) -> None:
    """Show rows as a table with a field that leaves those that hold a text; few rows have no field."""

    def fill() -> None:
        wanted = str(field.value or "").casefold() if field is not None else ""
        found = [row for row in rows if not wanted or any(wanted in str(cell).casefold() for cell in row)]
        place.clear()
        with place:
            table(columns, found[:max_rows], label=label, name=name)
            if len(found) > max_rows:
                ui.label(f"The first {max_rows:,} of {len(found):,}; search for the others.").classes("tk-quiet")
            if not found:
                ui.label(f"None holds {safe(wanted)}.").classes("tk-quiet")

    field = None
    if len(rows) > least:
        field = search(f"Search {label.lower()}", fill, name=f"search-{name}")
    place = ui.element("div").classes("w-full")
    fill()


def search(label: str, changed: Callable[[], Any], *, name: str, value: str = "") -> ui.input:
    """Show a field to search with."""
    made = ui.input(placeholder=label, value=value, on_change=lambda: changed()).classes("tk-search")
    made.props("outlined dense clearable debounce=200")
    made.props["aria-label"] = label
    made.props["data-testid"] = name
    return made
