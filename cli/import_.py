"""`taskstore import`: tasks of a bundle, and runs that were recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import BadValue, NotFound, TaskstoreError

from . import brought, context, offers, render, several

if TYPE_CHECKING:
    from taskstore.share.importers.base import Imported, Options
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _kinds() -> list[str]:
    from taskstore.share.importers import KINDS

    return [brought.OWN, *KINDS]


def _kind(text: str) -> str:
    return context.one_of(*_kinds())(text)


def _complete_kind(incomplete: str) -> list[str]:
    return context.completing(*_kinds())(incomplete)


@app.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Zips, folders or files.", show_default=False),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--from",
            parser=_kind,
            metavar="KIND",
            help="What they are: taskstore (zips), mlflow, wandb, guild, clearml or tensorboard. Else it is seen.",
            autocompletion=_complete_kind,
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into", metavar="PROJECT", help="A project, else each task's own.", autocompletion=offers.project
        ),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="DIR",
            help="Where the files are that runs name, unless they are beside the runs (mlflow).",
        ),
    ] = None,
    with_deleted: Annotated[
        bool, typer.Option("--with-deleted", help="Also runs that were deleted there (mlflow).")
    ] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Bring in tasks of a zip, or runs that were recorded elsewhere; print their ids.

    What `taskstore zip` has packed keeps its ids and projects, and a task that
    is here already is merged. A folder is taken too: an unpacked zip, a store,
    one task. Of other programs' runs tasks are made; a path may hold many.

    Nothing is unpacked and nothing in it is run. A task comes in whole or not
    at all, and once. What of it cannot be read is said, and stands in the task.

    Example: taskstore import runs.zip
    """
    from taskstore.share.importers.base import Options

    store = context.open_store()
    _check(store, into, files)
    options = Options(project=into, with_deleted=with_deleted, files=files)
    exit_code = 0
    for path in dict.fromkeys(paths):
        try:
            code = _import(store, path, kind, options, as_json=as_json)
        except TaskstoreError as error:
            code = brought.report(store, error)
        exit_code = exit_code or code
    if exit_code:
        raise typer.Exit(exit_code)


def _check(store: Store, into: str | None, files: Path | None) -> None:
    """Raise BadName, NotFound: what a person has spelled is not mended, as the name of a run is."""
    from taskstore.store import projects

    if into is not None:
        projects.parts_of(store, into)
    if files is not None and not files.is_dir():
        raise NotFound("folder", str(files), "--files names one that is there")


def _import(store: Store, path: Path, kind: str | None, options: Options, *, as_json: bool) -> int:
    """Import what is at a path, each said as it comes; return the exit code of the first that failed, or 0."""
    from taskstore.share import importers
    from taskstore.share.importers.base import LeftOut

    is_own = brought.is_own(path, kind)
    importer = None if is_own else importers.of_path(path) if kind is None else importers.of_kind(kind)
    if (options.files or options.with_deleted) and importer is not importers.of_kind("mlflow"):
        raise BadValue(f"--files and --with-deleted are of --from mlflow, and {path} is nothing of MLflow's")
    if importer is None:
        return brought.take_in(store, path, options.project, as_json=as_json)
    exit_code = 0
    for found in importer.runs(store, path, options):
        if not isinstance(found, LeftOut):
            _tell(store, path, found, as_json=as_json)
            continue
        reason = f": {brought.reason(store, found.error)}" if found.error else ""
        context.say(render.safe_lines(f"{path}: {found.what}{reason}"))
        exit_code = exit_code or (found.error.exit_code if found.error else 0)
    return exit_code


def _tell(store: Store, path: Path, found: Imported, *, as_json: bool) -> None:
    from taskstore.store import places

    where = f"{path}: {found.source}" if found.source else str(path)
    for note in found.notes:
        context.say(render.safe_lines(f"{where}: {note}"))
    if not as_json:
        typer.echo(found.task_id)
    what = f"it was imported before; {path} is left as it is"
    if found.is_new:
        what = f"imported from {path}"
    elif found.has_grown:
        what = f"it was imported before, and has got what {path} holds since"
    several.tell(
        store,
        places.locate(store, found.task_id),
        what,
        as_json=as_json,
        imported_from=str(path),
        source=found.source,
        is_new=found.is_new,
        has_grown=found.has_grown,
        notes=list(found.notes),
    )
