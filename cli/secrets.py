"""Asking for the secrets that a task has masked."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from . import context, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskstore.disk.layout import TaskPaths
    from taskstore.run.given import Secret


def ask(paths: TaskPaths) -> dict[str, str]:
    """Return the secrets that a task is to be run with, by their variables; a person at a terminal types what lacks.

    Raises Refused naming all that are missing.
    """
    from taskstore.run import given

    environ = dict(os.environ)
    if sys.stdin.isatty() and sys.stderr.isatty():
        for secret in given.of_task(paths):
            if secret.is_needed and not environ.get(secret.variable):
                asked = f"{render.safe(secret.name)}, masked in task {paths.id[:12]}"
                environ[secret.variable] = typer.prompt(
                    asked, default="", hide_input=True, show_default=False, err=True
                )
    return given.for_task(paths, environ)


def tell_needed(paths: TaskPaths) -> None:
    """Say which secrets the agent that runs a task must have: whoever enqueues it can still see to that."""
    from taskstore.run import given

    needed = [f"{render.safe(each.name)} in {each.variable}" for each in given.of_task(paths) if each.is_needed]
    if needed:
        context.say(f"the agent that runs it needs what is masked in its command line: {', '.join(needed)}")


def show(secrets: Sequence[Secret]) -> None:
    """Say what has to be given, and whether it is."""
    for secret in secrets:
        has_come = ", which is set" if os.environ.get(secret.variable) else ""
        what = (
            "is a secret, to be given in" if secret.is_needed else "is a secret, and the program's own unless given in"
        )
        context.say(f"{render.safe(secret.name)} {what} {secret.variable}{has_come}")


def as_json(secrets: Sequence[Secret]) -> list[dict[str, object]]:
    """Return the same for a machine."""
    return [
        {
            "name": secret.name,
            "variable": secret.variable,
            "needed": secret.is_needed,
            "given": bool(os.environ.get(secret.variable)),
        }
        for secret in secrets
    ]
