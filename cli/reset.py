"""`taskstore reset`: a draft again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def reset(
    tasks: context.TasksArgument,
    force: Annotated[bool, typer.Option("--force", help="Published tasks too.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Make tasks drafts again: logs, metrics and files that they produced are deleted for good.

    What a task was given stays: code, parameters, configuration, name, tags, comment.

    Example: taskstore reset 01a2b3c4 && taskstore run 01a2b3c4
    """
    from taskstore.sections import clone

    def action(store: Store, paths: TaskPaths) -> None:
        clone.reset(store, paths.id, force=force)
        several.tell(store, paths, "a draft again", as_json=as_json)

    several.for_each(tasks, action)
