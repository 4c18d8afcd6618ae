"""`taskstore path`: where a task is."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from taskstore.core.errors import NotSupported

from . import context, offers

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def path(
    task: Annotated[
        str | None,
        typer.Argument(metavar="TASK", help="A task; the store when left out.", autocompletion=offers.task),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Print where a task's directory is, or the store's.

    Example: cd $(taskstore path @last)
    """
    store = context.open_store()
    found = store.zip or store.root
    if task is not None:
        found = context.resolve(store, task).home
        if store.zip is not None:
            raise NotSupported(
                f"task {found.name[:12]} lies in {store.zip}, and has no folder: `taskstore get` copies a file out, "
                f"`taskstore import {shlex.quote(str(store.zip))}` brings it into a store"
            )
    if as_json:
        from . import render

        render.print_json({"path": str(found)})
    else:
        typer.echo(found)
