"""What Tab offers: tasks, projects, queues, fields and parameters of the store that the line being typed is about.

Each of these says nothing where the store cannot be read, and makes none. What is offered is the word itself: the
shell puts it in quotes (see `shells`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from taskstore.store.query import Row
    from taskstore.store.store import Store

Offer = tuple[str, str]
"""A word, and what it means."""
_LAST_PART = re.compile(r"(?:[^,\"`]|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`)*,")
_NAME_AT_END = re.compile(r"(?:[^\s()=!<>~,'\"`&|]|\"(?:[^\"\\]|\\.)*\"?|`(?:[^`\\]|\\.)*`?)*\Z")
_BEFORE_NAME = re.compile(r"(?:\A|[(!]|&&|\|\||\b(?:and|or|not))\s*\Z", re.IGNORECASE)


def _quietly(found: Callable[[typer.Context, str], Iterable[Offer]]) -> Callable[[typer.Context, str], list[Offer]]:
    """Make a completer of what yields offers: those that begin with what is typed, and nothing of a damaged store."""
    from functools import wraps

    @wraps(found)
    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        from taskstore.core.errors import TaskstoreError

        try:
            offered = list(found(ctx, incomplete))
        except (OSError, TaskstoreError):
            return []
        return list({item[0]: item for item in offered if item[0].startswith(incomplete)}.values())

    complete.__annotations__ = {"ctx": typer.Context, "incomplete": str}
    return complete


def _store(ctx: typer.Context) -> Store:
    """Open the store that the line being typed is about; pressing Tab makes none."""
    import os
    from pathlib import Path

    from taskstore.store.store import find_root, open_at

    named = ctx.find_root().params.get("store")
    return open_at(find_root(named, environ=os.environ, cwd=Path.cwd(), home=Path.home()))


def _named(ctx: typer.Context) -> str:
    """Return what names the task; behind an option that has no value yet click leaves it among the unread words."""
    return str(ctx.params.get("task") or next(iter(ctx.args), ""))


def _rows(ctx: typer.Context) -> list[Row]:
    from taskstore.store import query

    return query.find(_store(ctx), query.Query(with_archived=True)).rows


@_quietly
def task(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001 - as every completer
    """Offer tasks by id, with what they are called, and by project/name; newest first."""
    rows = _rows(ctx)
    titles = [(row.id, f"{row.project}/{row.task.name}") for row in rows]
    yield from [("@last", "the task that was made last")] * bool(titles)
    yield from titles
    yield from ((title, "") for _, title in titles)


@_quietly
def project(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer projects."""
    from taskstore.store import projects

    return [(item.name, "") for item in projects.list_all(_store(ctx))]


def task_or_project(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer tasks; once there is a task, projects too, because the last word is one."""
    is_first = not (ctx.params.get("tasks") or ctx.params.get("project"))
    offered = [] if is_first else project(ctx, incomplete)
    return [*offered, *task(ctx, incomplete)]


@_quietly
def queue(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer queues."""
    from taskstore.store import tickets

    return [(name, "") for name in tickets.names(_store(ctx))]


@_quietly
def remote(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer remotes, with their addresses."""
    from taskstore.share.remotes import names

    return [(each.name, each.url) for each in names.listed(_store(ctx))]


@_quietly
def worker(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the workers that live, with what they take from."""
    from taskstore.store import workers

    found = (seen.record for seen in workers.listed(_store(ctx)) if seen.is_alive)
    return [(record.id, ", ".join(record.queues)) for record in found]


@_quietly
def goal(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the metrics of the task that is named before, each to be minimised or maximised.

    Of a sweep, or a task that has not run yet, those of all tasks.
    """
    return [(f"{name}:{way}", "") for name in _metrics(ctx) for way in ("min", "max")]


@_quietly
def metric(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the metrics of the task that is named before; of none, or one that has none, those of all tasks."""
    return [(name, "") for name in _metrics(ctx)]


def _metrics(ctx: typer.Context) -> list[str]:
    from taskstore.store import places, query

    store = _store(ctx)
    rows = [query.row_of(store, places.resolve(store, _named(ctx)))] if _named(ctx) else []
    if not any(row.last_metrics for row in rows):
        rows = _rows(ctx)
    return sorted(
        {f"{title}/{series}" for row in rows for title, found in row.last_metrics.items() for series in found}
    )


@_quietly
def trashed(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the ids of tasks in the trash."""
    from taskstore.store import trash

    return [(paths.id, "") for paths in trash.listed(_store(ctx))]


@_quietly
def kept(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the artifacts and models of the task that is named before."""
    from taskstore.store import artifacts, models, places

    paths = places.resolve(_store(ctx), _named(ctx))
    names = [*artifacts.read(paths).artifacts, *(model.slot for model in models.read(paths).output.values())]
    return [(name, "") for name in names]


@_quietly
def parameter(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the parameters of the task that is named before, with their values."""
    from taskstore.store import places, tasks

    params = tasks.read_params(places.resolve(_store(ctx), _named(ctx)))
    return [
        (f"{section}/{name}", parameter.value)
        for section, parameters in params.hyperparams.items()
        for name, parameter in parameters.items()
    ]


def assignment(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer them up to the = that a value follows."""
    return [(f"{name}=", value) for name, value in parameter(ctx, incomplete)]


@_quietly
def tag(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:  # noqa: ARG001
    """Offer the tags that tasks have."""
    return [(name, "") for row in _rows(ctx) for name in row.task.tags]


@_quietly
def columns(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Offer fields for the last of some names with commas between."""
    return _listed(ctx, incomplete, may_have_sign=False)


@_quietly
def order(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Offer fields for the last of some names with commas between, which may have a sign before them."""
    return _listed(ctx, incomplete, may_have_sign=True)


@_quietly
def condition(ctx: typer.Context, incomplete: str) -> Iterable[Offer]:
    """Offer fields where a condition begins."""
    found = _NAME_AT_END.search(incomplete)
    typed = found[0] if found else ""
    before = incomplete.removesuffix(typed)
    if not _BEFORE_NAME.search(before):
        return []
    return [(before + word, "") for word in _fields(ctx, typed, needs_quotes=True)]


def _listed(ctx: typer.Context, incomplete: str, *, may_have_sign: bool) -> list[Offer]:
    found = _LAST_PART.match(incomplete)
    before = found[0] if found else ""
    while (more := _LAST_PART.match(incomplete, len(before))) is not None:
        before += more[0]
    typed = incomplete[len(before) :]
    sign = typed[:1] if may_have_sign and typed[:1] in ("-", "+") else ""
    return [(before + sign + word, "") for word in _fields(ctx, typed.removeprefix(sign), needs_quotes=False)]


def _fields(ctx: typer.Context, typed: str, *, needs_quotes: bool) -> list[str]:
    """Spell the fields that tasks have as they go on from what is typed; of a metric also its values."""
    from taskstore.schema.conditions import spell_name
    from taskstore.store import query

    names = {(name, "") for name in query.TASK_FIELDS}
    for row in _rows(ctx):
        names |= {(f"{section}/{name}", "") for section, found in row.hyperparams.items() for name in found}
        for metric, variants in row.last_metrics.items():
            for variant in variants:
                name = variant if metric == "Summary" else f"{metric}/{variant}"
                names |= {(name, suffix) for suffix in ("", ".last", ".min", ".max")}
    words = []
    for name, suffix in sorted(names):
        is_plain_here = not (needs_quotes or set(name) & set(",\"'`")) and name[0] not in "+-"
        spelled = [name] * is_plain_here + [spell_name(name), f'"{name}"']
        words += [word + suffix for word in spelled if (word + suffix).startswith(typed)][:1]
    return words


def several_of(*choices: str) -> Callable[[str], list[str]]:
    """Return what completes the last of some words with commas between."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + choice for choice in choices if choice.startswith(last.lower())]

    return complete
