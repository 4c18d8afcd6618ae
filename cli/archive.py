"""`taskstore archive` and `unarchive`: tasks put away, and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.schema.record import TaskRecord
    from taskstore.store.store import Store

archive_app = typer.Typer(rich_markup_mode=None, add_completion=False)
unarchive_app = typer.Typer(rich_markup_mode=None, add_completion=False)
APPS = {"archive": archive_app, "unarchive": unarchive_app}


@archive_app.command()
def archive(tasks: context.TasksArgument, as_json: context.JsonOption = False) -> None:
    """Put tasks away: `ls` leaves them out, and nothing else changes.

    Example: taskstore archive 01a2b3c4 01a2b3d5
    """
    _set_archived(tasks, True, as_json=as_json)


@unarchive_app.command()
def unarchive(tasks: context.TasksArgument, as_json: context.JsonOption = False) -> None:
    """Bring archived tasks back.

    Example: taskstore unarchive 01a2b3c4
    """
    _set_archived(tasks, False, as_json=as_json)


def _set_archived(references: list[str], wanted: bool, *, as_json: bool) -> None:
    from taskstore.details import archive as put_away
    from taskstore.store import tasks

    def change(record: TaskRecord) -> None:
        put_away(record, wanted)

    def action(store: Store, paths: TaskPaths) -> None:
        tasks.edit(store, paths.id, change)
        what = "archived; `taskstore ls --archived` lists it" if wanted else "back from the archive"
        several.tell(store, paths, what, as_json=as_json, archived=wanted)

    several.for_each(references, action)
