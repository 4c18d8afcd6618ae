"""The table that shows lines side by side: drawn by a component of our own, for 20 tasks make thousands of cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nicegui.element import Element

from ...sections.compare.many import Line
from .texts import text_of

if TYPE_CHECKING:
    from .view import View

Section = dict[str, Any]


class SideBySideTable(Element, component=Path(__file__).parent.parent / "static" / "compare_table.js"):
    """A table with a column a task, which stays in sight at the top, and the names of the lines at the left."""

    def __init__(
        self, view: View, sections: Sequence[Section], *, label: str, corner: str, is_numeric: bool = False
    ) -> None:
        super().__init__()
        ids, names, rows = view.comparison.ids, view.comparison.names, view.comparison.rows
        self.props["tasks"] = [
            {
                "id": task_id,
                "letter": letter,
                "name": name or task_id[:12],
                "title": f"{rows[task_id].project}/{name}",
                "url": f"/task/{task_id}",
                "colour": view.colours[place],
                "dot": view.dot(place),
            }
            for place, (task_id, letter, name) in enumerate(zip(ids, view.letters, names, strict=True))
        ]
        self.props["sections"] = list(sections)
        self.props["label"], self.props["corner"], self.props["numeric"] = label, corner, is_numeric
        self._is_hidden = view.address.one("hide") == "1"
        self._search = view.address.one("q")
        self.props["first"] = {"search": self._search, "hidden": self._is_hidden}

    def narrow(self, search: str, *, is_hidden: bool) -> None:
        """Show only lines that have a text, and only those that differ."""
        self.run_method("narrow", search, is_hidden)

    def refill(self, sections: Sequence[Section]) -> None:
        """Show other lines; what is narrowed and opened stays."""
        if self.props["sections"] != sections:
            self.props["sections"] = list(sections)
            self.update()


def section(key: str, title: str, lines: Iterable[Line], *, is_marked: bool = False) -> Section:
    """Return lines as the table takes them; where marked, those that have the least and the greatest value are."""
    return {"key": key, "title": title, "rows": [_row(line, is_marked=is_marked) for line in lines]}


def _row(line: Line, *, is_marked: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "n": line.name,
        "k": line.kind,
        "v": [text_of(value, line.name) for value in line.values],
        "s": line.is_same,
    }
    if is_marked:
        least, greatest = set(line.least), set(line.greatest)
        row["m"] = [
            "least" if place in least else "greatest" if place in greatest else "" for place in range(len(line.values))
        ]
    return row
