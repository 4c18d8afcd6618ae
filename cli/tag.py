"""`taskstore tag`: a task's tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, render, several

if TYPE_CHECKING:
    from taskstore.schema.record import TaskRecord

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def tag(
    task: context.TaskArgument,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="TAG", help="Tags to add.", autocompletion=offers.tag)
    ] = None,
    remove: Annotated[
        list[str],
        typer.Option(
            "--remove", "-r", metavar="TAG", help="A tag to take off; may be repeated.", autocompletion=offers.tag
        ),
    ] = [],  # noqa: B006 - typer reads it and copies
    as_json: context.JsonOption = False,
) -> None:
    """Add tags to a task and take tags off, whatever its status; print those it has then.

    Example: taskstore tag @last baseline 'to publish' --remove draft
    """
    from taskstore.core.names import check_tag
    from taskstore.store import tasks

    added = [check_tag(text) for text in tags or ()]
    removed = {check_tag(text) for text in remove}

    def change(record: TaskRecord) -> None:
        for missing in sorted(removed - set(record.tags)):
            context.say(f"{record.id[:12]} has no tag {missing!r}")
        record.tags = list(dict.fromkeys(text for text in [*record.tags, *added] if text not in removed))

    store = context.open_store()
    paths = context.resolve(store, task)
    record = tasks.edit(store, paths.id, change) if added or removed else tasks.read(paths)
    if as_json:
        render.print_json(several.brief(store, paths) | {"tags": record.tags})
    else:
        for text in record.tags:
            render.line(render.safe(text))
