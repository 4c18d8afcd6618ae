"""The list of keys, from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text
from textual.binding import Binding

from .acting import ActingScreen
from .cloning import CloneDialog
from .comparing import CompareScreen
from .console import Console
from .dialogs import Page
from .lines import Lines
from .queues import QueuesScreen
from .scalars import Scalars
from .shared import BoardApp
from .table import Table
from .task import TaskScreen
from .tasks import TasksScreen

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "equals_sign": "=",
    "pageup": "page up",
    "pagedown": "page down",
    "escape": "esc",
}


_SECTIONS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("Everywhere", (BoardApp, Lines, Table)),
    ("The table of tasks", (TasksScreen,)),
    ("Actions, on the marked tasks or the one at the cursor", (ActingScreen,)),
    ("A task's page", (TaskScreen,)),
    ("Its console", (Console,)),
    ("Its scalars", (Scalars,)),
    ("Tasks side by side", (CompareScreen,)),
    ("Queues and workers", (QueuesScreen,)),
    ("Cloning", (CloneDialog,)),
)


def sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the title of each screen, with its keys and what they do."""
    for title, kinds in _SECTIONS:
        yield title, [key for kind in kinds for key in keys_of(kind)]


def keys_of(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the keys that a class binds itself, and what they do."""
    for binding in vars(kind).get("BINDINGS", ()):
        if isinstance(binding, Binding):
            yield (
                ", ".join(_NAMES.get(key, key) for key in binding.key.split(",")),
                binding.tooltip or binding.description,
            )


def page() -> Page:
    """Return the screen that lists the keys."""
    lines: list[Text] = []
    for title, keys in sections():
        lines += [Text(title, style="bold"), *(Text(f"  {key:22}{what}") for key, what in keys), Text()]
    return Page("Keys", lines)
