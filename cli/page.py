"""Pages for people: headings, labelled facts and small tables, the same words in a terminal and piped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from taskstore.core.clock import SYSTEM

from . import render

_LABEL_WIDTH = 11
_MAX_TEXT = 500
MAX_ROWS = 200
"""Of a table on a page; --json has all."""
Fact = tuple[str, str]


def heading(text: str, note: str = "") -> None:
    """Print an empty line and the name of a section."""
    render.line()
    render.hanging("", (text, "bold"), (f"  {render.safe(note)}" if note else "", "dim"))


def facts(pairs: Iterable[Fact], *, styles: dict[str, str] | None = None) -> None:
    """Print label and text of each pair; a pair without text is left out. Further lines of a text are indented."""
    for label, text in pairs:
        if not text:
            continue
        style = (styles or {}).get(label, "")
        first, *more = render.safe_lines(text).split("\n")
        render.hanging((f"{label:{_LABEL_WIDTH}} ", "dim"), (first, style))
        for following in more:
            render.hanging(" " * (_LABEL_WIDTH + 1), (following, style))


def short(text: str) -> str:
    """Spell a text on one line, a long one cut."""
    cleaned = render.safe(text)
    return cleaned if len(cleaned) <= _MAX_TEXT else f"{cleaned[: _MAX_TEXT - 1]}…"


def grid(rows: Sequence[Sequence[object]], columns: Sequence[str | render.Column]) -> None:
    """Print a small table within a page: aligned also where it is piped."""
    if not rows:
        return
    if render.is_terminal():
        render.table(rows, columns)
        return
    header = [column if isinstance(column, str) else column.name for column in columns]
    texts = [header, *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(header))]
    for row in texts:
        render.line("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    return render.short_number(value) if isinstance(value, float) else render.cell(value)


def say_rest(count: int) -> None:
    """Say how many rows a table of the page leaves out."""
    if count > MAX_ROWS:
        render.line(f"and {count - MAX_ROWS:,} more; --json has all")


def moment(time: datetime | None) -> str:
    """Spell a time; in a terminal it is the local one, and how long ago it was."""
    if time is None:
        return ""
    if not render.is_terminal():
        return render.rfc3339(time)
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S} ({render.ago(time, SYSTEM.now())})"
