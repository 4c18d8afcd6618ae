"""The table of tasks: which, in which order, with which columns."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, Static

from ..core.errors import BadValue
from ..core.spelling import count, safe, safe_lines
from ..core.states import Status
from ..disk import mounts
from ..schema import field_names, filters
from ..sections.compare import many
from ..store.query import TASK_FIELDS, Query, Row
from . import cells
from .acting import ActingScreen
from .comparing import CompareScreen
from .dialogs import Ask
from .projects import Project, tree
from .queues import QueuesScreen
from .shared import begin
from .table import Column, Table
from .task import TaskScreen

_DEFAULT_ORDER = "-created"


class TasksScreen(ActingScreen):
    """The first screen."""

    DEFAULT_CSS = """
    TasksScreen .head { height: 1; background: $panel; }
    TasksScreen .asked { height: auto; display: none; }
    TasksScreen .asked.-open { display: block; }
    TasksScreen .asked Static { color: $text-error; display: none; }
    TasksScreen .asked.-wrong Static { display: block; }
    TasksScreen #projects { width: 28; display: none; border-right: solid $panel; }
    TasksScreen #projects.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", tooltip="mark the task, or unmark it, and go on to the next"),
        Binding("slash", "ask('text')", "search", tooltip="search names, comments, ids and projects while you type"),
        Binding(
            "f", "ask('where')", "filter", tooltip="filter by the query language; what is wrong is said below the field"
        ),
        Binding("s", "sort", "sort", tooltip="sort by any fields, parameters and metrics"),
        Binding("c", "columns", "columns", show=False, tooltip="choose parameters and metrics as columns"),
        Binding("p", "projects", "projects", tooltip="open or close the tree of projects; enter chooses one"),
        Binding(
            "d", "compare", "compare the marked tasks", show=False, tooltip="set the marked tasks side by side, 2 to 20"
        ),
        Binding("w", "queues", "queues and workers", show=False),
        Binding("v", "archived", "archived or not", show=False, tooltip="show archived tasks too, or leave them out"),
        Binding("u", "unmark", "unmark all", show=False),
        Binding(
            "escape",
            "clear",
            "close the field, clear the filter",
            show=False,
            tooltip="close the field and clear search and filter; again: all projects",
        ),
        Binding("q", "app.quit", "quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.marked: set[str] = set()
        self.project: str | None = None
        self.order = _DEFAULT_ORDER
        self.chosen_columns: list[str] = []
        self.asked = {"text": "", "where": ""}
        self.with_archived = False
        self._shown_version = -1

    def compose(self) -> ComposeResult:
        """A head, the fields of search and filter, the projects, the tasks, the keys."""
        yield Static("", classes="head", markup=False)
        for name, about in (("text", "search"), ("where", "filter, like status = failed and Args/lr > 0.1")):
            with Vertical(classes="asked", id=f"asked-{name}"):
                yield Input(placeholder=about, compact=True, id=name)
                yield Static("", markup=False)
        with Horizontal():
            yield Table[Project](
                [Column("project", lambda row: row.label), Column("", lambda row: str(row.count), 6, is_right=True)],
                lambda row: row.name or "",
                id="projects",
            )
            yield Table[Row]([], lambda row: row.id, id="tasks", empty="no task fits")
        yield Footer()

    @property
    def table(self) -> Table[Row]:
        """The table of tasks."""
        return self.query_one("#tasks", Table)

    def on_mount(self) -> None:
        """Show the tasks."""
        self.table.marked = self.marked
        self.table.focus()
        begin(self, self.show)

    def on_screen_resume(self) -> None:
        """Show what has changed while another screen was before it."""
        begin(self, partial(self.follow, True))

    async def follow(self, changed: bool) -> None:
        """Show what has changed; the times of what runs go on in any case."""
        if self.board.listing.version != self._shown_version:
            await self.show()
        else:
            self.table.refresh()

    async def show(self) -> None:
        """Find the tasks that are wanted, and show them."""
        listing = self.board.listing
        self._shown_version = listing.version
        wanted, order = self._query(), field_names.parse_order(self.order)
        with self.board.telling():
            rows = await asyncio.to_thread(listing.find, wanted, order)
            self.marked &= {row.id for row in listing.rows}
            self.table.empty = "no task fits" if listing.rows else "no tasks yet; `taskstore run SCRIPT` makes one"
            self.table.show(rows, cells.columns(self.board.store.clock, self.chosen_columns, self.marked.__contains__))
            self.query_one("#projects", Table).show(tree(listing.rows, with_archived=self.with_archived))
            self._show_head(rows)

    def _query(self) -> Query:
        where = filters.parse(self.asked["where"]) if self.asked["where"].strip() else None
        return Query(
            project=self.project, text=self.asked["text"] or None, where=where, with_archived=self.with_archived
        )

    def _show_head(self, rows: list[Row]) -> None:
        running = sum(1 for row in rows if row.task.status is Status.IN_PROGRESS)
        told = [count(len(rows), "task"), f"{running} running" if running else ""]
        told += [f"{len(self.marked)} marked" if self.marked else "", self.project or ""]
        told += [f"sorted by {self.order}" if self.order != _DEFAULT_ORDER else ""]
        told += [f"search {self.asked['text']}" if self.asked["text"] else ""]
        told += [f"filter {self.asked['where']}" if self.asked["where"] else ""]
        damaged = len(self.board.listing.damaged)
        told += [f"{damaged} damaged: `taskstore doctor`" if damaged else ""]
        place = mounts.shown(str(self.board.store.zip or self.board.store.root))
        head = Text.assemble(("taskstore ", "bold"), "  ".join(safe(part) for part in told if part))
        head.append(f"  {safe(place)}", "dim")
        head.no_wrap = True
        self.query_one(".head", Static).update(head)

    def chosen(self) -> list[Row]:
        """What actions are about: the marked tasks, else the one at the cursor."""
        if self.marked:
            return [row for row in self.board.listing.rows if row.id in self.marked]
        return [self.table.row] if self.table.row is not None else []

    async def acted(self, done_ids: list[str], key: str) -> None:
        """Show what has become of the tasks."""
        await self.show()

    def on_table_opened(self, event: Table.Opened) -> None:
        """Open a task, or show the tasks of a project."""
        if event.table.id == "tasks" and self.table.row is not None:
            self.app.push_screen(TaskScreen(self.table.row))
        elif isinstance(event.row, Project):
            self.project = event.row.name
            self.table.focus()
            begin(self, self.show)

    def action_mark(self) -> None:
        """Mark the task at the cursor, or unmark it, and go on."""
        if self.table.row is not None:
            self.marked ^= {self.table.row.id}
            self._show_head(list(self.table.rows))
            self.table.action_down()

    def action_unmark(self) -> None:
        """Unmark all."""
        self.marked.clear()
        self._show_head(list(self.table.rows))
        self.table.refresh()

    def action_compare(self) -> None:
        """Set the marked tasks side by side."""
        rows = [row for row in self.table.rows if row.id in self.marked]
        if not many.MIN_TASKS <= len(rows) <= many.MAX_TASKS:
            self.board.tell(
                f"mark {many.MIN_TASKS} to {many.MAX_TASKS} tasks with the space bar to compare them; "
                f"{len(rows)} shown here are marked",
                is_warning=True,
            )
            return
        self.app.push_screen(CompareScreen(rows))

    def action_queues(self) -> None:
        """Show the queues and the workers."""
        self.app.push_screen(QueuesScreen())

    def action_archived(self) -> None:
        """Show archived tasks too, or leave them out."""
        self.with_archived = not self.with_archived
        begin(self, self.show)

    def action_projects(self) -> None:
        """Show the projects and go there, or close them."""
        panel: Table[Project] = self.query_one("#projects", Table)
        panel.toggle_class("-open")
        (panel if panel.has_class("-open") else self.table).focus()

    def action_ask(self, name: str) -> None:
        """Open the field of the search or of the filter."""
        self.query_one(f"#asked-{name}").add_class("-open")
        self.query_one(f"#{name}", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while it is typed; a filter is tried when it is done."""
        if event.input.id == "text":
            self.asked["text"] = event.value
            begin(self, self.show, only="search")
        else:
            self.query_one("#asked-where").remove_class("-wrong")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter by it; what is wrong with it is said below the field."""
        name = event.input.id or ""
        if name == "where" and event.value.strip():
            try:
                filters.parse(event.value)
            except BadValue as error:
                box = self.query_one("#asked-where")
                box.add_class("-wrong")
                box.query_one(Static).update(Text(safe_lines(str(error))))
                return
        self.asked[name] = event.value
        self.query_one(f"#asked-{name}").set_class(bool(event.value.strip()), "-open")
        self.table.focus()
        begin(self, self.show)

    def action_clear(self) -> None:
        """Close the fields and show all again: of the project first, then of all."""
        if not any(self.asked.values()) and isinstance(self.focused, Table):
            self.project = None
        for name in self.asked:
            self.asked[name] = ""
            box = self.query_one(f"#asked-{name}")
            box.remove_class("-open", "-wrong")
            box.query_one(Input).value = ""
        self.table.focus()
        begin(self, self.show)

    def names(self) -> list[str]:
        """Return the fields, parameters and metrics that tasks have."""
        found: dict[str, None] = {}
        for row in self.table.rows[:500]:
            found |= dict.fromkeys(f"{section}/{name}" for section, each in row.hyperparams.items() for name in each)
            found |= dict.fromkeys(f"{metric}/{name}" for metric, each in row.last_metrics.items() for name in each)
        return [*TASK_FIELDS, *found]

    def action_sort(self) -> None:
        """Ask by what to sort."""
        begin(self, self._ask_order)

    async def _ask_order(self) -> None:
        order = await self.app.push_screen_wait(
            Ask(
                "Sort by",
                self.order,
                hint="fields with commas between, - before one turns it: -created, validation/loss.min",
                check=_order,
                offers=[sign + name for name in self.names() for sign in ("", "-")],
            )
        )
        if order is not None:
            self.order = order.strip() or _DEFAULT_ORDER
            await self.show()

    def action_columns(self) -> None:
        """Ask which parameters and metrics to show."""
        begin(self, self._ask_columns)

    async def _ask_columns(self) -> None:
        columns = await self.app.push_screen_wait(
            Ask(
                "Columns",
                ", ".join(self.chosen_columns),
                hint="parameters, metrics and fields with commas between: Args/lr, validation/loss.min, user",
                check=field_names.parse_list,
                offers=self.names(),
            )
        )
        if columns is not None:
            self.chosen_columns = [name.lstrip("+") for name in field_names.parse_list(columns)]
            await self.show()


def _order(text: str) -> object:
    return field_names.parse_order(text) if text.strip() else None
