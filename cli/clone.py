"""`taskstore clone`: a new draft from a task."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, several
from .trust import TrustOption

if TYPE_CHECKING:
    from taskstore.schema.record import ParamsRecord

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_Assignments = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="SECTION/NAME=VALUE",
        help="Change a parameter; may be repeated.",
        autocompletion=offers.assignment,
    ),
]
_Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Its name, else 'Clone Of' and the original's.")
]
_Comment = Annotated[str | None, typer.Option("--comment", metavar="TEXT", help="Its comment, else the original's.")]
_Run = Annotated[bool, typer.Option("--run", help="Run it at once; the exit code is the program's.")]


@app.command()
def clone(
    task: context.TaskArgument,
    assignments: _Assignments = [],  # noqa: B006 - typer reads it and copies
    name: _Name = None,
    project: context.ProjectOption = None,
    comment: _Comment = None,
    queue: context.QueueOption = None,
    run: _Run = False,
    trust: TrustOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Copy a task into a new draft, with changed parameters; print the draft's id.

    Copied is what the task was given (code, parameters, configuration, tags), and nothing that it produced.

    Example: taskstore clone @last --set Args/lr=0.1 --name 'larger steps' --run
    """
    from taskstore.sections import clone as cloning
    from taskstore.sections import parameters

    from . import enqueue as enqueuing

    if queue is not None and run:
        raise typer.BadParameter("--queue and --run exclude each other: it is run here, or waits to be run")
    parsed = [parameters.parse_assignment(text) for text in assignments]
    store = context.open_store()
    source = context.resolve(store, task)
    if queue is not None:
        enqueuing.check(store, queue)
    masker = several.masker_of(store, source)
    warnings: list[str] = []

    def change(params: ParamsRecord) -> None:
        for section, key, value in parsed:
            warnings.extend(parameters.assign(params, section, key, value, masker=masker))

    made = cloning.clone(store, source, name=name, project=project, comment=comment, change=change if parsed else None)
    for warning in warnings:
        context.say(warning)
    if not as_json:
        typer.echo(made.id)
    if queue is not None:
        enqueuing.enqueue(store, made, queue, trust=trust)
    told = f"a draft, cloned from {source.id[:12]}"
    if queue is not None:
        told = f"cloned from {source.id[:12]}, {enqueuing.waits(queue)}"
    several.tell(store, made, told, as_json=as_json, cloned_from=source.id)
    if run:
        from .run import run_and_leave

        sys.stdout.flush()
        run_and_leave(store, made, trust=trust)
