"""`taskstore mv`: tasks to another project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=several.SeveralThenOne)
def mv(
    tasks: Annotated[
        list[str],
        typer.Argument(
            metavar="TASK",
            help="Tasks: ids, unique id prefixes, project/name, or @last.",
            autocompletion=offers.task_or_project,
            show_default=False,
        ),
    ],
    project: Annotated[
        str,
        typer.Argument(metavar="PROJECT", help="The project; a new one is made.", autocompletion=offers.project),
    ],
    as_json: context.JsonOption = False,
) -> None:
    """Move tasks to another project; a running one goes on undisturbed.

    Example: taskstore mv 01a2b3c4 @last vision/baselines
    """
    from taskstore.store import projects
    from taskstore.store import tasks as library

    projects.parts_of(context.open_store(), project)  # said once, and not of every task

    def move(store: Store, paths: TaskPaths) -> None:
        moved = library.move(store, paths.id, project)
        several.tell(store, moved, "moved here", as_json=as_json)

    several.for_each(tasks, move)
