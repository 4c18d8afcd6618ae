"""`taskstore path`: where a task is."""

from __future__ import annotations

from typing import Annotated

import typer

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
    found = store.root if task is None else context.resolve(store, task).home
    if as_json:
        from . import render

        render.print_json({"path": str(found)})
    else:
        typer.echo(found)
