"""Two to twenty tasks side by side, and the differences of a file of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static

from ..core.spelling import safe_lines
from ..sections.compare import many
from ..store import places
from ..store.query import Row
from ..store.store import Store
from . import cells
from .acting import ActingScreen
from .dialogs import Page
from .shared import begin
from .table import Column, Table

_NAME_WIDTH, _LEAST_WIDTH = 26, 16
_GREATEST, _LEAST = "▲", "▼"
_LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True)
class Shown:
    """A line of the comparison; `line` is None for the title of a section."""

    section: str
    line: many.Line | None = None


class CompareScreen(ActingScreen):
    """The comparison: what differs, or all."""

    DEFAULT_CSS = "CompareScreen .head { height: 1; background: $panel; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "leave", "back"),
        Binding("equals_sign", "same", "all", tooltip="show what is the same, too, or only what differs"),
    ]

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        self._rows = list(rows)
        self._found: many.SideBySide | None = None
        self._with_same = False

    def compose(self) -> ComposeResult:
        """A head, the lines, the keys."""
        yield Static("", classes="head", markup=False)
        yield Table[Shown](_columns(self._rows, 0), _key, empty="no difference")
        yield Footer()

    @property
    def table(self) -> Table[Shown]:
        """The lines."""
        return self.query_one(Table)

    def on_mount(self) -> None:
        """Compare."""
        self.table.focus()
        begin(self, self._read)

    def on_resize(self) -> None:
        """Share out the width again."""
        self._show()

    async def _read(self) -> None:
        with self.board.telling():
            self._found = await asyncio.to_thread(_compared, self.board.store, [row.id for row in self._rows])
            self._show()

    def _show(self) -> None:
        if self._found is None:
            return
        width = (self.app.size.width - _NAME_WIDTH - 2) // len(self._rows) - 1
        self.table.show(lines(self._found, with_same=self._with_same), _columns(self._rows, width))
        what = "all" if self._with_same else "what differs"
        self.query_one(".head", Static).update(
            Text(f"{len(self._rows)} tasks side by side: {what}; enter shows the differences of a file", no_wrap=True)
        )

    async def follow(self, changed: bool) -> None:
        """A comparison stands as it was read."""

    def chosen(self) -> list[Row]:
        """What actions are about: all that are compared."""
        return self._rows

    async def acted(self, done_ids: list[str], key: str) -> None:
        """Compare again; with one of them deleted there is nothing to compare."""
        if key == "delete":
            self.dismiss(None)
        else:
            await self._read()

    def on_table_opened(self, event: Table.Opened) -> None:
        """Show the differences of a file."""
        shown = event.row
        if self._found is None or not isinstance(shown, Shown) or shown.line is None:
            return
        files = {"source": self._found.source, "configuration": self._found.configuration}.get(shown.section, ())
        for item in files:
            if item.name == shown.line.name:
                self.app.push_screen(Page(f"{item.name[:60]}: the others against the first", _diffs(item)))

    def action_same(self) -> None:
        """Show what is the same, too, or leave it out."""
        self._with_same = not self._with_same
        self._show()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


def _compared(store: Store, ids: Sequence[str]) -> many.SideBySide:
    return many.side_by_side(many.read(store, [places.locate(store, task_id) for task_id in ids]))


def lines(found: many.SideBySide, *, with_same: bool) -> list[Shown]:
    """Return the lines of every section that has some, each section below its title."""
    shown: list[Shown] = []
    for section in many.SECTIONS:
        wanted = found.sections[section] if with_same else found.differing(section)
        if wanted:
            shown += [Shown(section), *(Shown(section, line) for line in wanted)]
    return shown


def _key(shown: Shown) -> str:
    return "\0".join([shown.section, *([shown.line.name, shown.line.kind] if shown.line else [])])


def _columns(rows: Sequence[Row], width: int) -> list[Column[Shown]]:
    values = [
        Column[Shown](row.task.name, _value(place), max(_LEAST_WIDTH, width), is_right=False)
        for place, row in enumerate(rows)
    ]
    return [Column[Shown]("", _name, _NAME_WIDTH, lambda shown: "" if shown.line else "bold"), *values]


def _name(shown: Shown) -> str:
    if shown.line is None:
        return shown.section.capitalize()
    return f"  {shown.line.name}" + (f" {shown.line.kind}" if shown.line.kind else "")


def _value(place: int) -> Callable[[Shown], str]:
    def cell(shown: Shown) -> str:
        line = shown.line
        if line is None:
            return ""
        value = line.values[place]
        mark = _GREATEST if place in line.greatest else _LEAST if place in line.least else ""
        return "-" if value is None else cells.value_text(value) + (f" {mark}" if mark else "")

    return cell


def _diffs(item: many.Files) -> list[Text]:
    found: list[Text] = []
    for place in range(1, len(item.sources)):
        pair = item.diff(place)
        found.append(Text(f"task {place + 1}" + (": the same" if pair.is_same else ""), style="bold"))
        found += [Text(safe_lines(line), style=_LINE_STYLES.get(line[:1], "")) for line in pair.lines]
    return found
