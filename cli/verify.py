"""`taskstore verify`: are published tasks as they were published?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import Damaged
from taskstore.core.states import Status

from . import context, offers, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_EXIT_DAMAGED = 6


@app.command()
def verify(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TASK",
            help="Tasks: ids, unique id prefixes, project/name, or @last.",
            autocompletion=offers.task,
            show_default=False,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Every published task of the store.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Check that published tasks are as they were, by the SHA-256 of every file.

    Name, comment, tags and user properties may change after publishing, and count as no difference. The exit code
    is 6 where something differs or cannot be read.

    Example: taskstore verify --all
    """
    from taskstore.store import published

    if bool(tasks) == every:
        raise typer.BadParameter("name tasks, or give --all for every published one")
    store = context.open_store()
    wanted, damaged = _published(store) if every else ([context.resolve(store, task) for task in tasks or []], [])
    for error in damaged:
        context.say(str(error))
    is_sound = not damaged
    for paths in wanted:
        try:
            differences = published.verify(paths)
        except Damaged as error:
            differences = [str(error)]
        is_sound = is_sound and not differences
        _print(paths, differences, as_json=as_json)
    if not wanted:
        context.say("no published task")
    if not is_sound:
        raise typer.Exit(_EXIT_DAMAGED)


def _published(store: Store) -> tuple[list[TaskPaths], list[Damaged]]:
    from taskstore.store import query

    wanted = query.Query(statuses=[Status.PUBLISHED], with_archived=True)
    listing = query.find(store, wanted, order_by="created")
    return [row.paths for row in listing.rows], listing.damaged


def _left_out(paths: TaskPaths) -> dict[str, str]:
    """Return what could not be checked, since it was left out of the bundle that the task came in."""
    from taskstore.schema.bundle import KINDS
    from taskstore.store import left_out, tasks

    try:
        return {kind: KINDS[kind] for kind in left_out.gone(paths, tasks.read(paths))}
    except Damaged:
        return {}  # that is among the differences


def _but(lacking: dict[str, str]) -> str:
    return f", but for what was left out: {', '.join(lacking.values())}" if lacking else ""


def _print(paths: TaskPaths, differences: list[str], *, as_json: bool) -> None:
    lacking = _left_out(paths)
    if as_json:
        render.print_json(
            {"id": paths.id, "is_same": not differences, "differences": differences, "left_out": list(lacking)}
        )
        return
    render.styled(f"{paths.id}  ", ("as published", "green") if not differences else ("differs", "red"), _but(lacking))
    for difference in differences:
        render.line(f"  {render.safe(difference)}")
