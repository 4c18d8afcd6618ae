"""Tasks of our own that come in from a zip or a folder, each said as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from taskstore.core.errors import Damaged, NotFound, TaskstoreError

from . import context, render, several

if TYPE_CHECKING:
    from taskstore.share.bundle import Brought
    from taskstore.share.merging import Outcome
    from taskstore.store.store import Store

OWN = "taskstore"


def is_own(path: Path, kind: str | None) -> bool:
    """Tell whether a path holds tasks of ours, and no other program's."""
    from taskstore.share import bundle

    return kind == OWN or (kind is None and bundle.recognises(path))


def take_in(store: Store, path: Path, into: str | None, *, as_json: bool) -> int:
    """Bring in the tasks of a bundle; return the exit code of the first that failed."""
    from taskstore.share import bundle

    exit_code = 0
    for each in bundle.read(store, path, into=into):
        if each.error is not None:
            code = _report(store, each.task_id, each.error)
            exit_code = exit_code or code
        else:
            _tell(store, path, each, as_json=as_json)
    return exit_code


def _report(store: Store, task_id: str, error: TaskstoreError) -> int:
    """Say why a task did not come in; what is damaged in the bundle no doctor of this store mends."""
    if not isinstance(error, Damaged) or error.path.is_relative_to(store.root):
        return several.report(error)
    what = f"task {task_id[:12]} is left as it was: damaged file {error.path}: {error.why}"
    context.say(render.safe_lines(what))
    return error.exit_code


def report(store: Store, error: TaskstoreError) -> int:
    """Say what stands in the way of an import; return its exit code."""
    context.say(render.safe_lines(reason(store, error)))
    return error.exit_code


def reason(store: Store, error: TaskstoreError) -> str:
    """Return what is wrong; a file that is damaged and not the store's is none that our doctor mends."""
    if isinstance(error, Damaged) and not error.path.is_relative_to(store.root):
        return f"{error.path}: {error.why}"
    return str(error)


def _tell(store: Store, path: Path, each: Brought, *, as_json: bool) -> None:
    from taskstore.store import places

    outcome = each.outcome
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
            tombstone = context.place(store.paths.tombstone(outcome.task_id))
            how = "where it is wanted back, remove that file and import it again"
            context.say(f"{short}: it was deleted for good, as {tombstone} says; {how}")


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
