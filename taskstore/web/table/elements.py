"""The two parts of the page that live in the browser: the grid of tasks, and the tree of projects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import nicegui.elements.aggrid  # noqa: F401 - it makes the grid's own module known to pages
from nicegui.element import Element

from ...board.columns import FIRST, Column

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments, Handler

_STATIC = Path(__file__).parent.parent / "static"


class TasksGrid(Element, component=_STATIC / "tasks_grid.js"):
    """The table itself; it has its view from the page's address, and keeps it there.

    It tells of a `view` (what the address now says), a `selection` (tasks with id, name, status), and `compare`.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Show these columns, or those of the address, which are looked up."""
        super().__init__()
        self._props["columns"] = msgspec.to_builtins(list(columns))
        self._props["first"] = list(FIRST)

    def look(self, **changes: object) -> None:
        """Show another project, search or filter."""
        self.run_method("look", changes)

    def refresh(self) -> None:
        """Fetch what is shown again."""
        self.run_method("refresh")

    def show(self, column: Column, is_shown: bool) -> None:
        """Show a column, or hide it."""
        self.run_method("show", msgspec.to_builtins(column), is_shown)


class ProjectTree(Element, component=_STATIC / "project_tree.js"):
    """The projects with their counts; it tells of the one that is chosen."""

    def __init__(self, chosen: str, *, with_archived: bool, on_choose: Handler[GenericEventArguments]) -> None:
        """Show the tree with one chosen; empty is all."""
        super().__init__()
        self._props["chosen"] = chosen
        self._props["archived"] = with_archived
        self.on("choose", on_choose)

    def choose(self, project: str, *, with_archived: bool) -> None:
        """Mark another as chosen."""
        if (project, with_archived) != (self._props["chosen"], self._props["archived"]):
            self._props["chosen"], self._props["archived"] = project, with_archived
            self.update()

    def refresh(self) -> None:
        """Count again."""
        self.run_method("refresh")
