"""Which tasks are meant: those that are named, or those that a project and a condition choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
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
    from taskstore.core.errors import NotFound
    from taskstore.schema import filters
    from taskstore.store import projects, query

    if project is not None:
        projects.find(store, project)
    condition = filters.parse(where) if where is not None else None
    wanted = query.Query(project=project, is_recursive=True, where=condition)
    listing = query.find(store, wanted, order_by=["created", "id"])
    for error in listing.damaged:
        context.say(str(error))
    if not listing.rows:
        raise NotFound("task", where or project or "", "none fits; `taskstore ls --all` lists what there is")
    return [row.paths for row in listing.rows]
