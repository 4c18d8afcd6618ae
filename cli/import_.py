"""`taskstore import`: runs that were recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import Damaged, TaskstoreError

from . import context, offers, render, several

if TYPE_CHECKING:
    from taskstore.share.importers.base import Imported, Options
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _kinds() -> list[str]:
    from taskstore.share.importers import KINDS

    return list(KINDS)


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
            help="What they are: mlflow, wandb, guild, clearml or tensorboard. Else it is seen.",
            autocompletion=_complete_kind,
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into", metavar="PROJECT", help="A project, else each run's own.", autocompletion=offers.project
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
    """Bring in runs that were recorded elsewhere; print the ids of their tasks.

    Nothing is unpacked and nothing in it is run. A path may hold many runs. Each
    comes in whole or not at all, and once: again, it is the task that it became.
    What of it cannot be read is said, and stands in the task.

    Example: taskstore import --from clearml offline-*.zip --into laptop
    """
    from taskstore.share.importers.base import Options

    store = context.open_store()
    exit_code = 0
    for path in dict.fromkeys(paths):
        try:
            options = Options(project=into, with_deleted=with_deleted, files=files)
            code = _import(store, path, kind, options, as_json=as_json)
        except TaskstoreError as error:
            code = several.report(error)
        exit_code = exit_code or code
    if exit_code:
        raise typer.Exit(exit_code)


def _import(store: Store, path: Path, kind: str | None, options: Options, *, as_json: bool) -> int:
    """Import the runs at a path, each said as it comes; return the exit code of the first that failed, or 0."""
    from taskstore.share import importers
    from taskstore.share.importers.base import LeftOut

    importer = importers.of_path(path) if kind is None else importers.of_kind(kind)
    exit_code = 0
    for found in importer.runs(store, path, options):
        if not isinstance(found, LeftOut):
            _tell(store, path, found, as_json=as_json)
            continue
        reason = f": {_reason(found.error)}" if found.error else ""
        context.say(render.safe_lines(f"{path}: {found.what}{reason}"))
        exit_code = exit_code or (found.error.exit_code if found.error else 0)
    return exit_code


def _reason(error: TaskstoreError) -> str:
    """Say what is wrong; the file that is damaged is no store's, and no doctor of ours mends it."""
    return f"{error.path}: {error.why}" if isinstance(error, Damaged) else str(error)


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
