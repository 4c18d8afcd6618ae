"""The tables that tasks are exported as: their columns, and the rows of one task. docs/reference/export-tables.md"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ....disk.layout import PARAMS, RECORD, SCRIPT, TaskPaths
from ....schema.record import LastMetric, ParamsRecord, ScriptRecord, SummaryRecord, TaskRecord
from ....store import events, places, tasks
from ....store.store import Store

TEXT, INTEGER, REAL, TIME, TEXTS = "text", "integer", "real", "time", "texts"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NO_ITERATION = -(2**31)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Facts:
    """What is read of one task before any row of it is written: a damaged record leaves no half of a task."""

    paths: TaskPaths
    project: str
    task: TaskRecord
    params: ParamsRecord
    script: ScriptRecord
    summary: SummaryRecord


@dataclass(frozen=True)
class Table:
    """One table: its columns by name, each with its type, and what makes a task's rows.

    `records` are the files of a task that texts in it come from.
    """

    name: str
    columns: dict[str, str]
    rows: Callable[[Facts], Iterator[Row]]
    records: tuple[str, ...] = ()


def read(store: Store, paths: TaskPaths) -> Facts:
    """Read the records of a task. Raises Damaged, FileNotFoundError where it has gone."""
    return Facts(
        paths,
        places.project_of(store, paths.home),
        tasks.read(paths),
        tasks.read_params(paths),
        tasks.read_script(paths),
        events.read_summary(paths),
    )


def _tasks(facts: Facts) -> Iterator[Row]:
    task, script = facts.task, facts.script
    yield (
        *(task.id, task.name, facts.project, task.type, task.status.value, task.status_reason, task.status_message),
        *(task.created, task.started, task.completed, task.last_update, task.active_duration),
        facts.summary.last_iteration,
        *(task.user, task.host, task.parent, task.tags, task.system_tags, task.comment),
        *(script.repository, script.branch, script.version_num, script.entry_point),
    )


def _params(facts: Facts) -> Iterator[Row]:
    for section, items in facts.params.hyperparams.items():
        for name, item in items.items():
            yield facts.task.id, section, name, item.value, item.type, item.description


def _metrics(facts: Facts) -> Iterator[Row]:
    task_id = facts.task.id
    for point in events.walk_scalars(facts.paths):
        step = None if point.iter == _NO_ITERATION else point.iter
        yield task_id, point.metric, point.variant, step, _moment(point.timestamp), float(point.value)


def _last_metrics(facts: Facts) -> Iterator[Row]:
    for title, variants in facts.summary.last_metrics.items():
        for series, item in variants.items():
            yield facts.task.id, title, series, item.count, *_ends(item)


def _ends(item: LastMetric) -> Iterable[Any]:
    yield float(item.value)
    yield None if item.iteration == _NO_ITERATION else item.iteration
    for value, step in ((item.min_value, item.min_value_iteration), (item.max_value, item.max_value_iteration)):
        yield None if value is None else float(value)
        yield None if step == _NO_ITERATION else step


def _moment(milliseconds: float) -> datetime | None:
    """Return a time; None where a number is none, or beyond all calendars."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds) if math.isfinite(milliseconds) else None
    except OverflowError:
        return None


_TASK_COLUMNS = {
    **dict.fromkeys(("id", "name", "project", "type", "status", "status_reason", "status_message"), TEXT),
    **dict.fromkeys(("created", "started", "completed", "last_update"), TIME),
    "active_duration": REAL,
    "last_iteration": INTEGER,
    **dict.fromkeys(("user", "host", "parent"), TEXT),
    **dict.fromkeys(("tags", "system_tags"), TEXTS),
    **dict.fromkeys(("comment", "repository", "branch", "version_num", "entry_point"), TEXT),
}
_SERIES = {"task": TEXT, "title": TEXT, "series": TEXT}
TABLES = {
    table.name: table
    for table in (
        Table("tasks", _TASK_COLUMNS, _tasks, (RECORD, SCRIPT)),
        Table(
            "params",
            dict.fromkeys(("task", "section", "name", "value", "type", "description"), TEXT),
            _params,
            (PARAMS,),
        ),
        Table("metrics", {**_SERIES, "iteration": INTEGER, "timestamp": TIME, "value": REAL}, _metrics),
        Table(
            "last_metrics",
            {
                **_SERIES,
                "count": INTEGER,
                **dict(
                    itertools.chain(*(((end, REAL), (f"{end}_iteration", INTEGER)) for end in ("last", "min", "max")))
                ),
            },
            _last_metrics,
        ),
    )
}
"""The tables by name, in the order in which they are written."""
