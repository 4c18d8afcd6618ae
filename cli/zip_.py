"""`taskstore zip`: tasks in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import chosen, context, leaving, render

if TYPE_CHECKING:
    from taskstore.share.bundle import Written

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_KINDS = ("artifacts", "models", "media", "source", "console")


@app.command("zip")
def zip_(
    tasks: chosen.TasksArgument = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="The zip; else it is here, named after them.")
    ] = None,
    project: context.ProjectOption = None,
    where: chosen.WhereOption = None,
    without: Annotated[
        list[str],
        typer.Option(
            "--without",
            metavar="WHAT",
            parser=context.one_of(*_KINDS),
            autocompletion=context.completing(*_KINDS),
            help="Leave out artifacts, models, media, source or console; repeat it.",
        ),
    ] = [],  # noqa: B006 - typer reads it and copies
    lineage: Annotated[bool, typer.Option("--lineage", help="Parents, and what input models come from, too.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file that is there.")] = False,
    allow_secrets: leaving.AllowOption = False,
    redact: leaving.RedactOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Pack tasks into one zip; print its path. `taskstore import` takes it in.

    Tasks of any status: of a running one, what it has written so far. Any tool
    lists and unpacks the file, in which tasks are as in the store. The same
    tasks give the same bytes. With --project its subprojects too. What looks
    like a secret leaves only if you say so.

    Example: taskstore zip @last -o run.zip --without artifacts
    """
    from taskstore.share import bundle

    if not tasks and project is None and where is None:
        raise typer.BadParameter("name tasks, or which with --project or --where")
    store = context.open_store()
    found = [context.resolve(store, reference).id for reference in tasks or []]
    if project is not None or where is not None:
        listing = chosen.fitting(store, project, where, with_archived=True)
        if listing.damaged:
            raise listing.damaged[0]
        found += [row.id for row in listing.rows]
    if output is None and project is not None and not tasks:
        output = Path(bundle.name_of_project(project))
    if not found:
        raise chosen.none_fits(store, project, where)
    path = bundle.target(store, found, output.expanduser() if output is not None else None, is_replaced=force)
    leaves = bundle.homes_of(store, found, with_lineage=lineage)
    is_wanted = bundle.wanted(without)
    with leaving.confirm_leaving(store, leaves, allow_secrets=allow_secrets, redact=redact, only=is_wanted) as (
        source,
        _,
    ):
        written = bundle.write(source, found, path, without=without, with_lineage=lineage, is_replaced=force)
    _tell(written, as_json=as_json)


def _tell(written: Written, *, as_json: bool) -> None:
    for name, why in written.left_out.items():
        context.say(f"left out: {name}: {why}")
    for task_id in written.missing:
        context.say(f"left out: task {task_id[:12]}, which is not in this store")
    if as_json:
        render.print_json(
            {
                "path": str(written.path),
                "tasks": list(written.task_ids),
                "size_bytes": written.size_bytes,
                "without": list(written.without),
                "left_out": written.left_out,
                "missing": list(written.missing),
            }
        )
        return
    render.line(str(written.path))
    count = len(written.task_ids)
    context.say(f"{count:,} task{'s' * (count != 1)}, {render.size(written.size_bytes)}")
