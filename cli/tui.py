"""`taskstore tui`: the store on the terminal's whole screen."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from taskstore.core.errors import Refused

from . import context

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def tui(
    light: Annotated[bool, typer.Option("--light", help="Dark on light, for a terminal that is light.")] = False,
) -> None:
    """Look at tasks on the whole screen of a terminal, and act on them, by keys.

    It follows what runs write. `?` lists the keys, `q` leaves. Over ssh it needs
    nothing more than a terminal of 80 columns and 24 lines.

    Example: taskstore tui
    """
    store = context.open_store()
    try:
        from taskstore.tui.app import Board
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        raise Refused("the terminal screen needs Textual; `pip install 'taskstore[tui]'` installs it") from None
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise Refused("this is no terminal; `taskstore ls` and `taskstore show` print to a pipe")
    Board(store, is_light=light).run()
