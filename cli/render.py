"""Output: JSON for programs, one object a line; tables and pages for people, plain where the output is piped.

In a terminal a table has aligned columns that are cut to its width, a page is wrapped to it, and there are colours
(unless NO_COLOR is set: then nothing is bold or dim either) and relative times. Piped, the same table is
tab-separated values below a line of column names, with nothing cut or coloured and times in RFC 3339. Text that comes
from tasks never controls the terminal: what is not printable is shown as an escape.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from taskstore.core.clock import SYSTEM
from taskstore.core.spelling import STYLES as STYLES
from taskstore.core.spelling import ago as ago
from taskstore.core.spelling import console_pieces as console_pieces
from taskstore.core.spelling import count as count
from taskstore.core.spelling import duration as duration
from taskstore.core.spelling import number_word as number_word
from taskstore.core.spelling import rfc3339 as rfc3339
from taskstore.core.spelling import safe as safe
from taskstore.core.spelling import safe_lines as safe_lines
from taskstore.core.spelling import short_number as short_number
from taskstore.core.spelling import size as size
from taskstore.core.states import Status

if TYPE_CHECKING:
    from rich.console import Console, OverflowMethod
    from rich.table import Table

_GAP = 2
_LEAST_WIDTH, _LEAST_OF_ALL = 8, 3
_BLOCKS, _ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.,-=+*#"


@dataclass(frozen=True)
class Column:
    """A column of a table. One that `is_fixed` is never cut; `style` is rich's, for the terminal.

    Numbers stand to the right by themselves; `is_right` is for texts that are numbers with a sign or a unit.
    """

    name: str
    is_fixed: bool = False
    style: str = ""
    is_right: bool = False


def print_json(value: object) -> None:
    """Print one JSON object on one line; times as RFC 3339, non-finite numbers as text."""
    plain = _json_value(msgspec.to_builtins(value, enc_hook=str))
    text = msgspec.json.encode(plain).decode()
    if not speaks_unicode():
        import json

        text = json.dumps(plain)  # escapes what is not ASCII
    sys.stdout.write(text + "\n")


def _json_value(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return number_word(value)
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()  # lone surrogates
    if isinstance(value, dict):
        return {_json_value(key): _json_value(item) for key, item in value.items()}
    return [_json_value(item) for item in value] if isinstance(value, (list, tuple)) else value


def is_terminal() -> bool:
    """Tell whether a person reads along; otherwise nothing is coloured, cut or made relative."""
    return sys.stdout.isatty()


def line(text: str = "") -> None:
    """Print a line; what stdout's encoding lacks is shown as an escape. The text is trusted: clean it with `safe`."""
    if not speaks_unicode():
        encoding = sys.stdout.encoding or "ascii"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(text + "\n")


def styled(*pieces: str | tuple[str, str]) -> None:
    """Print a line of pieces, each a text or (text, rich style); the styles show in a terminal only."""
    if not is_terminal():
        line("".join(piece if isinstance(piece, str) else piece[0] for piece in pieces))
        return
    from rich.text import Text

    console().print(Text.assemble(*pieces), soft_wrap=True)


def hanging(head: str | tuple[str, str], *pieces: str | tuple[str, str]) -> None:
    """Print a line of pieces behind a head; in a terminal it is wrapped, below the end of the head.

    A path, which a person copies, is not broken: a terminal that is too narrow for it folds it.
    """
    if not is_terminal():
        styled(head, *pieces)
        return
    from rich.text import Text

    out = console()
    first, indent = Text.assemble(head), Text.assemble(head).cell_len
    rest = Text.assemble(*pieces)
    overflow: OverflowMethod = "ignore" if any(word.startswith("/") for word in rest.plain.split()) else "fold"
    lines = list(rest.wrap(out, max(_LEAST_WIDTH, out.width - indent), overflow=overflow)) or [Text()]
    for number, text in enumerate(lines):
        text.rstrip()
        out.print(Text.assemble(" " * indent if number else first, text), soft_wrap=True)


def has_styles() -> bool:
    """Tell whether anything is coloured, bold or dim: in a terminal that can, of a person who has not said no."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("dumb", "unknown")


def console(width: int | None = None) -> Console:
    """Return a rich console on stdout that adds nothing of its own: no markup, no highlighting.

    It is as wide as the terminal, or as it is told.
    """
    from rich.console import Console

    if not speaks_unicode() and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as `line` does
    colours: Literal["auto"] | None = "auto" if has_styles() else None
    return Console(markup=False, highlight=False, emoji=False, color_system=colours, width=width)


def speaks_unicode() -> bool:
    """Tell whether stdout takes more than ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def table(rows: Iterable[Sequence[object]], columns: Sequence[str | Column]) -> None:
    """Print rows of values (text, numbers, times, statuses, lists of text, None) under the names of the columns.

    Nothing is printed for a terminal where there are no rows; piped, the header always is.
    """
    named = [Column(column) if isinstance(column, str) else column for column in columns]
    if is_terminal():
        kept = [list(row) for row in rows]
        if kept:
            _aligned(kept, named)
        return
    line("\t".join(safe(column.name) for column in named))
    for row in rows:
        line("\t".join(cell(value) for value in row))


def cell(value: object, now: datetime | None = None) -> str:
    """Spell a value on one line: exactly; or, where `now` is given, as a person at a terminal likes to read it."""
    if value is None:
        return ""
    if isinstance(value, Status):
        return value.label
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return ago(value, now) if now else rfc3339(value)
    if isinstance(value, float):
        return short_number(value) if now else number_text(value)
    if isinstance(value, (list, tuple)):
        return safe((", " if now else ",").join(map(str, value)))
    return safe(str(value))


def number_text(value: float) -> str:
    """Spell a number exactly: whole ones without a fraction."""
    if not math.isfinite(value):
        return number_word(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Draw the course of some values in at most `width` characters; a mean for each, a gap where none is finite."""
    blocks = _BLOCKS if speaks_unicode() else _ASCII_BLOCKS
    steps = min(width, len(values))
    means = []
    for step in range(steps):
        part = values[len(values) * step // steps : len(values) * (step + 1) // steps]
        finite = [value for value in part if math.isfinite(value)]
        # Halved first: the sum of two of the greatest floats is infinite.
        means.append(math.fsum(value / len(finite) for value in finite) if finite else None)
    known = [mean for mean in means if mean is not None]
    if not known:
        return ""
    low, high = min(known) / 2, max(known) / 2
    top = len(blocks) - 1
    return "".join(
        " " if mean is None else blocks[round((mean / 2 - low) / (high - low) * top) if high > low else top // 2]
        for mean in means
    )


def _aligned(rows: list[list[object]], columns: Sequence[Column]) -> None:
    out = console()
    grid, is_wider = laid_out(rows, columns, width=out.width, now=SYSTEM.now())
    out.print(grid, soft_wrap=is_wider)


def laid_out(
    rows: Sequence[Sequence[object]], columns: Sequence[Column], *, width: int, now: datetime
) -> tuple[Table, bool]:
    """Lay rows of values, at least one, out for a terminal; tell also whether the table is wider than it, all the same.

    A table that does not fit would have every column of it cut, the fixed ones too: the terminal wraps it instead.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    texts = [[cell(value, now) for value in row] for row in rows]
    widths = [
        max(cell_len(safe(column.name)), *(cell_len(row[index]) for row in texts))
        for index, column in enumerate(columns)
    ]
    widths = _fit(widths, columns, width - _GAP * (len(columns) - 1))
    total = sum(widths) + _GAP * (len(columns) - 1)
    is_wider = total > width
    grid = Table(
        box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold", width=total if is_wider else None
    )
    for index, column in enumerate(columns):
        is_right = column.is_right or all(row[index] is None or _is_number(row[index]) for row in rows)
        grid.add_column(
            Text(safe(column.name)),
            width=widths[index],
            no_wrap=True,
            overflow="ellipsis" if speaks_unicode() else "crop",
            justify="right" if is_right else "left",
            style=column.style,
        )
    for row, text in zip(rows, texts, strict=True):
        grid.add_row(*(Text(shown, style=style_of(value)) for value, shown in zip(row, text, strict=True)))
    return grid, is_wider


def style_of(value: object) -> str:
    """Return the colour of a value: statuses have one."""
    return STYLES[value] if isinstance(value, Status) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _fit(widths: list[int], columns: Sequence[Column], available: int) -> list[int]:
    """Cut the widest of the columns that may be cut, as long as the whole is too wide."""
    widths = list(widths)
    excess = sum(widths) - available
    for least in (_LEAST_WIDTH, _LEAST_OF_ALL):
        while excess > 0:
            able = [i for i, column in enumerate(columns) if not column.is_fixed and widths[i] > least]
            if not able:
                break
            widest = max(able, key=lambda i: widths[i])
            widths[widest] -= 1
            excess -= 1
    return widths
