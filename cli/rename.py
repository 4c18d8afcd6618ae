"""`taskstore rename`: another name for a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.schema.record import TaskRecord

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def rename(
    task: context.TaskArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name, of 3 or more characters.")],
    as_json: context.JsonOption = False,
) -> None:
    """Rename a task, whatever its status; its id stays.

    Example: taskstore rename @last 'baseline, 3 layers'
    """
    from taskstore.store import tasks

    def change(record: TaskRecord) -> None:
        record.name = name

    store = context.open_store()
    paths = context.resolve(store, task)
    tasks.edit(store, paths.id, change)
    several.tell(store, paths, "renamed", as_json=as_json)
