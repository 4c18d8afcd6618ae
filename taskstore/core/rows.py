"""One row of a terminal: the text that stands in it, and what may be written over."""

from __future__ import annotations

import re
from itertools import groupby

ROW_CHARS = 10_000
"""The longest row that can be drawn over. It is also the longest entry of a console log: under 64 KiB,
even where every character is spelled as a six-byte escape."""

COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_STYLE_CHARS = 200


class Row:
    """A row: `text` as it came while it is only appended to, `cells` once it is live, that is, drawn over."""

    def __init__(self, finished: str | None = None) -> None:
        self.text = finished or ""
        self.sent = 0  # characters of `text` that went out as parts
        self.is_open = False  # parts went out, and no end of line yet
        self.is_done = finished is not None
        self.shown = finished  # what was last persisted of it
        self.is_returned = False  # a carriage return was seen,
        self.is_start = False  # and nothing was written since
        self.is_live = False
        self.is_new = False  # live, but wiped before it was written: its newline finishes it as if it were plain
        self.cells: list[str] = []
        self.styles: list[str] = []
        self.width = 0
        self.pending = ""  # a redraw of the whole row, not in the cells yet: most of them nobody will look at

    def put(self, column: int, text: str, style: str) -> None:
        """Write over the cells from `column` on."""
        gap = column - len(self.cells)
        if gap > 0:
            self.cells += " " * gap
            self.styles += [""] * gap
        end = column + len(text)
        self.cells[column:end] = text
        self.styles[column:end] = [style] * len(text)
        self.width = len(self.cells)

    def put_coloured(self, raw: str) -> str:
        """Replace the cells by a text with colours in it; return the style at its end."""
        self.cells, self.styles, style, end = [], [], "", 0
        for colour in COLOUR.finditer(raw):
            self.put(len(self.cells), raw[end : colour.start()], style)
            style, end = styled(style, colour.group()), colour.end()
        self.put(len(self.cells), raw[end:], style)
        return style

    def redraw(self) -> None:
        """Put the pending redraw into the cells."""
        if self.pending:
            raw, self.pending = self.pending, ""
            self.put_coloured(raw)

    def erase(self, first: int, end: int | None = None) -> None:
        """Blank the cells from `first` up to `end`."""
        if end is None:
            del self.cells[first:], self.styles[first:]
        else:
            self.put(first, " " * (min(end, len(self.cells)) - first), "")
        self.width = len(self.cells)

    def revive(self) -> str:
        """Make it live; return the style at its end."""
        style = self.put_coloured(self.text[-ROW_CHARS:])
        self.is_live, self.text = True, ""
        if self.shown is not None:
            self.shown = self.render()
        return style

    def render(self) -> str:
        """Return what the row shows, with its colours, and without blanks at its end where it is live."""
        if not self.is_live:
            return self.text
        self.redraw()
        plain = "".join(self.cells).rstrip()
        if not any(self.styles[: len(plain)]):
            return plain
        text, column = "", 0
        for style, run in groupby(self.styles[: len(plain)]):
            end = column + len(list(run))
            piece = plain[column:end]
            text += f"{style}{piece}\x1b[0m" if style else piece
            column = end
        return text

    def is_blank(self) -> bool:
        """Say whether there is nothing to be seen of it."""
        self.redraw()
        return not (self.text or "".join(self.cells).strip())


def styled(style: str, colour: str) -> str:
    """Return the style in force after one more colour sequence."""
    arguments = colour[2:-1]
    if arguments in ("", "0"):
        return ""
    return colour if arguments.startswith("0;") or len(style) > _STYLE_CHARS else style + colour
