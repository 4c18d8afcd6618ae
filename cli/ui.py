"""`taskstore ui`: the web page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from . import context, render

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def ui(
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            parser=context.whole_number,
            metavar="N",
            show_default=False,
            help="Where to listen; 0 is any free port. Else the first free one from 8787 on.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Be reached from elsewhere too, by a token.")
    ] = "127.0.0.1",
    token: Annotated[
        bool, typer.Option("--token", help="Ask for a token on this machine too, where others have accounts.")
    ] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show everything, and change nothing.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Show the store in a browser: tasks, their curves, plots and logs, comparisons, queues.

    The page is served by this machine to itself, until Ctrl-C. Nothing is
    loaded from elsewhere. It needs `pip install 'taskstore[ui]'`.

    Example: taskstore ui --port 9000 --no-browser
    """
    from taskstore.web import server

    store = context.open_store()
    options = server.Options(host=host, port=port, is_read_only=read_only, with_token=token)

    def tell(address: str) -> None:
        render.line(address)
        sys.stdout.flush()  # who reads it through a pipe waits for it
        context.say("serving until Ctrl-C")

    server.serve(store, options, tell=tell, opened=lambda address: None if no_browser else _open(address))


def _open(address: str) -> None:
    """Open a browser where there is one; without, the address was printed."""
    import os
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    webbrowser.open(address)
