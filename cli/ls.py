"""`taskstore ls`: the listing, its filters, its columns."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core import states
from taskstore.core.errors import BadValue
from taskstore.core.task_types import TASK_TYPES

from . import context, offers, render

if TYPE_CHECKING:
    from taskstore.schema.filters import Filter
    from taskstore.schema.record import TaskRecord
    from taskstore.store.query import Listing, Query, Row
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)

DEFAULT_COLUMNS = ("id", "project", "name", "status", "created", "duration", "tags")
DEFAULT_LIMIT = 50
_WIDE = 100
_FIXED = frozenset({"id", "status", "created", "started", "completed", "last_update", "duration", "progress"})
_EXIT_DAMAGED = 6

Texts = list[str]


_NoRecursive = Annotated[bool, typer.Option("--no-recursive", help="Leave out the project's subprojects.")]
_Status = Annotated[
    Texts,
    typer.Option(
        "--status",
        "-s",
        metavar="STATUS",
        help="draft, running, failed …",
        autocompletion=offers.several_of(*(status.label.lower() for status in states.Status)),
    ),
]
_TaskType = Annotated[
    Texts,
    typer.Option("--type", metavar="TYPE", help="training, testing …", autocompletion=offers.several_of(*TASK_TYPES)),
]
_Tag = Annotated[
    Texts,
    typer.Option("--tag", "-t", metavar="TAG", help="With this tag; -TAG is without it.", autocompletion=offers.tag),
]
_WithoutTag = Annotated[
    Texts, typer.Option("--without-tag", metavar="TAG", help="Without this tag.", autocompletion=offers.tag)
]
_Text = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="In the name, comment, project or id.")]
_Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Made since: 2d, today, 2026-01-31 (UTC).")]
_Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Made until; a date counts whole.")]
_Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        "-w",
        metavar="FILTER",
        help="A condition on fields, parameters, metrics.",
        autocompletion=offers.condition,
    ),
]
_Sort = Annotated[
    str,
    typer.Option(
        "--sort",
        metavar="FIELD",
        help="A field, parameter or metric; - before it: greatest first. Or several.",
        autocompletion=offers.order,
    ),
]
_Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        parser=context.whole_number,
        metavar="N",
        show_default=False,
        help="At most so many; 0 is all. In a terminal 50, else all.",
    ),
]
_Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        "-c",
        metavar="NAMES",
        help="With commas between: id,name,Args/lr,loss/train.min",
        autocompletion=offers.columns,
    ),
]
_Archived = Annotated[bool, typer.Option("--archived", help="Only tasks that were put away.")]
_ShowAll = Annotated[bool, typer.Option("--all", "-a", help="Tasks that were put away, too.")]


@app.command()
def ls(
    project: context.ProjectOption = None,
    no_recursive: _NoRecursive = False,
    status: _Status = [],  # noqa: B006 - typer reads it and copies
    task_type: _TaskType = [],  # noqa: B006 - typer reads it and copies
    tag: _Tag = [],  # noqa: B006 - typer reads it and copies
    without_tag: _WithoutTag = [],  # noqa: B006 - typer reads it and copies
    text: _Text = None,
    since: _Since = None,
    until: _Until = None,
    where: _Where = None,
    sort: _Sort = "-created",
    limit: _Limit = None,
    columns: _Columns = None,
    archived: _Archived = False,
    show_all: _ShowAll = False,
    as_json: context.JsonOption = False,
) -> None:
    """List tasks, newest first.

    All conditions given must hold; --status and --type may be repeated and mean any of them, --tag may be repeated
    and means all of them. Piped, the table is tab-separated values with whole ids and times in UTC. The exit code
    is 6 where some file was damaged: a warning names it, and the rest is listed.

    Example: taskstore ls -p examples --where 'Args/lr < 0.1 and not tag = old' --sort validation/loss.min
    """
    from taskstore.store import query

    if archived and show_all:
        raise typer.BadParameter("--archived and --all exclude each other")
    names = _names(columns)
    order = _order(sort)
    condition = _condition(where, since, until)
    wanted = query.Query(
        project=project,
        is_recursive=not no_recursive,
        statuses=_statuses(status),
        types=_types(task_type),
        tags=_tags(name for name in tag if not name.startswith("-")),
        without_tags=_tags([*without_tag, *(name[1:] for name in tag if name.startswith("-"))]),
        text=text,
        with_archived=show_all,
        only_archived=archived,
        where=condition,
    )
    store = context.open_store()
    listing = query.find(store, wanted, order_by=order)
    shown_names = [*(names if columns else []), *(name.partition("+")[2] for name in order)]
    _comment(store, wanted, listing, shown_names, missing=condition.missing() if condition else [])
    shown = _first(listing.rows, limit, is_short=render.is_terminal() and not as_json)
    if as_json:
        for row in shown:
            render.print_json({name: row.get(name) for name in names} if columns else as_object(row))
    else:
        _print_table(store, shown, names, is_chosen=columns is not None)
    _report_damaged(listing)


def _names(columns: str | None) -> list[str]:
    if columns is None:
        return list(DEFAULT_COLUMNS)
    from taskstore.schema import field_names

    names = field_names.parse_list(columns)
    if not names:
        raise BadValue("no columns named; write them like id,name,Args/lr,validation/loss.min")
    return names


def _order(sort: str) -> list[str]:
    from taskstore.schema import field_names

    order = field_names.parse_order(sort)
    if not order:
        raise BadValue("nothing to sort by; name a field, like -created or validation/loss.min")
    return order


def _split(texts: list[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip() or not text.strip()]


def _types(texts: list[str]) -> list[str]:
    names = _split(texts)
    for name in names:
        if name not in TASK_TYPES:
            raise BadValue(f"no task type {name!r}; there are {', '.join(TASK_TYPES)}")
    return names


def _tags(texts: Iterable[str]) -> list[str]:
    tags = list(texts)
    if not all(tags):
        raise BadValue("an empty tag; --tag NAME lists what has it, --tag=-NAME what has it not")
    return tags


def _statuses(texts: list[str]) -> list[states.Status]:
    found = []
    for text in _split(texts):
        status = states.parse(text)
        if status is None:
            known = ", ".join(status.label.lower() for status in states.Status)
            raise BadValue(f"no status {text!r}; there are {known}")
        found.append(status)
    return found


@dataclass
class _All:
    """A filter of several that must all fit; `unseen` are the names that no task so far has had."""

    parts: Sequence[Filter]
    unseen: set[str]
    was_asked: bool = False

    def matches(self, fields: Row) -> bool:
        self.was_asked = True
        if self.unseen:
            self.unseen = {name for name in self.unseen if fields.get(name) is None}
        return all(part.matches(fields) for part in self.parts)

    def missing(self) -> list[str]:
        """Return the names that no task has which the other options leave; none where they leave no task."""
        return sorted(self.unseen) if self.was_asked else []


def _condition(where: str | None, since: str | None, until: str | None) -> _All | None:
    from taskstore.schema import filters
    from taskstore.store import query

    parts: list[Filter] = [filters.parse(where)] if where is not None else []
    if since is not None:
        parts.append(_created(">=", since, "--since"))
    if until is not None:
        parts.append(_created("<=", until, "--until"))
    return _All(parts, set().union(*(part.names() for part in parts)) - {*query.TASK_FIELDS}) if parts else None


def _created(operator: str, text: str, option: str) -> Filter:
    from taskstore.schema import filters

    quoted = text.strip().replace("\\", "\\\\").replace('"', '\\"')
    for spelled in (quoted, f"{quoted} ago"):
        try:
            return filters.parse(f'created {operator} "{spelled}"')
        except BadValue:
            continue
    raise BadValue(f"{option} {text!r} is not a time; write it like 2d, 90m, today, 2026-01-31 or 2026-01-31T12:00")


def _first(rows: list[Row], limit: int | None, *, is_short: bool) -> list[Row]:
    if limit is None:
        limit = DEFAULT_LIMIT if is_short else 0
    if limit == 0 or len(rows) <= limit:
        return rows
    if is_short:
        context.say(f"{len(rows) - limit:,} more; --limit 0 shows all")
    return rows[:limit]


def _comment(store: Store, wanted: Query, listing: Listing, names: list[str], *, missing: list[str]) -> None:
    """Say what explains a listing that is emptier than expected. Raises NotFound for an unknown project."""
    from taskstore.store import projects, query

    if not listing.rows:
        if wanted.project is not None:
            projects.find(store, wanted.project)
        context.say(
            "no task fits"
            if wanted != query.Query(statuses=[], types=[], tags=[], without_tags=[])
            else "no tasks yet; `taskstore run SCRIPT` makes one"
        )
    else:
        names = [name for name in names if name not in query.TASK_FIELDS]
        missing = [*missing, *(name for name in names if all(row.get(name) is None for row in listing.rows))]
    for name in dict.fromkeys(missing):
        context.say(f"no task here has {name!r}; `taskstore show TASK` lists parameters and metrics")


def _report_damaged(listing: Listing) -> None:
    for error in listing.damaged:
        context.say(str(error))
    if listing.damaged:
        raise typer.Exit(_EXIT_DAMAGED)


def as_object(row: Row) -> dict[str, object]:
    """Return a task as `ls --json` prints it: names as in the task's own files, every key always there."""
    task: TaskRecord = row.task
    return {
        "id": task.id,
        "name": task.name,
        "project": row.project,
        "type": task.type,
        "status": task.status,
        "status_reason": task.status_reason,
        "status_message": task.status_message,
        "created": task.created,
        "started": task.started,
        "completed": task.completed,
        "last_update": task.last_update,
        "active_duration": task.active_duration,
        "user": task.user,
        "host": task.host,
        "parent": task.parent,
        "tags": task.tags,
        "system_tags": task.system_tags,
        "comment": task.comment,
        "progress": row.get("progress"),
        "last_iteration": row.last_iteration,
        "hyperparams": row.hyperparams,
        "last_metrics": row.last_metrics,
        "path": context.place(row.paths.home),
    }


def _print_table(store: Store, rows: list[Row], names: list[str], *, is_chosen: bool) -> None:
    if not render.is_terminal():
        render.table(([_value(row, name) for name in names] for row in rows), names)
        return
    if not rows:
        return
    if not is_chosen and (shutil.get_terminal_size().columns < _WIDE or not any(row.task.tags for row in rows)):
        names = [name for name in names if name != "tags"]
    short = context.short_ids(store)
    render.table(
        ([_pretty(row, name, short) for name in names] for row in rows),
        [render.Column(name, is_fixed=name in _FIXED, style="dim" if name == "id" else "") for name in names],
    )


def _value(row: Row, name: str) -> object:
    return row.task.status if name == "status" else row.get(name)


def _pretty(row: Row, name: str, short: Callable[[str], str]) -> object:
    if name == "id":
        return short(row.id)
    if name == "status":
        status = row.task.status
        return f"{status.label}, with gaps" if states.has_gaps(row.task.status_reason) else status
    value = row.get(name)
    if name == "duration":
        return _duration(row)
    if name == "parent" and isinstance(value, str):
        return short(value)
    if name == "progress" and value is not None:
        return f"{value}%"
    return value


def _duration(row: Row) -> str | None:
    task = row.task
    if task.status is states.Status.IN_PROGRESS and task.started:
        elapsed: timedelta = datetime.now(task.started.tzinfo) - task.started
        return render.duration(max(0.0, elapsed.total_seconds()))
    return None if task.active_duration is None else render.duration(task.active_duration)
