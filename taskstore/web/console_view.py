"""The lines of a console in a browser: an element of our own, which takes what was printed as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nicegui.element import Element

from ..board import ansi
from ..core.clock import to_text
from ..store.events import ConsoleLine

Shown = list[Any]


class ConsoleView(Element, component="static/console.js"):
    """Emits `earlier` when somebody scrolls to its beginning. `shown` is what it shows, as a browser has it."""

    def __init__(self, lines: Iterable[ConsoleLine]) -> None:
        super().__init__()
        self.shown = [shown(line) for line in lines]
        self._props["lines"] = self.shown
        self._props["times"] = False
        self._props["needle"] = ""

    def replace(self, lines: Iterable[ConsoleLine], hit: int = -1) -> None:
        """Show other lines, and mark one of them; none where it is -1, and then the end is seen."""
        self.shown = [shown(line) for line in lines]
        self.run_method("replace", self.shown, hit)

    def append(self, lines: Iterable[ConsoleLine], *, is_followed: bool) -> None:
        """Add lines behind; `is_followed` keeps the end in sight where it is."""
        more = [shown(line) for line in lines]
        self.shown += more
        self.run_method("append", more, is_followed)

    def prepend(self, lines: Iterable[ConsoleLine]) -> None:
        """Add lines before, and keep what is in sight where it is."""
        more = [shown(line) for line in lines]
        self.shown[:0] = more
        self.run_method("prepend", more)

    def show_times(self, *, is_on: bool) -> None:
        """Show the time of each line or not."""
        self._props["times"] = is_on
        self.update()

    def highlight(self, needle: str) -> None:
        """Mark a text wherever it is, whatever its case."""
        self._props["needle"] = needle
        self.update()


def shown(line: ConsoleLine) -> Shown:
    """Return a line as a browser has it: its time, its stream, and its pieces with the names of their styles."""
    return [to_text(line.time)[:19].replace("T", " "), line.stream, [list(piece) for piece in ansi.pieces(line.text)]]
