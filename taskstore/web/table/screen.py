"""The page of the table: projects at the left, search and filter above, the grid, and what is done to a selection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from nicegui import ui

from ...board import columns
from ...board.table import Table, View
from ...core.errors import BadValue
from ...schema import filters
from ..frame import Frame, empty
from . import chooser
from .elements import ProjectTree, TasksGrid
from .kept_views import KeptViews
from .toolbar import Toolbar

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments

    from ..desk import Desk
    from .parcels import Parcels

_LOOK_S = 1.0
_STYLE = Path(__file__).parent.parent / "static" / "tasks.css"
_MAX_NAMED = 5


class Screen:
    """One person's view of the table."""

    def __init__(  # noqa: PLR0913 - what all pages share, what the tables share, and what this address says
        self, desk: Desk, table: Table, waiting: Parcels, made: Frame, view: View, address: str
    ) -> None:
        self._desk = desk
        self._table = table
        self._made = made
        self._view = view
        self._version = desk.listing.version
        self._waiting = waiting
        self._is_told = False
        self._address = address
        self._shown = shown_in(address) or list(columns.FIRST)

    def build(self) -> None:
        """Put everything on the page."""
        ui.add_css(_STYLE)
        with ui.element("div").classes("tt-page"):
            self._build_side()
            with ui.element("section").classes("tt-work").props('aria-label="Tasks"'):
                self._build_bar()
                self._banner = ui.label().classes("tt-banner").props('role=alert data-testid="damaged"')
                self._nothing = ui.element("div").classes("w-full")
                with self._nothing:
                    empty("No tasks yet.", "taskstore run train.py")
                self._grid = TasksGrid(list(columns.FIXED.values()))
                self._grid.classes("tt-grid-outer")
                self._grid.on("view", self._on_view)
                tools = Toolbar(self._desk, self._made, self._grid, self._waiting)
                self._grid.on("selection", lambda event: tools.show(_names_of(event.args)))
                self._grid.on("compare", tools.compare)
        self._show_state()
        self._name_keys()
        ui.timer(_LOOK_S, self._look)

    def _build_side(self) -> None:
        with ui.element("aside").classes("tt-side").props('aria-label="Projects"') as self._side:
            self._tree = ProjectTree(
                self._view.project, with_archived=self._view.with_archived, on_choose=self._on_project
            )
        self._shade = ui.element("div").classes("tt-shade").on("click", self._toggle_side)

    def _build_bar(self) -> None:
        with ui.element("div").classes("tt-bar"):
            ui.button(icon="account_tree", on_click=self._toggle_side, color=None).props(
                'flat round dense aria-label="Show or hide projects" data-testid="toggle-projects"'
            )
            self._title = ui.label().classes("tt-title").props("role=heading aria-level=1")
            self._text = ui.input("Search", value=self._view.text, on_change=self._on_fields)
            self._text.props('dense outlined clearable debounce=250 type=search data-testid="search"').classes(
                "tt-search"
            )
            self._q = ui.input("Filter", value=self._view.q, on_change=self._on_fields, validation=_problem)
            self._q.props(
                'dense outlined clearable hide-bottom-space debounce=350 data-testid="filter" spellcheck=false'
            ).classes("tt-q")
            self._q.props["placeholder"] = "lr < 0.1 and status = failed"
            self._archived = ui.switch("Archived", value=self._view.with_archived, on_change=self._on_fields)
            self._archived.props('dense data-testid="archived"').classes("tt-switch")
            ui.button("Columns", icon="view_column", on_click=self._choose, color=None).props(
                'flat dense no-caps data-testid="columns"'
            )
            KeptViews(self._desk, self._made, lambda: self._grid, lambda: self._address)

    def _on_project(self, event: GenericEventArguments) -> None:
        self._side.classes(remove="tt-open")
        self._shade.classes(remove="tt-open")
        self._change(project=str(event.args or ""))

    def _on_fields(self) -> None:
        q = (self._q.value or "").strip()
        if self._is_told or _problem(q) is not None:
            return  # a problem is shown at the field
        self._change(q=q, text=(self._text.value or "").strip(), archived=bool(self._archived.value))

    def _change(self, **changes: object) -> None:
        view = self._view
        before = {"project": view.project, "q": view.q, "text": view.text, "archived": view.with_archived}
        after = before | changes
        if after == before:
            return
        self._view = _view_of(after)
        self._grid.look(**after)
        self._show_state()

    async def _choose(self) -> None:
        await chooser.choose(self._table, self._grid, lambda: self._shown)

    def _toggle_side(self) -> None:
        for element in (self._side, self._shade):
            element.classes(toggle="tt-open")

    def _on_view(self, event: GenericEventArguments) -> None:
        told = event.args if isinstance(event.args, dict) else {}
        self._shown = [str(pair[0]) for pair in told.get("columns") or []] or list(columns.FIRST)
        self._address = str(told.get("address", ""))
        if not told.get("is_back"):
            return
        self._view = _view_of(told)
        self._is_told = True  # the fields follow, and ask for nothing
        self._text.value, self._q.value = self._view.text, self._view.q
        self._archived.value = self._view.with_archived
        self._is_told = False
        self._show_state()

    def _look(self) -> None:
        version = self._desk.listing.version
        if version != self._version:
            self._version = version
            self._grid.refresh()
            self._tree.refresh()
            self._show_state()

    def _show_state(self) -> None:
        has_tasks = bool(self._desk.listing.rows)
        self._grid.set_visibility(has_tasks)
        self._nothing.set_visibility(not has_tasks)
        self._title.set_text(self._view.project or "All tasks")
        self._tree.choose(self._view.project, with_archived=self._view.with_archived)
        damaged = self._table.damaged()
        self._banner.set_visibility(bool(damaged))
        if damaged:
            named = "\n".join(str(each) for each in damaged[:_MAX_NAMED])
            more = f"\nand {len(damaged) - _MAX_NAMED} more" if len(damaged) > _MAX_NAMED else ""
            self._banner.set_text(f"{len(damaged)} cannot be read (`taskstore doctor` says more):\n{named}{more}")

    def _name_keys(self) -> None:
        # The grid hears them itself, without a way to the server and back; here they are named.
        for key, what in (
            ("/", "search"),
            ("j", "the next task (or the arrow down)"),
            ("k", "the task before (or the arrow up)"),
            ("Enter", "open the task"),
            ("x", "select the task (or space)"),
            ("c", "compare what is selected"),
        ):
            self._made.on_key(key, what, lambda: None)


def _problem(q: str | None) -> str | None:
    """Say what is wrong with a filter; None where nothing is."""
    try:
        if q and q.strip():
            filters.parse(q)
    except BadValue as error:
        return str(error)
    return None


def shown_in(address: str) -> list[str]:
    """Return the ids of the columns that the query of an address names."""
    return [text.rpartition("@")[0] or text for name, text in parse_qsl(address) if name == "col"]


def _names_of(selected: object) -> dict[str, str]:
    found = selected if isinstance(selected, list) else []
    return {str(each["id"]): str(each.get("name", "")) for each in found if isinstance(each, dict) and "id" in each}


def _view_of(told: Mapping[str, object]) -> View:
    project, q, text = (str(told.get(name, "")) for name in ("project", "q", "text"))
    return View(project, q, text, bool(told.get("archived")))
