"""The dialog that copies a task into a draft, with other parameters, and puts that into a queue."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from ..core.errors import TaskstoreError
from ..core.names import MAX_LENGTH, check_name
from ..core.spelling import safe, safe_lines
from ..queues import queue as queues
from ..sections import parameters
from ..store import projects
from ..store.query import Row
from ..store.store import Store
from .dialogs import editable

MOST = 500
_LONGEST = 2000


class CloneDialog(ModalScreen[dict[str, object] | None]):
    """Name, project and queue on a line each, and the parameters below, a line each."""

    DEFAULT_CSS = """
    CloneDialog { align: center middle; }
    CloneDialog > Vertical {
        width: 96%; height: 96%; padding: 0 1; background: $surface; border: round $primary;
    }
    CloneDialog .title { text-style: bold; }
    CloneDialog .hint { color: $text-muted; }
    CloneDialog .error { color: $text-error; }
    CloneDialog TextArea { height: 1fr; min-height: 4; border: none; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,f2", "clone", "clone it", priority=True),
        Binding("escape", "leave", "leave it", priority=True),
        Binding("tab", "app.focus_next", "next field", show=False, priority=True),
    ]

    def __init__(self, store: Store, row: Row) -> None:
        super().__init__()
        self._store = store
        self._row = row
        self.before, self.left_out = lines_of(row)

    def compose(self) -> ComposeResult:
        """The fields."""
        name = editable(f"Clone Of {self._row.task.name}"[:MAX_LENGTH])
        hint = "Parameters, one a line: change, add or remove lines"
        if self.left_out:
            hint += f" ({self.left_out} that are no line of text stay as they are)"
        with Vertical():
            yield Static(Text(f"Clone {safe(self._row.task.name[:200])}", no_wrap=True), classes="title")
            yield Static(Text("Name, project, queue (none: it stays a draft)"), classes="hint")
            yield Input(name, id="name", compact=True, placeholder="name")
            yield Input(editable(self._row.project), id="project", compact=True, placeholder="project")
            yield Input("", id="queue", compact=True, placeholder="queue")
            yield Static(Text(hint), classes="hint")
            yield TextArea("\n".join(f"{name}={value}" for name, value in self.before.items()), soft_wrap=False)
            yield Static("", classes="error", markup=False)
            yield Static(Text("ctrl+s clones it, escape leaves it, tab goes to the next field"), classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field."""
        event.stop()
        self.focus_next()

    def action_clone(self) -> None:
        """Give what was written, if it is right."""
        try:
            self.dismiss(self._values())
        except TaskstoreError as error:
            self.query_one(".error", Static).update(Text(safe_lines(str(error))))

    def _values(self) -> dict[str, object]:
        name, project, queue = (
            self.query_one(f"#{each}", Input).value.strip() for each in ("name", "project", "queue")
        )
        assignments, unset = changes(self.before, self.query_one(TextArea).text)
        if name:
            check_name("task", name)
        if project:
            projects.parts_of(self._store, project)
        if queue:
            queues.find(self._store, queue)
        return {
            "name": name or None,
            "project": project or None,
            "queue": queue or None,
            "assignments": assignments,
            "unset": unset,
        }

    def action_leave(self) -> None:
        """Give up."""
        self.dismiss(None)


def lines_of(row: Row) -> tuple[dict[str, str], int]:
    """Return the parameters that are lines of text, and how many are not."""
    found = {
        f"{section}/{name}": parameter.value
        for section, named in row.hyperparams.items()
        for name, parameter in named.items()
    }
    lines = {name: value for name, value in found.items() if "=" not in name and _is_line(name) and _is_line(value)}
    kept = dict(list(lines.items())[:MOST])
    return kept, len(found) - len(kept)


def _is_line(text: str) -> bool:
    return text == safe(text) and text == text.strip() and len(text) <= _LONGEST


def changes(before: dict[str, str], text: str) -> tuple[list[str], list[str]]:
    """Return what has to be set and what removed, so that the parameters are as the text says. Raises BadValue."""
    assignments, named = [], set()
    for line in text.splitlines():
        if not line.strip():
            continue
        name, separator, value = line.strip().partition("=")
        name = name.strip()
        named.add(name)
        if not separator or before.get(name) != value.strip():
            assignment = line.strip() if not separator else f"{name}={value.strip()}"
            parameters.parse_assignment(assignment)
            assignments.append(assignment)
    return assignments, [name for name in before if name not in named]
