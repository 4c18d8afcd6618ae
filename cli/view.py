"""`taskstore view`: a tree of readable names that link to the folders of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, render

if TYPE_CHECKING:
    from taskstore.share.view import Outcome

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_EXIT_DAMAGED = 6


@app.command()
def view(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where: an empty or a new folder, or a view.", show_default=False)
    ],
    project: context.ProjectOption = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            "-w",
            metavar="FILTER",
            help="A condition on fields, parameters, metrics.",
            autocompletion=offers.condition,
        ),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Make a folder in which each task is found by name: project/name-id, links to the folders of tasks.

    Run it again to bring it up to date: it follows what is new, renamed, moved, deleted or put away, and shows what
    fits the options that it is given then. It removes nothing that it has not made itself. With --json it prints a
    line for each link; `change` is made, kept or removed. The exit code is 6 where some file of the store was damaged.

    Example: taskstore view ~/runs --where 'status = completed'
    """
    from taskstore.schema import filters
    from taskstore.share import view as views
    from taskstore.store import projects, query

    wanted = query.Query(project=project, where=filters.parse(where) if where is not None else None)
    store = context.open_store()
    if project is not None:
        projects.find(store, project)
    listing = query.find(store, wanted)
    outcome = views.refresh(store, folder, listing.rows)
    for error in listing.damaged:
        context.say(str(error))
    for why in outcome.in_the_way:
        context.say(why)
    _print(outcome, folder, as_json=as_json)
    if listing.damaged:
        raise typer.Exit(_EXIT_DAMAGED)


def _print(outcome: Outcome, folder: Path, *, as_json: bool) -> None:
    if as_json:
        for link in outcome.links:
            render.print_json({"id": link.task_id or None, "path": str(link.path), "change": link.change})
        return
    shown = outcome.count("made") + outcome.count("kept")
    changes = f"{outcome.count('made')} made, {outcome.count('removed')} removed"
    context.say(f"{render.count(shown, 'link')}: {changes}")
    render.line(render.safe(str(folder)))
