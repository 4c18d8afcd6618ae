"""What every command shares: the store that was asked for, talk on stderr, and arguments that name tasks."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.disk import mounts

from . import offers

if TYPE_CHECKING:
    from pathlib import Path

    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

_TIME = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([smhd]?)")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}

store_option: str | None = None
"""The value of --store; the root callback sets it before a command runs."""


def open_store() -> Store:
    """Open the store that the person means."""
    from taskstore.store.store import open_default

    return open_default(store_option)


def store_place() -> str:
    """Return where the store that the person means is, to be named in a message; opens nothing."""
    import os
    from pathlib import Path

    from taskstore.store.store import find_root

    try:
        home: Path | None = Path.home()
    except RuntimeError:  # a user whom no password file knows
        home = None
    return str(find_root(store_option, environ=os.environ, cwd=Path.cwd(), home=home))


def place(path: Path) -> str:
    """Spell where something of the store is; of what lies in a zip, where in that."""
    return mounts.shown(str(path))


def resolve(store: Store, reference: str) -> TaskPaths:
    """Find one task by id, prefix, project/name or @last."""
    from taskstore.store import places

    return places.resolve(store, reference)


def short_ids(store: Store) -> Callable[[str], str]:
    """Return what shortens the ids of tasks as far as each still names one; what is no task's stays as it is."""
    from taskstore.core import prefixes
    from taskstore.store import places

    found = prefixes.shortest(task_id for _, task_id in places.walk(store, []))
    return lambda task_id: found.get(task_id, task_id)


def shown_ids(store: Store) -> Callable[[str], str]:
    """Return what spells ids in a table: short in a terminal, whole for a program that reads it."""
    from .render import is_terminal

    return short_ids(store) if is_terminal() else str


def say(message: str) -> None:
    """Talk to the person, on stderr; results go to stdout. Names in the message cannot control the terminal."""
    from .render import safe_lines

    sys.stderr.write(f"taskstore: {safe_lines(mounts.shown(message))}\n")


def whole_number(text: str) -> int:
    """Read the value of an option that is a number from 0 on; what Typer says of a wrong one is its validator's."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise typer.BadParameter(f"{text!r} is not a whole number from 0 on")
    return number


def number(text: str | int) -> int:
    """Read the value of an option that is any whole number, in words of ours."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def seconds(text: str | float) -> float:
    """Read the value of an option that is a length of time: a number of seconds, or one with s, m, h or d."""
    found = _TIME.fullmatch(str(text).strip())
    number = float(found[1]) * _UNITS_S[found[2] or "s"] if found else -1.0
    if not 0 <= number < float("inf"):
        raise typer.BadParameter(f"{text!r} is not a number of seconds, like 90, or 90s, 15m, 2h, 1d")
    return number


def one_of(*choices: str) -> Callable[[str], str]:
    """Return what reads the value of an option that is one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"{text!r} is none; it is one of {', '.join(choices)}")
        return text

    return read


def completing(*choices: str) -> Callable[[str], list[str]]:
    """Return what completes one of some words."""
    return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]


TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="A task: id, unique id prefix, project/name, or @last.",
        autocompletion=offers.task,
        show_default=False,
    ),
]
TasksArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK",
        help="Tasks: ids, unique id prefixes, project/name, or @last.",
        autocompletion=offers.task,
        show_default=False,
    ),
]
ProjectOption = Annotated[
    str | None,
    typer.Option("--project", "-p", metavar="NAME", help="A project.", autocompletion=offers.project),
]
QueueOption = Annotated[
    str | None,
    typer.Option("--queue", metavar="NAME", help="Put it into that queue.", autocompletion=offers.queue),
]
QueueArgument = Annotated[
    str,
    typer.Argument(metavar="QUEUE", help="A queue's name.", autocompletion=offers.queue, show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
