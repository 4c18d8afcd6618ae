"""The columns of a table of tasks: those that every task has, and one for each parameter and metric that is known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..core.clock import to_text
from ..schema.conditions import number_in
from ..schema.record import Parameter
from ..store.query import Row

MAX_TEXT = 500
"""Characters of a cell; the rest is on the task's own page."""
_NUMERIC = frozenset({"int", "float"})


@dataclass(frozen=True)
class Column:
    """One column. `kind` is status, name, text, tags, time, length (of time, in seconds) or number."""

    id: str
    label: str
    kind: str
    group: str = "Task"
    width: int = 120


FIXED = {
    column.id: column
    for column in (
        Column("status", "Status", "status", width=150),
        Column("name", "Name", "name", width=260),
        Column("project", "Project", "text", width=180),
        Column("type", "Type", "text", width=110),
        Column("tags", "Tags", "tags", width=180),
        Column("created", "Created", "time", width=150),
        Column("started", "Started", "time", width=150),
        Column("completed", "Completed", "time", width=150),
        Column("last_update", "Updated", "time", width=150),
        Column("duration", "Duration", "length", width=110),
        Column("user", "User", "text"),
        Column("host", "Host", "text"),
        Column("last_iteration", "Iteration", "number", width=100),
        Column("progress", "Progress", "number", width=100),
        Column("comment", "Comment", "text", width=220),
        Column("queue", "Queue", "text"),
        Column("parent", "Parent", "text"),
        Column("status_reason", "Reason", "text", width=180),
        Column("id", "ID", "text", width=130),
    )
}
"""By id, which is the name that filters and sorting use; in the order of a chooser."""
FIRST = (
    *("status", "name", "tags", "started", "duration", "last_iteration", "user", "type"),
    *("created", "completed", "last_update", "host", "id"),
)
"""What is shown where nobody has chosen: first what tells one run from another, for as much as a screen is wide."""
_ENDS = ("last", "min", "max")


def of(name: str, rows: Iterable[Row] = ()) -> Column:
    """Return the column of an id; what a parameter holds is told by the first of the rows that has it."""
    if name in FIXED:
        return FIXED[name]
    kind, _, rest = name.partition(":")
    if kind == "metric":
        return _metric(rest)
    section, _, key = rest.partition("/")
    found = next((held for row in rows if (held := row.hyperparams.get(section, {}).get(key)) is not None), None)
    is_number = found is not None and _is_number(found)
    return Column(name, rest or name, "number" if is_number else "text", "Parameter")


def _is_number(parameter: Parameter) -> bool:
    return parameter.type in _NUMERIC or (not parameter.type and number_in(parameter.value) is not None)


def _metric(rest: str) -> Column:
    stem, _, end = rest.rpartition(".")
    label = f"{stem} ({end})" if end in _ENDS and stem else rest
    return Column(f"metric:{rest}", label, "number", "Metric", 130)


def known(rows: Iterable[Row]) -> list[Column]:
    """Return every column that any of the rows has something in: fixed ones, parameters, then metrics."""
    parameters: dict[str, bool] = {}
    metrics: dict[str, None] = {}
    for row in rows:
        for section, held in row.hyperparams.items():
            for key, parameter in held.items():
                name = f"param:{section}/{key}"
                if name not in parameters:
                    parameters[name] = _is_number(parameter)
        for title, variants in row.last_metrics.items():
            for variant in variants:
                metrics[f"{title}/{variant}"] = None
    found = [
        Column(name, name[6:], "number" if is_number else "text", "Parameter")
        for name, is_number in sorted(parameters.items())
    ]
    return [*FIXED.values(), *found, *(_metric(f"{name}.{end}") for name in sorted(metrics) for end in _ENDS)]


def cell(row: Row, name: str) -> object:
    """Return what a row has in a column, as JSON holds it: text, a number, a list of texts or None."""
    found = row.get(name)
    if isinstance(found, datetime):
        return to_text(found)
    if isinstance(found, float) and not math.isfinite(found):
        return str(found)
    if isinstance(found, str) and len(found) > MAX_TEXT:
        return f"{found[:MAX_TEXT]}…"
    return found
