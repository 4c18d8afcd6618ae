"""What every command shares: the store that was asked for, talk on stderr, and arguments that name tasks."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

_TIME = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([smhd]?)")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHELL_SAFE = re.compile(r"[\w@%+=./-]+")

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


def resolve(store: Store, reference: str) -> TaskPaths:
    """Find one task by id, prefix, project/name or @last."""
    from taskstore.store import places

    return places.resolve(store, reference)


def say(message: str) -> None:
    """Talk to the person, on stderr; results go to stdout. Names in the message cannot control the terminal."""
    from .render import safe_lines

    sys.stderr.write(f"taskstore: {safe_lines(message)}\n")


def _store_to_complete(ctx: typer.Context) -> Store:
    """Open the store that the line being typed is about; pressing Tab makes none."""
    import os
    from pathlib import Path

    from taskstore.store.store import find_root, open_at

    named = ctx.find_root().params.get("store")
    return open_at(find_root(named, environ=os.environ, cwd=Path.cwd(), home=Path.home()))


def complete_task(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a task's id or project/name, newest first; says nothing where the store cannot be read."""
    from taskstore.core.errors import TaskstoreError
    from taskstore.store import query

    from .render import safe

    try:
        rows = query.find(_store_to_complete(ctx), query.Query(with_archived=True)).rows
    except (OSError, TaskstoreError):
        return []
    titles = [(row.id, safe(f"{row.project}/{row.task.name}")) for row in rows]
    found = [("@last", "the task that was made last")] * bool(titles) + titles
    # Names that a shell takes as they are: the others would need quotes that completion does not add.
    found += [(name, "") for name in dict.fromkeys(name for _, name in titles) if _SHELL_SAFE.fullmatch(name)]
    return [item for item in found if item[0].startswith(incomplete)]


def complete_kept(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of an artifact or a model of the task that is named before it."""
    from taskstore.core.errors import TaskstoreError
    from taskstore.store import artifacts, models, places

    try:
        paths = places.resolve(_store_to_complete(ctx), str(ctx.params.get("task") or ""))
        names = [*artifacts.read(paths).artifacts, *(model.slot for model in models.read(paths).output.values())]
    except (OSError, TaskstoreError):
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete) and _SHELL_SAFE.fullmatch(name)]


def complete_project(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a project's name; says nothing where the store cannot be read."""
    from taskstore.core.errors import TaskstoreError
    from taskstore.store import projects

    try:
        names = [item.name for item in projects.list_all(_store_to_complete(ctx))]
    except (OSError, TaskstoreError):
        return []
    return [name for name in names if name.startswith(incomplete) and name.isprintable()]


def complete_queue(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a queue's name; says nothing where the store cannot be read."""
    from taskstore.core.errors import TaskstoreError
    from taskstore.store import tickets

    try:
        names = tickets.names(_store_to_complete(ctx))
    except (OSError, TaskstoreError):
        return []
    return [name for name in names if name.startswith(incomplete) and name.isprintable()]


def whole_number(text: str) -> int:
    """Read the value of an option that is a number from 0 on; what Typer says of a wrong one is its validator's."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise typer.BadParameter(f"{text!r} is not a whole number from 0 on")
    return number


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
        autocompletion=complete_task,
        show_default=False,
    ),
]
TasksArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK...",
        help="Tasks: ids, unique id prefixes, project/name, or @last.",
        autocompletion=complete_task,
        show_default=False,
    ),
]
ProjectOption = Annotated[
    str | None,
    typer.Option("--project", "-p", metavar="NAME", help="A project.", autocompletion=complete_project),
]
QueueOption = Annotated[
    str | None,
    typer.Option("--queue", metavar="NAME", help="Put it into that queue.", autocompletion=complete_queue),
]
QueueArgument = Annotated[
    str,
    typer.Argument(metavar="QUEUE", help="A queue's name.", autocompletion=complete_queue, show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
