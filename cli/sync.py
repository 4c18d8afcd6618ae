"""`taskstore pull`, `push`, `sync` and `merge`: tasks exchanged with a remote, or with another store."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import chosen, context, leaving, offers, render
from .progress import Bar

if TYPE_CHECKING:
    from taskstore.share.sync.choosing import Choice
    from taskstore.share.sync.exchange import Done, Leave, Result
    from taskstore.share.sync.peer import Peer, Tick
    from taskstore.share.sync.plan import Way
    from taskstore.store.store import Store

pull_app, push_app, sync_app, merge_app = (typer.Typer(rich_markup_mode=None, add_completion=False) for _ in range(4))
APPS = {"pull": pull_app, "push": push_app, "sync": sync_app, "merge": merge_app}

_Remote = Annotated[
    str,
    typer.Argument(
        metavar="REMOTE",
        help="A remote's name, or its address: a folder, ssh://, s3://, https://.",
        autocompletion=offers.remote,
        show_default=False,
    ),
]
_Tasks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TASK", help="Only these: ids, id prefixes, project/name, @last.", autocompletion=offers.task
    ),
]
_Dry = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.")]


@pull_app.command()
def pull(
    remote: _Remote,
    tasks: _Tasks = None,
    where: chosen.WhereOption = None,
    project: context.ProjectOption = None,
    is_dry: _Dry = False,
    as_json: context.JsonOption = False,
) -> None:
    """Bring tasks here that are new or newer at a remote.

    What both sides have changed is merged. What cannot be is a conflict: both
    are kept, and `taskstore conflicts` lists them. Cut off, it is gone on with
    by the same command.

    Example: taskstore pull cluster --where 'status = completed' --dry-run
    """
    from taskstore.share.sync.plan import Way

    _run(remote, Way.PULL, _choice(tasks, where, project), is_dry=is_dry, as_json=as_json)


@push_app.command()
def push(
    remote: _Remote,
    tasks: _Tasks = None,
    where: chosen.WhereOption = None,
    project: context.ProjectOption = None,
    is_dry: _Dry = False,
    allow_secrets: leaving.AllowOption = False,
    redact: leaving.RedactOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Put tasks that are new or newer here to a remote.

    A folder becomes a store, which `taskstore --store FOLDER ls` reads. Where
    a task has been changed at the remote too, both changes are kept. What looks
    like a secret leaves only if you say so.

    Example: taskstore push /media/usb/experiments @last
    """
    from taskstore.share.sync.plan import Way

    leave = partial(leaving.confirm_leaving, allow_secrets=allow_secrets, redact=redact)
    _run(remote, Way.PUSH, _choice(tasks, where, project), is_dry=is_dry, as_json=as_json, leave=leave)


@sync_app.command()
def sync(
    remote: _Remote,
    is_dry: _Dry = False,
    allow_secrets: leaving.AllowOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Have this store and a remote hold the same tasks: pull and push in one.

    Only what is missing moves. Deleted tasks are deleted there too: in a store
    they go to its trash. What looks like a secret leaves only if you say so.

    Example: taskstore sync s3://experiments/ada
    """
    from taskstore.share.sync.plan import Way

    leave = partial(leaving.confirm_leaving, allow_secrets=allow_secrets)
    _run(remote, Way.SYNC, _choice(None, None, None), is_dry=is_dry, as_json=as_json, leave=leave)


@merge_app.command()
def merge(
    other: Annotated[
        Path, typer.Argument(metavar="OTHER_STORE", help="The folder of another store.", show_default=False)
    ],
    is_dry: _Dry = False,
    as_json: context.JsonOption = False,
) -> None:
    """Bring all tasks of another store in; that store is left as it is.

    It may be a copy, read-only, or one that runs are writing into: merged again,
    only what is new moves.

    Example: taskstore merge ~/from-the-cluster/.taskstore
    """
    from taskstore.core.errors import BadValue
    from taskstore.core.urls import strip_credentials
    from taskstore.share.sync.opening import at_folder
    from taskstore.share.sync.plan import Way

    address = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.+)", other.as_posix())  # a path has one slash of the two left
    if address:
        where = shlex.quote(strip_credentials(f"{address[1]}://{address[2]}"))
        raise BadValue(f"{where} is no folder; `taskstore pull {where}` brings it in")
    folder = other.expanduser().absolute()

    def opened(store: Store, tick: Tick) -> AbstractContextManager[Peer]:
        return nullcontext(at_folder(store, folder, Way.PULL, tick))

    _exchange(opened, Way.PULL, _choice(None, None, None), what="merge", is_dry=is_dry, as_json=as_json)


def _choice(tasks: list[str] | None, where: str | None, project: str | None) -> Choice:
    from taskstore.schema import filters
    from taskstore.share.sync.choosing import Choice

    return Choice(tuple(tasks or ()), project, filters.parse(where) if where is not None else None)


def _run(remote: str, way: Way, choice: Choice, *, is_dry: bool, as_json: bool, leave: Leave = leaving.freely) -> None:
    from taskstore.share.sync import opening

    def opened(store: Store, tick: Tick) -> AbstractContextManager[Peer]:
        return opening.opened(store, remote, way, tick)

    _exchange(opened, way, choice, what=way.value, is_dry=is_dry, as_json=as_json, leave=leave)


def _exchange(
    opened: Callable[[Store, Tick], AbstractContextManager[Peer]],
    way: Way,
    choice: Choice,
    *,
    what: str,
    is_dry: bool,
    as_json: bool,
    leave: Leave = leaving.freely,
) -> None:
    from taskstore.share.sync.exchange import Stop, exchanged

    store = context.open_store()
    with Bar(what) as bar:
        stop = Stop(bar)
        with opened(store, stop.tick) as peer:
            result = exchanged(store, peer, way, choice, stop, is_dry=is_dry, leave=leave)
    _print(result, is_dry=is_dry, as_json=as_json)
    _tell_conflicts(result, way, is_dry=is_dry)
    exit_code = 0
    for task_id, error in result.failed:
        short = task_id[:12]
        context.say(f"{short}: {error}" if short not in str(error) else str(error))
        exit_code = exit_code or error.exit_code
    if exit_code:
        raise typer.Exit(exit_code)


def _print(result: Result, *, is_dry: bool, as_json: bool) -> None:
    if as_json:
        for done in result.done:
            render.print_json(_as_object(done, is_dry=is_dry))
    elif result.done:
        fixed = (render.Column(name, is_fixed=True) for name in ("action", "id"))
        rows = ([done.action or "left", done.id, done.project, done.name, _note(done)] for done in result.done)
        render.table(rows, [*fixed, "project", "name", "note"])
    context.say(_summary(result, is_dry=is_dry))


def _tell_conflicts(result: Result, way: Way, *, is_dry: bool) -> None:
    """Say how many tasks are in conflict; what a push has merged is so at the other side, and not here."""
    count = sum(bool(done.conflicts) for done in result.done)
    if not count:
        return
    tasks, kept = render.count(count, "task"), "with both sides kept"
    if is_dry:
        context.say(f"{tasks} would be in conflict, {kept}")
    elif way.is_in:
        context.say(f"{tasks} in conflict, {kept}; `taskstore conflicts` lists them")
    else:
        it = "it" if count == 1 else "them"
        context.say(f"{tasks} in conflict there, {kept}; `taskstore pull` brings {it} here, to be decided")


def _note(done: Done) -> str:
    notes = [done.reason] if done.reason else []
    if done.is_new:
        notes.append("new")
    if done.conflicts:
        notes.append(f"conflict: {', '.join(done.conflicts)}")
    if done.missing:
        notes.append(f"missing: {', '.join(done.missing)}")
    return "; ".join(notes)


def _as_object(done: Done, *, is_dry: bool) -> dict[str, object]:
    return {
        "id": done.id,
        "project": done.project,
        "name": done.name,
        "action": done.action or "left",
        "is_new": done.is_new,
        "reason": done.reason,
        "conflicts": list(done.conflicts),
        "missing": list(done.missing),
        "bytes_in": done.bytes_in,
        "bytes_out": done.bytes_out,
        "dry_run": is_dry,
    }


def _summary(result: Result, *, is_dry: bool) -> str:
    counts = Counter(done.action or "left" for done in result.done)
    parts = [f"{counts[action]:,} {action}" for action in ("pulled", "pushed", "merged", "left") if counts[action]]
    parts.append(f"{result.same:,} the same on both sides")
    said = ", ".join(parts)
    if is_dry:
        return f"would be: {said}; nothing was done (--dry-run)"
    came, went = (sum(getattr(done, name) for done in result.done) for name in ("bytes_in", "bytes_out"))
    moved = [f"{render.size(count)} {way}" for count, way in ((came, "in"), (went, "out")) if count]
    return "; ".join([f"tasks: {said}", *([", ".join(moved)] if moved else [])])
