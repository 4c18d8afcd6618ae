"""`taskstore publish`: read-only, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def publish(
    tasks: context.TasksArgument,
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="Why, for the task's history.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Drafts and other tasks that have not run, too.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Make tasks that have ended read-only, for good, with a hash of every file.

    Name, comment, tags, project and user properties can still be changed; `taskstore verify` checks the rest.

    Example: taskstore publish @last --message 'the numbers of table 2'
    """
    from taskstore.store import published

    def action(store: Store, paths: TaskPaths) -> None:
        published.publish(store, paths.id, message=message, force=force)
        several.tell(store, paths, "published; `taskstore verify` checks it", as_json=as_json)

    several.for_each(tasks, action)
