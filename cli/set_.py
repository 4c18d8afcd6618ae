"""`taskstore set`: a draft's parameters, and any task's user properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, several

if TYPE_CHECKING:
    from taskstore.schema.record import ParamsRecord

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def set_(
    task: context.TaskArgument,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SECTION/NAME=VALUE",
            help="Parameters to set; without a section it is General.",
            autocompletion=offers.assignment,
        ),
    ] = None,
    unset: Annotated[
        list[str],
        typer.Option(
            "--unset",
            metavar="SECTION/NAME",
            help="A parameter to remove; may be repeated.",
            autocompletion=offers.parameter,
        ),
    ] = [],  # noqa: B006 - typer reads it and copies
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="What the one parameter that is set means.")
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Set parameters of a draft; user properties (properties/NAME) of any task.

    All are set or, where one cannot be, none. A value that is not of the recorded type is set with a warning.

    Example: taskstore set 01a2b3c4 Args/lr=0.2 Args/epochs=20 --unset Args/debug
    """
    from taskstore.sections import parameters
    from taskstore.store import tasks

    parsed = [parameters.parse_assignment(text) for text in assignments or ()]
    removed = [parameters.split_name(name) for name in unset]
    if not parsed and not removed:
        raise typer.BadParameter("nothing to set; write it like Args/lr=0.1, or --unset Args/lr")
    if description is not None and len(parsed) != 1:
        raise typer.BadParameter("--description is of one parameter, so set one")
    store = context.open_store()
    paths = context.resolve(store, task)
    masker = several.masker_of(store, paths)
    warnings: list[str] = []

    def change(params: ParamsRecord) -> None:
        warnings.clear()
        for section, key, value in parsed:
            warnings.extend(parameters.assign(params, section, key, value, masker=masker))
            if description is not None:
                params.hyperparams[section][key].description = description or None
        for section, key in removed:
            parameters.remove(params, section, key)

    params = tasks.edit_params(store, paths.id, change)
    for warning in warnings:
        context.say(warning)
    done = {f"{section}/{key}": params.hyperparams[section][key].value for section, key, _ in parsed}
    what = ", ".join([*(f"{name} = {value}" for name, value in done.items()), *(f"{name} removed" for name in unset)])
    several.tell(store, paths, what, as_json=as_json, parameters=done, unset=["/".join(item) for item in removed])
