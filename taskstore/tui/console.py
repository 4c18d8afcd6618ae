"""What a task printed, and what it prints: live, with its colours and nothing else of what it says to a terminal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ..core.spelling import console_pieces, count, safe
from ..core.states import ENDED, Status
from ..disk.layout import TaskPaths
from ..store.events import ConsoleLine
from ..store.follow import ConsoleFollower
from .dialogs import Ask
from .lines import Line, Pager
from .shared import begin

MOST_LINES, MOST_BYTES = 100_000, 32 << 20
"""Of a longer console the last ones."""
_MOST_CHARS = 10_000


@dataclass(frozen=True)
class Printed:
    """A line that was printed, of which the colours are made when it is seen."""

    line: ConsoleLine
    plain: str
    cell_len: int


class Printout(Pager):
    """What was printed."""

    def drawn(self, line: Line) -> Text:
        """Return a line with its colours."""
        return shown(line.line) if isinstance(line, Printed) else super().drawn(line)


class Console(Vertical):
    """The lines, and one that says what is seen of them."""

    DEFAULT_CSS = """
    Console { height: 1fr; }
    Console > .note { height: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", tooltip="search what was printed"),
        Binding("n", "again(1)", "next found", show=False),
        Binding("p", "again(-1)", "found before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._follower = ConsoleFollower(most_bytes=MOST_BYTES)
        self._status = Status.CREATED
        self._count = 0
        self._wanted = ""
        self._busy = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """The lines first."""
        yield Printout()
        yield Static("", classes="note", markup=False)

    async def follow(self, paths: TaskPaths, status: Status) -> None:
        """Show what has been printed since. Raises Damaged."""
        async with self._busy:
            if status is Status.CREATED and self._count:  # reset: what it printed is gone
                self._follower, self._count = ConsoleFollower(most_bytes=MOST_BYTES), 0
                self.query_one(Pager).show([])
            is_first = self._count == 0
            found = await asyncio.to_thread(self._follower.read, paths, is_end=status in ENDED)
            lines = await asyncio.to_thread(lambda: [printed(line) for line in found[-MOST_LINES:]])
            self._count += len(found)
            pager = self.query_one(Pager)
            if lines:
                pager.add(lines, most=MOST_LINES)
            if is_first and lines:
                pager.action_last()
            self._tell(status)

    def _tell(self, status: Status) -> None:
        is_cut = self._follower.is_cut or self._count > MOST_LINES
        said = f"{count(min(self._count, MOST_LINES), 'line')}; " if self._count else "nothing printed; "
        said = f"the last {said}" if is_cut else said
        said += "ended" if status in ENDED else status.label.lower()
        if self._wanted:
            at = self.query_one(Pager).found
            said += f"; {self._wanted!r} " + ("is nowhere" if at is None else f"in line {at + 1:,}: n next, p before")
        self.query_one(".note", Static).update(Text(safe(said)))
        self._status = status

    def action_search(self) -> None:
        """Ask what to search for."""
        begin(self, self._ask)

    async def _ask(self) -> None:
        wanted = await self.app.push_screen_wait(Ask("Search the console", self._wanted, hint="empty: no search"))
        if wanted is not None:
            self._wanted = wanted
            self.action_again(-1)

    def action_again(self, step: int) -> None:
        """Go to the next line that holds it, or to the one before."""
        self.query_one(Pager).search(self._wanted, step=step)
        self._tell(self._status)


def printed(line: ConsoleLine) -> Printed:
    """Return a line to be shown."""
    text = line.text[:_MOST_CHARS]
    if not (text.isascii() and text.isprintable()):
        text = "".join(console_pieces(text, with_colours=False)).replace("\t", "    ")
    return Printed(line, text, cell_len(text))


def shown(line: ConsoleLine) -> Text:
    """Return a line as it is shown: colours kept, all else that controls a terminal shown as an escape or left out."""
    if line.text.isprintable() and line.text.isascii():
        return Text(line.text[:_MOST_CHARS], style="yellow" if line.stream == "stderr" else "")
    coloured = "".join(console_pieces(line.text[:_MOST_CHARS], with_colours=True)).replace("\t", "    ")
    text = Text.from_ansi(coloured)
    if line.stream == "stderr" and "\x1b" not in coloured:
        text.stylize("yellow")
    return text
