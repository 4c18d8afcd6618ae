"""One task's page: tabs of what it is, what ran, what it printed, reported and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static, TabbedContent, TabPane

from ..core.errors import NotFound
from ..core.spelling import safe, safe_lines, size
from ..schema.artifact import OUTPUT
from ..store import artifacts, configuration, models, places, query, tasks
from ..store.query import Row
from . import cells, facts
from .acting import ActingScreen
from .console import Console
from .dialogs import Page
from .lines import Pager
from .scalars import Scalars
from .shared import begin
from .table import Table, measured

Cells = Sequence[str]
_MOST_CHARS = 1_000_000
TABS = ("info", "execution", "parameters", "console", "scalars", "artifacts", "history")


class TaskScreen(ActingScreen):
    """The page of one task, which follows it."""

    DEFAULT_CSS = """
    TaskScreen .head { height: 1; background: $panel; }
    TaskScreen TabbedContent { height: 1fr; }
    TaskScreen ContentSwitcher { height: 1fr; }
    TaskScreen TabPane { height: 1fr; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "leave", "back"),
        *(Binding(str(at), f"tab({tab!r})", f"tab {tab}", show=False) for at, tab in enumerate(TABS, 1)),
        Binding("tab,right_square_bracket", "step(1)", "next tab", priority=True),
        Binding("shift+tab,left_square_bracket", "step(-1)", "tab before", show=False, priority=True),
    ]

    def __init__(self, row: Row, tab: str = "info") -> None:
        super().__init__()
        self._row = row
        self._tab = tab

    def compose(self) -> ComposeResult:
        """A head, the tabs, the keys."""
        yield Static("", classes="head", markup=False)
        with TabbedContent(initial=self._tab):
            for tab in TABS:
                with TabPane(tab.capitalize(), id=tab):
                    if tab == "console":
                        yield Console()
                    elif tab == "scalars":
                        yield Scalars()
                    elif tab in ("info", "execution"):
                        yield Pager(id=f"{tab}-text")
                    else:
                        yield Table[Cells]([], lambda row: "\0".join(row), id=f"{tab}-table", empty=f"no {tab}")
        yield Footer()

    def on_mount(self) -> None:
        """Show the task, and begin to follow it."""
        begin(self, partial(self.follow, True))
        self.focus_tab()

    def on_tabbed_content_tab_activated(self) -> None:
        """Show what the tab is about."""
        begin(self, partial(self.follow, True))
        self.focus_tab()

    @property
    def tab(self) -> str:
        """The tab that is shown."""
        return self.query_one(TabbedContent).active

    def focus_tab(self) -> None:
        """Give the keys to what the tab shows."""
        pane = self.query_one(f"#{self.tab}", TabPane)
        for widget in pane.query("*"):
            if widget.focusable:
                widget.focus()
                return

    async def follow(self, changed: bool) -> None:
        """Read the task again, and show what the tab is about."""
        with self.board.telling(self._row.id):
            self._row = await asyncio.to_thread(self._read)
            self._show_head()
            if changed or self.tab != "execution":  # what ran changes seldom, and may be long
                await self._show_tab()

    def _read(self) -> Row:
        try:
            return query.row_of(self.board.store, places.locate(self.board.store, self._row.id))
        except FileNotFoundError:
            raise NotFound("task", self._row.id[:12], "it has been moved or deleted") from None

    def _show_head(self) -> None:
        row = self._row
        head = Text.assemble(
            (f" {safe(cells.status(row)[:60])} ", cells.status_style(row)), " ", (safe(row.task.name[:300]), "bold")
        )
        head.append(f"  {safe(row.project[:300])}  {row.id[:12]}", "dim")
        head.no_wrap = True
        self.query_one(".head", Static).update(head)

    async def _show_tab(self) -> None:
        paths, tab = self._row.paths, self.tab
        if tab == "info":
            self.query_one("#info-text", Pager).show(facts.info(self._row, self.board.store.clock.now()))
        elif tab == "execution":
            script = await asyncio.to_thread(tasks.read_script, paths)
            lines = await asyncio.to_thread(facts.execution, paths, script)
            self.query_one("#execution-text", Pager).show(lines)
        elif tab == "console":
            await self.query_one(Console).follow(paths, self._row.task.status)
        elif tab == "scalars":
            await self.query_one(Scalars).follow(self._row)
        else:
            titles, rows, share = await asyncio.to_thread(_TABLES[tab], self._row)
            table: Table[Cells] = self.query_one(f"#{tab}-table", Table)
            table.show(rows, measured(titles, rows, share=share))

    def chosen(self) -> list[Row]:
        """What the actions are about: this task."""
        return [self._row]

    async def acted(self, done_ids: list[str], key: str) -> None:
        """Show what has become of it; of a task that is deleted there is nothing to show."""
        if key == "delete":
            self.dismiss(None)
        else:
            await self.follow(True)

    def on_table_opened(self, event: Table.Opened) -> None:
        """Show all of a row whose cells may be cut, or the text of a configuration object."""
        event.stop()
        titles = [column.title for column in event.table.columns] if isinstance(event.table, Table) else []
        if self.tab in _TABLES and isinstance(event.row, tuple):
            begin(self, partial(self._open, dict(zip(titles, event.row, strict=True))))

    async def _open(self, cells_by_title: dict[str, str]) -> None:
        lines = facts.facts(cells_by_title.items())
        name = cells_by_title.get("name", "")
        if self.tab == "parameters" and name.startswith(_CONFIGURATION):
            with self.board.telling():
                found = await asyncio.to_thread(_configuration, self._row, name.removeprefix(_CONFIGURATION))
                lines = lines if found is None else found
        self.app.push_screen(Page(self.tab.capitalize(), lines, is_folded=True))

    def action_tab(self, tab: str) -> None:
        """Show a tab."""
        self.query_one(TabbedContent).active = tab

    def action_step(self, step: int) -> None:
        """Show the next tab, or the one before."""
        self.action_tab(TABS[(TABS.index(self.tab) + step) % len(TABS)])

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


_CONFIGURATION = "configuration "


def _configuration(row: Row, name: str) -> list[Text] | None:
    """Return the lines of a configuration object; None where there is none of that name."""
    found = configuration.read(row.paths).get(name)
    if found is None:
        return None
    text = configuration.text_of(found)
    if text is None:
        return [Text("it is not text", style="dim")]
    return [Text(line) for line in safe_lines(text[:_MOST_CHARS]).split("\n")]


Listed = tuple[list[str], list[Cells], int]


def _parameters(row: Row) -> Listed:
    rows: list[Cells] = [
        (f"{section}/{name}", parameter.value, parameter.description or "")
        for section, found in row.hyperparams.items()
        for name, parameter in found.items()
    ]
    rows += [(f"{_CONFIGURATION}{name}", "", "enter shows it") for name in configuration.read(row.paths)]
    return ["name", "value", "meaning"], rows, 1


def _kept(row: Row) -> Listed:
    rows: list[Cells] = [
        (
            "artifact",
            item.key,
            item.type + ("" if item.mode == OUTPUT else f" ({item.mode})"),
            size(item.file.size) if item.file else "",
            item.file.path if item.file else item.uri,
        )
        for item in artifacts.read(row.paths).artifacts.values()
    ]
    record = models.read(row.paths)
    rows += [
        (
            "model",
            model.name,
            model.framework,
            size(model.size) if model.hash else "",
            model.file.path if model.file else model.uri,
        )
        for model in record.output.values()
    ]
    rows += [
        (
            "given model",
            slot,
            item.about.framework if item.about else "",
            "",
            f"task {item.task[:12]}" if item.task else item.source,
        )
        for slot, item in record.input.items()
    ]
    return ["kind", "name", "type", "size", "where"], rows, 4


def _history(row: Row) -> Listed:
    rows: list[Cells] = [
        (
            f"{change.time.astimezone():%Y-%m-%d %H:%M:%S}",
            change.status.label,
            change.reason,
            change.who,
            change.message,
        )
        for change in reversed(row.task.history)
    ]
    return ["time", "status", "reason", "by", "message"], rows, 2


_TABLES = {"parameters": _parameters, "artifacts": _kept, "history": _history}
