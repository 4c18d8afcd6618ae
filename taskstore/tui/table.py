"""A table with a cursor, whose rows are any objects and whose cells are made when they are seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ..core.spelling import safe
from .lines import Lines

T = TypeVar("T")
_GAP = " "
_LEAST_SHARE = 16
_MEASURED = 500
_MOST_MEASURED = 48
MARK = "*"


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column: its cells are text that nobody has cleaned. A `width` of 0 takes what the others leave.

    It shows where the table is at least `from_width` cells wide.
    """

    title: str
    cell: Callable[[T], str]
    width: int = 0
    style: Callable[[T], str] = lambda _: ""
    is_right: bool = False
    from_width: int = 0


class Table(Lines, Generic[T]):
    """Rows and a cursor. The row at the cursor stays the same where other rows come or go: `key` tells rows apart."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "open", show=False, tooltip="open it")]
    head_height = 1

    class Opened(Message):
        """The row at the cursor was asked for."""

        def __init__(self, table: Lines, row: object) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> Lines:
            """The table."""
            return self.table

    class Moved(Opened):
        """The cursor is at another row."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        key: Callable[[T], str],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        empty: str = "",
    ) -> None:
        super().__init__(id=id)
        self.columns = list(columns)
        self.rows: Sequence[T] = ()
        self.marked: Collection[str] = ()
        self.empty = empty
        self._key = key
        self._at = 0
        self._widths: list[tuple[Column[T], int]] = []

    @property
    def count(self) -> int:
        """How many rows there are; where there is none, one line says so."""
        return len(self.rows) or bool(self.empty)

    @property
    def at(self) -> int:
        """The number of the row at the cursor."""
        return self._at

    @property
    def row(self) -> T | None:
        """The row at the cursor."""
        return self.rows[self._at] if 0 <= self._at < len(self.rows) else None

    def show(self, rows: Sequence[T], columns: Sequence[Column[T]] | None = None) -> None:
        """Show other rows, or other columns of them."""
        key = self._key(self.row) if self.row is not None else None
        is_seen = 0 <= self._at - self.scroll_offset.y < self.page_height
        self.rows = rows
        if columns is not None:
            self.columns = list(columns)
        places = (at for at, row in enumerate(rows) if self._key(row) == key) if key is not None else iter(())
        self._at = next(places, min(self._at, max(0, len(rows) - 1)))
        self.changed()
        if is_seen:
            self._scroll_to_cursor()

    def changed(self) -> None:
        """Share out the width, and draw again."""
        self._widths = self._shared()
        super().changed()

    def widest(self) -> int:
        """Return the width of a row."""
        return sum(width for _, width in self._widths) + len(_GAP) * max(0, len(self._widths) - 1)

    def _shared(self) -> list[tuple[Column[T], int]]:
        seen = [column for column in self.columns if column.from_width <= self.seen_width]
        fixed = sum(column.width for column in seen) + len(_GAP) * (len(seen) - 1)
        shares = sum(1 for column in seen if not column.width)
        share = max(_LEAST_SHARE, (self.seen_width - fixed) // shares) if shares else 0
        return [(column, column.width or share) for column in seen]

    def head(self) -> Text:
        """Return the titles of the columns."""
        return Text(_GAP.join(fitted(column.title, width, column.is_right) for column, width in self._widths))

    def line(self, index: int) -> Text:
        """Return one row."""
        if not self.rows:
            return Text(self.empty, style="dim")
        row = self.rows[index]
        pieces: list[tuple[str, str]] = []
        for column, width in self._widths:
            pieces.append((fitted(column.cell(row), width, column.is_right), column.style(row)))
            pieces.append((_GAP, ""))
        text = Text.assemble(*pieces)
        if self._key(row) in self.marked:
            text.stylize("bold")
        return text

    def is_at_cursor(self, index: int) -> bool:
        """The row at the cursor."""
        return index == self._at and bool(self.rows)

    def go(self, at: int) -> None:
        """Put the cursor to a row, and have it seen."""
        before = self._at
        self._at = max(0, min(at, len(self.rows) - 1))
        self._scroll_to_cursor()
        self.refresh()
        if before != self._at and self.row is not None:
            self.post_message(self.Moved(self, self.row))

    def _scroll_to_cursor(self) -> None:
        top = self.scroll_offset.y
        if self._at < top:
            self.scroll_to(y=self._at, animate=False)
        elif self._at >= top + self.page_height:
            self.scroll_to(y=self._at - self.page_height + 1, animate=False)

    def action_up(self) -> None:
        """Move the cursor."""
        self.go(self._at - 1)

    def action_down(self) -> None:
        """Move the cursor."""
        self.go(self._at + 1)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is seen."""
        self.go(self._at + pages * self.page_height)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.go(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.go(len(self.rows) - 1)

    def action_open(self) -> None:
        """Ask for the row at the cursor."""
        if self.row is not None:
            self.post_message(self.Opened(self, self.row))


def fitted(text: str, width: int, is_right: bool = False) -> str:
    """Cut a text, or fill it up, to so many cells of a terminal; what would control that is shown as an escape."""
    # A name of a megabyte is not cleaned for the sake of its first forty characters.
    text = safe(text[: 4 * width + 4])
    cells = cell_len(text)
    if cells > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    return " " * (width - cells) + text if is_right else text + " " * (width - cells)


def measured(titles: Sequence[str], rows: Sequence[Sequence[str]], *, share: int) -> list[Column[Sequence[str]]]:
    """Return columns for rows of plain texts, as wide as the first of them need; column `share` takes the rest."""
    columns = []
    for index, title in enumerate(titles):
        needed = max([len(title), *(cell_len(safe(row[index][:200])) for row in rows[:_MEASURED])])
        columns.append(
            Column[Sequence[str]](
                title, _item(index), width=0 if index == share else max(1, min(needed, _MOST_MEASURED))
            )
        )
    return columns


def _item(index: int) -> Callable[[Sequence[str]], str]:
    return lambda row: row[index]
