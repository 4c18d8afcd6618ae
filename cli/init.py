"""`taskstore init`: make a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taskstore.core.errors import BadValue

from . import context, render

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_LOCKS = ("flock", "lease")  # how the hosts that share a store keep out of each other's way


@app.command()
def init(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where; .taskstore in this folder when left out.")
    ] = None,
    locks: Annotated[
        str | None,
        typer.Option(
            "--locks",
            parser=context.one_of(*_LOCKS),
            metavar="KIND",
            help="flock, or lease, which is for network filesystems without flock.",
            autocompletion=context.completing(*_LOCKS),
            show_default=False,
        ),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Make a store, which commands run in this folder and below it then use.

    A store that is there already is left as it is. A store elsewhere is used with --store DIR or TASKSTORE_ROOT.

    Example: taskstore init
    """
    from taskstore.disk.layout import StorePaths
    from taskstore.store import store as stores

    if directory is not None and context.store_option is not None:
        raise BadValue("two folders named; give DIR or --store, not both")
    if directory is None:
        directory = Path(context.store_option or stores.LOCAL_FOLDER)
    was_there = StorePaths(directory.expanduser()).record.exists()
    made = stores.init(directory, locks=locks)
    if as_json:
        shown = {"path": str(made.root), "id": made.id, "locks": made.locks.value, "is_new": not was_there}
        render.print_json(shown)
        return
    context.say("a store is there already" if was_there else "made a store")
    render.line(render.safe(str(made.root)))
