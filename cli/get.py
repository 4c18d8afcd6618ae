"""`taskstore get`: what a task has kept, copied out of the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.lineage import Found
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def get(
    task: context.TaskArgument,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="An artifact's or a model's name.",
            autocompletion=offers.kept,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="A folder to put it in, or its new path; else here."),
    ] = None,
    models_only: Annotated[bool, typer.Option("--model", help="NAME is a model's, and no artifact's.")] = False,
    packed: Annotated[bool, typer.Option("--packed", help="Leave an archive packed.")] = False,
    list_all: Annotated[bool, typer.Option("--list", "-l", help="List what can be copied.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Copy an artifact, or a model's weights, out of the store.

    The copy is yours to change; the path of it is printed. Nothing is overwritten. What was put elsewhere is fetched
    and checked. A folder comes back as a folder. Of artifacts and models of one name, the artifact is meant.

    Example: taskstore get @last model -o model.pt
    """
    if list_all == (name is not None):
        raise typer.BadParameter("give the NAME of what to copy, or --list")
    store = context.open_store()
    paths = context.resolve(store, task)
    if name is None:
        _print_list(paths, as_json=as_json)
        return
    path = _copied(store, paths, name, output, models_only=models_only, is_packed=packed)
    if as_json:
        render.print_json({"name": name, "path": str(path)})
    else:
        render.line(str(path))


def _print_list(paths: TaskPaths, *, as_json: bool) -> None:
    from taskstore.store import artifacts, models

    record = models.read(paths)
    found = [("artifact", item.key, item.type, item.content_size) for item in artifacts.read(paths).artifacts.values()]
    found += [("model", item.slot or item.name, item.framework, item.size) for item in record.output.values()]
    found += [("input model", key, item.about.framework if item.about else "", 0) for key, item in record.input.items()]
    if as_json:
        for kind, name, what, size in found:
            render.print_json({"kind": kind, "name": name, "type": what, "size": size})
        return
    render.table(
        [(kind, name, what, render.size(size) if size else "") for kind, name, what, size in found],
        ["kind", "name", "type", render.Column("size", is_fixed=True)],
    )


def _copied(
    store: Store, paths: TaskPaths, name: str, output: Path | None, *, models_only: bool, is_packed: bool
) -> Path:
    from taskstore.sections import models as section
    from taskstore.sections.artifacts import Artifacts
    from taskstore.store import artifacts, copies

    if not models_only and name in artifacts.read(paths).artifacts:
        artifact = Artifacts(store, paths.id)[name]
        source, is_archive = artifact.get_local_copy(extract_archive=False), artifact.type == "archive"
    else:
        owner, model = _model(store, paths, name, models_only=models_only)
        source, is_archive = section.local_path(store, owner.id, model), model.is_package
    is_unpacked = is_archive and not is_packed
    return copies.copied(source, _target(source, output, is_unpacked=is_unpacked), is_unpacked=is_unpacked)


def _model(store: Store, paths: TaskPaths, name: str, *, models_only: bool) -> Found:
    """Find a model that the task made, else one that it was given."""
    from taskstore.core.errors import NotFound
    from taskstore.store import artifacts, lineage, models

    record = models.read(paths)
    for model in reversed(record.output.values()):
        if name in (model.slot, model.name, model.id):
            return lineage.Found(paths, model)
    given = lineage.given(store, paths, record.input[name]) if name in record.input else None
    if given is not None:
        return given
    names = [] if models_only else list(artifacts.read(paths).artifacts)
    names += [*(model.slot for model in record.output.values()), *record.input]
    raise NotFound("model" if models_only else "artifact or model", name, f"the task has {', '.join(names) or 'none'}")


def _target(source: Path, output: Path | None, *, is_unpacked: bool) -> Path:
    """A folder that is there takes the copy in; any other path is the copy's own."""
    from taskstore.core.names import decode

    own = Path(decode(source.name) or source.name)
    own = own.with_suffix("") if is_unpacked else own
    target = (output or Path()).expanduser()
    return target / own if output is None or target.is_dir() else target
