"""`taskstore project`: the tree that tasks stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import BadName, Damaged

from . import context, offers, render, several

if TYPE_CHECKING:
    from pathlib import Path

    from taskstore.schema.record import ProjectRecord
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

NameArgument = Annotated[
    str,
    typer.Argument(metavar="PROJECT", help="A project, like vision/cats.", autocompletion=offers.project),
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is about.")]
Tags = list[str]


@app.callback()
def project() -> None:
    """List, create, describe, rename, move or delete projects.

    Example: taskstore project ls
    """


@app.command("ls")
def list_projects(as_json: context.JsonOption = False) -> None:
    """List all projects, and how many tasks stand in each.

    Example: taskstore project ls
    """
    from taskstore.store import projects

    store = context.open_store()
    rows = []
    exit_code = 0
    for found in projects.list_all(store):
        description = ""
        try:
            description = projects.read(found.folder).description
        except Damaged as error:
            exit_code = several.report(error)
        rows.append((found.name, found.task_count, description, found.folder))
    if as_json:
        for name, count, description, folder in rows:
            render.print_json({"name": name, "tasks": count, "description": description, "path": context.place(folder)})
    else:
        render.table(
            ((name, count, description.partition("\n")[0]) for name, count, description, _ in rows),
            ["project", "tasks", "description"],
        )
    if not rows:
        context.say("no projects yet; `taskstore project create NAME` makes one, and so does a first task")
    if exit_code:
        raise typer.Exit(exit_code)


@app.command()
def create(
    name: NameArgument,
    description: DescriptionOption = None,
    tags: Annotated[Tags, typer.Option("--tag", metavar="TAG", help="A tag; may be repeated.")] = [],  # noqa: B006 - typer reads it and copies
    as_json: context.JsonOption = False,
) -> None:
    """Make a project, and those above it where they are missing.

    Example: taskstore project create vision/cats --description 'Which cat is it?'
    """
    from taskstore.store import projects

    store = context.open_store()
    folder = projects.create(store, name, description=description or "", tags=tuple(dict.fromkeys(tags)))
    _tell(store, folder, "created", as_json=as_json)


@app.command()
def show(name: NameArgument, as_json: context.JsonOption = False) -> None:
    """Show what is said of a project, and what is in it.

    Example: taskstore project show vision/cats
    """
    from taskstore.store import projects

    store = context.open_store()
    folder = projects.find(store, name)
    facts = _facts(store, folder)
    if as_json:
        render.print_json(facts)
        return
    for key, value in facts.items():
        if value or value == 0:
            text = render.cell(value) if not isinstance(value, str) else render.safe_lines(value)
            for number, line in enumerate(text.split("\n")):
                render.hanging(f"{'' if number else key.replace('_', ' ') + ':':<14}", line)


@app.command()
def edit(
    name: NameArgument,
    description: DescriptionOption = None,
    tags: Annotated[Tags, typer.Option("--tag", metavar="TAG", help="A tag to add; may be repeated.")] = [],  # noqa: B006
    remove: Annotated[Tags, typer.Option("--remove-tag", metavar="TAG", help="A tag to take off.")] = [],  # noqa: B006
    destination: Annotated[
        str | None, typer.Option("--output-destination", metavar="URI", help="Where outputs of its tasks go.")
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Change what is said of a project.

    Example: taskstore project edit vision/cats --description 'All breeds' --tag done
    """
    from taskstore.store import projects

    if description is None and destination is None and not tags and not remove:
        raise typer.BadParameter("nothing to change; give --description, --tag, --remove-tag or --output-destination")

    def change(record: ProjectRecord) -> None:
        if description is not None:
            record.description = description
        if destination is not None:
            record.default_output_destination = destination
        record.tags = list(dict.fromkeys(tag for tag in [*record.tags, *tags] if tag not in remove))

    store = context.open_store()
    projects.edit(store, name, change)
    _tell(store, projects.find(store, name), "changed", as_json=as_json)


@app.command()
def rename(
    name: NameArgument,
    to: Annotated[str, typer.Argument(metavar="NAME", help="The new name of its last part.")],
    as_json: context.JsonOption = False,
) -> None:
    """Rename a project where it is: the last part of its name.

    Example: taskstore project rename vision/cats felines
    """
    from taskstore.core.names import project_parts
    from taskstore.store import projects

    if "/" in to:
        raise BadName("project", to, "a new name has no '/'; `taskstore project mv` moves a project into another")
    store = context.open_store()
    parents = project_parts(name)[:-1]
    _tell(store, projects.rename(store, name, "/".join([*parents, to])), "renamed", as_json=as_json)


@app.command()
def mv(
    name: NameArgument,
    parent: Annotated[
        str,
        typer.Argument(
            metavar="PARENT",
            help="The project to move it into; / is none.",
            autocompletion=offers.project,
        ),
    ],
    as_json: context.JsonOption = False,
) -> None:
    """Move a project, with all that is in it, into another one.

    Example: taskstore project mv cats vision
    """
    from taskstore.core.names import project_parts
    from taskstore.store import projects

    store = context.open_store()
    parents = () if parent.strip() == "/" else project_parts(parent)
    to = "/".join([*parents, project_parts(name)[-1]])
    _tell(store, projects.rename(store, name, to), "moved", as_json=as_json)


@app.command()
def rm(
    name: NameArgument,
    force: Annotated[bool, typer.Option("--force", "-f", help="Its tasks go to the trash first.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Delete a project that is empty; with --force its tasks, running and published ones too, go to the trash.

    Example: taskstore project rm vision/cats
    """
    from taskstore.store import projects, trash

    store = context.open_store()
    trashed: list[str] = []

    def put(task_id: str) -> None:
        trash.put(store, task_id, force=True)
        trashed.append(task_id)

    projects.delete(store, name, trash_task=put if force else None)
    if as_json:
        render.print_json({"name": name, "deleted": True, "trashed": trashed})
    else:
        told = f"; {render.count(len(trashed), 'task')} in the trash" if trashed else ""
        context.say(f"project {render.safe(name)}: deleted{told}")


def _facts(store: Store, folder: Path) -> dict[str, object]:
    from taskstore.store import places, projects

    record = projects.read(folder)
    task_ids, subprojects = projects.contents(folder)
    return {
        "name": places.project_name(store, folder),
        "description": record.description,
        "tags": record.tags,
        "created": record.created,
        "default_output_destination": record.default_output_destination,
        "tasks": len(places.entries(str(folder))[0]),
        "tasks_below": len(task_ids),
        "subprojects": [places.project_name(store, path) for path in subprojects],
        "path": context.place(folder),
    }


def _tell(store: Store, folder: Path, what: str, *, as_json: bool) -> None:
    facts = _facts(store, folder)
    if as_json:
        render.print_json(facts)
    else:
        context.say(f"project {render.safe(str(facts['name']))}: {what}")
