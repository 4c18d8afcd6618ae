"""Asking whether a program from elsewhere may run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

TrustOption = Annotated[
    bool, typer.Option("--trust", help="Run what came from elsewhere without being asked about it.")
]


def is_given(store: Store, paths: TaskPaths, *, by_option: bool) -> bool:
    """Tell whether a task's program may run: by the option, or a person at a terminal who is shown it and says so."""
    from taskstore.run import trust
    from taskstore.store import tasks

    record = tasks.read(paths)
    if by_option or not trust.is_needed(record):
        return by_option
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False  # which is refused, saying what to do
    context.say(f"task {paths.id[:12]} came from elsewhere: {render.safe(trust.origin(record))}")
    context.say(f"to run it is to run its program, with all that you may do: {render.safe(trust.command(paths))}")
    return typer.confirm("Run it?", default=False, err=True)
