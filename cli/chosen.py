"""Which tasks are meant: those that are named, or those that a project and a condition choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers

if TYPE_CHECKING:
    from taskstore.core.errors import NotFound
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.query import Listing
    from taskstore.store.store import Store

TasksArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TASK",
        help="Tasks: ids, unique id prefixes, project/name, or @last.",
        autocompletion=offers.task,
        show_default=False,
    ),
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        "-w",
        metavar="FILTER",
        help="Tasks that fit: a condition on fields, parameters, metrics.",
        autocompletion=offers.condition,
    ),
]


def find(store: Store, references: Sequence[str], project: str | None, where: str | None) -> list[TaskPaths]:
    """Return the tasks that are named, each once; else those of a project that fit, the oldest first.

    Without any of these it is every task; those that were put away have to be named. Raises NotFound where a project is
    none or no task fits, BadValue.
    """
    if references:
        if project is not None or where is not None:
            raise typer.BadParameter("name tasks, or choose them by --project and --where, not both")
        found = [context.resolve(store, reference) for reference in references]
        return list({paths.id: paths for paths in found}.values())
    listing = fitting(store, project, where)
    for error in listing.damaged:
        context.say(str(error))
    if not listing.rows:
        raise none_fits(store, project, where)
    return [row.paths for row in listing.rows]


def none_fits(store: Store, project: str | None, where: str | None) -> NotFound:
    """Return the error of a choice that no task fits."""
    from taskstore.core.errors import NotFound

    what, name = ("in store", str(store.root)) if project is None else ("in project", project)
    what, name = (what, name) if where is None else ("that fits", where)
    return NotFound(f"task {what}", name, "`taskstore ls --all` lists what there is")


def fitting(store: Store, project: str | None, where: str | None, *, with_archived: bool = False) -> Listing:
    """Return the tasks of a project, subprojects too, that a condition fits, the oldest first.

    Raises NotFound where the project is none, BadValue.
    """
    from taskstore.schema import filters
    from taskstore.store import projects, query

    if project is not None:
        projects.find(store, project)
    condition = filters.parse(where) if where is not None else None
    wanted = query.Query(project=project, where=condition, with_archived=with_archived)
    return query.find(store, wanted, order_by=["created", "id"])
