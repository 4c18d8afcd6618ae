"""`taskstore trash`: deleted tasks, until they are purged."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import BadValue, Damaged

from . import context, offers, render, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.schema.record import TaskRecord
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
_EXIT_DAMAGED = 6


@app.callback()
def trash() -> None:
    """List, restore or purge deleted tasks.

    Example: taskstore trash restore 01a2b3c4
    """


@app.command("ls")
def list_trash(as_json: context.JsonOption = False) -> None:
    """List the tasks in the trash, oldest first.

    Example: taskstore trash ls
    """
    from taskstore.store import tasks
    from taskstore.store import trash as library

    rows: list[tuple[TaskPaths, TaskRecord]] = []
    exit_code = 0
    for paths in library.listed(context.open_store()):
        try:
            rows.append((paths, tasks.read(paths)))
        except FileNotFoundError:
            continue  # restored or purged just now
        except Damaged as error:
            exit_code = several.report(error)
    if as_json:
        for paths, record in rows:
            render.print_json(_as_object(paths, record))
    else:
        render.table(
            ([record.id, *_where(record), record.status] for _, record in rows),
            [render.Column("id", is_fixed=True), "project", "name", render.Column("deleted", is_fixed=True), "status"],
        )
    if not rows and not exit_code:
        context.say("the trash is empty")
    if exit_code:
        raise typer.Exit(exit_code)


def _where(record: TaskRecord) -> tuple[object, ...]:
    gone = record.trashed
    return (gone.project if gone else None, record.name, gone.time if gone else None)


def _as_object(paths: TaskPaths, record: TaskRecord) -> dict[str, object]:
    gone = record.trashed
    return {
        "id": record.id,
        "name": record.name,
        "project": gone.project if gone else None,
        "status": record.status,
        "deleted": gone.time if gone else None,
        "deleted_by": gone.who if gone else "",
        "path": context.place(paths.home),
    }


_Trashed = Annotated[
    list[str],
    typer.Argument(metavar="TASK", help="Tasks in the trash, by id or id prefix.", autocompletion=offers.trashed),
]


@app.command()
def restore(tasks: _Trashed, as_json: context.JsonOption = False) -> None:
    """Bring tasks back to the projects that they came from.

    Example: taskstore trash restore 01a2b3c4
    """
    from taskstore.store import trash as library

    def action(store: Store, paths: TaskPaths) -> None:
        restored = library.restore(store, paths.id)
        several.tell(store, restored, "restored", as_json=as_json)

    several.for_each(tasks, action, find=library.find)


@app.command()
def purge(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK", help="Tasks in the trash, by id or id prefix.", autocompletion=offers.trashed),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that is in the trash.")] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="What was deleted so long ago: 30d, 12h.")
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Delete tasks in the trash for good; there is no way back.

    Example: taskstore trash purge --older-than 30d
    """
    from taskstore.store import trash as library

    if sum((bool(tasks), every, older_than is not None)) != 1:
        raise typer.BadParameter("name tasks, or give --all, or --older-than 30d: one of the three")
    length_s = None if older_than is None else _length(older_than)
    store = context.open_store()
    if not tasks:
        tasks = [paths.id for paths in library.listed(store) if length_s is None or _is_older(store, paths, length_s)]
        if not tasks:
            context.say("nothing to purge")

    def action(store: Store, paths: TaskPaths) -> None:
        library.purge(store, paths.id)
        if as_json:
            render.print_json({"id": paths.id, "purged": True})
        else:
            context.say(f"{paths.id[:12]}: purged")

    several.for_each(tasks, action, find=library.find)


def _length(text: str) -> float:
    from taskstore.schema import conditions

    length_s = conditions.seconds(text)
    if length_s is None:
        raise BadValue(f"--older-than {text!r} is no length of time; write it like 30d or 12h")
    return length_s


def _is_older(store: Store, paths: TaskPaths, length_s: float) -> bool:
    """Tell whether a task was deleted so long ago; one that does not say when is left alone."""
    from taskstore.store import tasks

    try:
        gone = tasks.read(paths).trashed
    except (FileNotFoundError, Damaged):
        return False
    return gone is not None and store.clock.now() - gone.time > timedelta(seconds=length_s)
