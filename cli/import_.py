"""`taskstore import`: tasks of a bundle, and runs that were recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.errors import TaskstoreError

from . import context, offers, render, several

if TYPE_CHECKING:
    from taskstore.share.bundle import Brought
    from taskstore.share.importers.base import Options
    from taskstore.share.merging import Outcome
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_OWN = "taskstore"


def _kinds() -> list[str]:
    from taskstore.share.importers import KINDS

    return [_OWN, *KINDS]


def _kind(text: str) -> str:
    return context.one_of(*_kinds())(text)


def _complete_kind(incomplete: str) -> list[str]:
    return context.completing(*_kinds())(incomplete)


@app.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Zips or folders.", show_default=False),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--from",
            parser=_kind,
            metavar="KIND",
            help="What they are: taskstore (zips and folders of tasks), clearml (offline sessions). Else it is seen.",
            autocompletion=_complete_kind,
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into", metavar="PROJECT", help="A project, else each task's own.", autocompletion=offers.project
        ),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Bring in tasks of a zip, or runs that were recorded elsewhere; print their ids.

    What `taskstore zip` has packed keeps its ids and projects, and a task that
    is here already is merged. A folder is taken too: an unpacked zip, a store,
    one task. Of other programs' runs a task is made.

    Nothing is unpacked and nothing in it is run. A task comes in whole or not
    at all, and once. What of it cannot be read is said, and stands in the task.

    Example: taskstore import runs.zip
    """
    from taskstore.share.importers.base import Options

    store = context.open_store()
    exit_code = 0
    for path in dict.fromkeys(paths):
        try:
            if _is_own(path, kind):
                code = _take_in(store, path, into, as_json=as_json)
                exit_code = exit_code or code
            else:
                _import(store, path, kind, Options(project=into), as_json=as_json)
        except TaskstoreError as error:
            code = several.report(error)
            exit_code = exit_code or code
    if exit_code:
        raise typer.Exit(exit_code)


def _import(store: Store, path: Path, kind: str | None, options: Options, *, as_json: bool) -> None:
    from taskstore.share import importers
    from taskstore.store import places

    importer = importers.of_path(path) if kind is None else importers.of_kind(kind)
    found = importer.run(store, path, options)
    task = places.locate(store, found.task_id)
    for note in found.notes:
        context.say(f"{path}: {note}")
    if not as_json:
        typer.echo(found.task_id)
    what = f"imported from {path}" if found.is_new else f"it was imported before; {path} is left as it is"
    several.tell(
        store, task, what, as_json=as_json, imported_from=str(path), is_new=found.is_new, notes=list(found.notes)
    )


def _is_own(path: Path, kind: str | None) -> bool:
    from taskstore.share import bundle

    return kind == _OWN or (kind is None and bundle.recognises(path))


def _take_in(store: Store, path: Path, into: str | None, *, as_json: bool) -> int:
    """Bring in the tasks of a bundle; return the exit code of the first that failed."""
    from taskstore.share import bundle

    exit_code = 0
    for brought in bundle.read(store, path, into=into):
        if brought.error is not None:
            code = several.report(brought.error)
            exit_code = exit_code or code
        else:
            _tell(store, path, brought, as_json=as_json)
    return exit_code


def _tell(store: Store, path: Path, brought: Brought, *, as_json: bool) -> None:
    from taskstore.core.errors import NotFound
    from taskstore.store import places

    outcome = brought.outcome
    if outcome is None:
        return
    facts = {
        "imported_from": str(path),
        "is_new": outcome.kind == "new",
        "notes": [],
        "outcome": outcome.kind,
        "missing": list(outcome.missing),
        "conflicts": list(outcome.conflicts),
    }
    if not as_json:
        typer.echo(outcome.task_id)
    short = outcome.task_id[:12]
    try:
        several.tell(store, places.locate(store, outcome.task_id), _said(outcome, path), as_json=as_json, **facts)
    except NotFound:
        trashed = store.paths.trashed(outcome.task_id)
        if trashed.record.is_file():
            what = f"it is in the trash: `taskstore trash restore {short}` brings it back"
            several.tell(store, trashed, what, as_json=as_json, **facts)
        elif as_json:
            render.print_json({"id": outcome.task_id, **facts})
        else:
            context.say(f"{short}: it was deleted for good")


def _said(outcome: Outcome, path: Path) -> str:
    short = outcome.task_id[:12]
    said = {
        "new": f"imported from {path}",
        "merged": f"merged with what {path} has of it",
        "unchanged": f"{path} has nothing new of it",
        "skipped": f"left as it is: {outcome.reason}",
    }
    text = said.get(outcome.kind, outcome.kind)
    if outcome.conflicts:
        text += f"; `taskstore conflicts show {short}` lists what differs: {', '.join(outcome.conflicts)}"
    if outcome.missing:
        text += f"; {len(outcome.missing)} files that its records name are not in it, such as {outcome.missing[0]}"
    return text
