"""The scalars of a task, drawn in the terminal."""

from __future__ import annotations

from textual.containers import Horizontal

from ..store.query import Row


class Scalars(Horizontal):
    """A list of series, and a plot of those that are chosen."""

    async def follow(self, row: Row) -> None:
        """Show what has been reported since."""
