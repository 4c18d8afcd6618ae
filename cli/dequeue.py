"""`taskstore dequeue`: tasks that are not to be run from a queue after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def dequeue(tasks: context.TasksArgument, as_json: context.JsonOption = False) -> None:
    """Take tasks out of the queue that they wait in; each has the status that it had before.

    Example: taskstore dequeue 01a2b3c4
    """
    from taskstore.run import remote

    def action(store: Store, paths: TaskPaths) -> None:
        record = remote.dequeue(store, paths.id)
        several.tell(store, paths, f"waits no more: {record.status.label.lower()}", as_json=as_json)

    several.for_each(tasks, action)
