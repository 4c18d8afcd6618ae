"""What every command shares: the store that was asked for, talk on stderr, and arguments that name tasks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

store_option: str | None = None
"""The value of --store; the root callback sets it before a command runs."""


def open_store() -> Store:
    """Open the store that the person means."""
    from taskstore.store.store import open_default

    return open_default(store_option)


def resolve(store: Store, reference: str) -> TaskPaths:
    """Find one task by id, prefix, project/name or @last."""
    from taskstore.store import places

    return places.resolve(store, reference)


def say(message: str) -> None:
    """Talk to the person, on stderr; results go to stdout."""
    sys.stderr.write(f"taskstore: {message}\n")


def complete_task(incomplete: str) -> list[str]:
    """Complete a task's id; says nothing where the store cannot be read."""
    from taskstore.core.errors import TaskstoreError
    from taskstore.store import places

    try:
        return [task_id for _, task_id in places.walk(open_store()) if task_id.startswith(incomplete)]
    except (OSError, TaskstoreError):
        return []


def complete_project(incomplete: str) -> list[str]:
    """Complete a project's name."""
    from taskstore.core.errors import TaskstoreError
    from taskstore.store import projects

    try:
        return [item.name for item in projects.list_all(open_store()) if item.name.startswith(incomplete)]
    except (OSError, TaskstoreError):
        return []


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
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
