"""`taskstore comment`: what a person has to say of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, render, several

if TYPE_CHECKING:
    from taskstore.schema.record import TaskRecord

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def comment(
    task: context.TaskArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The new comment; '' removes it. Left out: print it.")
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Show a task's comment, or set it, whatever the task's status.

    Example: taskstore comment @last 'diverges after epoch 3'
    """
    from taskstore.store import tasks

    def change(record: TaskRecord) -> None:
        record.comment = text or ""

    store = context.open_store()
    paths = context.resolve(store, task)
    record = tasks.read(paths) if text is None else tasks.edit(store, paths.id, change)
    if as_json:
        render.print_json(several.brief(store, paths) | {"comment": record.comment})
    elif text is not None:
        several.tell(store, paths, "comment set" if text else "comment removed", as_json=False)
    elif record.comment:
        render.line(render.safe_lines(record.comment))
