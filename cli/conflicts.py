"""`taskstore conflicts`: what two stores have changed differently, and which of it counts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import context, offers, render

if TYPE_CHECKING:
    from taskstore.schema.ancestry import Version
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)
_Task = Annotated[
    str,
    typer.Argument(
        metavar="TASK", help="A task: id, unique id prefix, project/name, or @last.", autocompletion=offers.task
    ),
]


@app.callback()
def conflicts(call: typer.Context) -> None:
    """List, show and resolve conflicts of merged tasks; without a command they are listed.

    Both versions were kept; the task shows the later one.

    Example: taskstore conflicts resolve 01a2b3c4 name --take 2
    """
    if call.invoked_subcommand is None:
        list_conflicts()


@app.command("ls")
def list_conflicts(as_json: context.JsonOption = False) -> None:
    """List the tasks that have conflicts, and what these are about.

    Example: taskstore conflicts ls
    """
    from taskstore.share.merging import resolving
    from taskstore.store import places, tasks

    store = context.open_store()
    found = resolving.with_conflicts(store)
    rows = [(task_id, tasks.read(places.locate(store, task_id)).name, units) for task_id, units in found]
    if as_json:
        for task_id, name, units in rows:
            render.print_json({"id": task_id, "name": name, "units": units})
    else:
        spelled = context.shown_ids(store)
        render.table(
            ([spelled(task_id), name, ", ".join(units)] for task_id, name, units in rows),
            [render.Column("id", is_fixed=True), "name", "conflicts"],
        )
    if not rows:
        context.say("no conflicts")


@app.command("show")
def show_conflicts(task: _Task, as_json: context.JsonOption = False) -> None:
    """Show the versions of everything in a task that is in conflict.

    Version 1 is the one that the task has now.

    Example: taskstore conflicts show 01a2b3c4
    """
    from taskstore.share.merging import own_state, resolving

    store = context.open_store()
    paths = context.resolve(store, task)
    state = own_state(store, paths.id)
    found = resolving.rivals(state) if state is not None else []
    for rivals in found:
        if as_json:
            versions = [_as_object(number, version) for number, version in enumerate(rivals.versions, 1)]
            render.print_json({"id": paths.id, "unit": rivals.unit, "versions": versions})
            continue
        render.styled((render.safe(rivals.unit), "bold"))
        for number, version in enumerate(rivals.versions, 1):
            render.hanging(f"  {number}  ", (f"{version.time[:19]}  ", "dim"), _spelled(version.value))
    if not found:
        context.say("no conflicts")
    elif not as_json:
        command = f"taskstore conflicts resolve {paths.id[:12]} {shlex.quote(found[0].unit)} --take N"
        context.say(f"`{render.safe(command)}` decides{', and so for the others' if len(found) > 1 else ''}")


def _as_object(number: int, version: Version) -> dict[str, object]:
    return {"number": number, "time": version.time, "value": version.value}


def _spelled(value: Any) -> str:  # noqa: ANN401 - plain JSON values
    import json

    if value is None:
        return "(not there)"
    return render.safe(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


@app.command("resolve")
def resolve_conflict(
    task: _Task,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="What is in conflict, as `conflicts show` names it.")],
    take: Annotated[
        int | None,
        typer.Option("--take", parser=context.whole_number, metavar="N", help="The number of the version to keep."),
    ] = None,
    value: Annotated[
        str | None, typer.Option("--value", metavar="V", help="Another value: of tags, with commas between.")
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Decide which version of something counts; the other stores learn it when they are merged.

    Example: taskstore conflicts resolve 01a2b3c4 params/Args/lr --value 0.1
    """
    from taskstore.share.merging import resolving

    if (take is None) == (value is None):
        raise typer.BadParameter("give --take with a number, or --value with another value")
    store: Store = context.open_store()
    paths = context.resolve(store, task)
    if take is not None:
        decided = resolving.take(store, paths.id, unit, take)
    else:
        decided = resolving.give(store, paths.id, unit, value or "")
    if as_json:
        render.print_json({"id": paths.id, "unit": unit, "value": decided.value})
    else:
        context.say(f"{unit} of {paths.id[:12]} is decided: {_spelled(decided.value)}")
