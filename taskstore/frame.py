"""Tasks as a pandas DataFrame: one row a task, or one row a point of their scalars."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .core import values
from .core.errors import BadValue, Refused
from .finding import default_store
from .schema.codec import number
from .schema.record import MONITOR, Parameter
from .sections.reports import SINGLE_VALUE_ITERATION
from .store import events, places, query
from .store.query import Row
from .store.store import Store

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_GREATEST = 2**63

_TEXT, _TIME, _REAL, _INT = "text", "time", "real", "int"
_FIELDS: dict[str, tuple[str, Callable[[Row], object]]] = {
    "id": (_TEXT, lambda row: row.id),
    "name": (_TEXT, lambda row: row.task.name),
    "project": (_TEXT, lambda row: row.project),
    "type": (_TEXT, lambda row: row.task.type),
    "status": (_TEXT, lambda row: row.task.status.value),
    "tags": ("tags", lambda row: list(row.task.tags)),
    "comment": (_TEXT, lambda row: row.task.comment),
    "user": (_TEXT, lambda row: row.task.user),
    "host": (_TEXT, lambda row: row.task.host),
    "parent": (_TEXT, lambda row: row.task.parent),
    "created": (_TIME, lambda row: row.task.created),
    "started": (_TIME, lambda row: row.task.started),
    "completed": (_TIME, lambda row: row.task.completed),
    "last_update": (_TIME, lambda row: row.task.last_update),
    "active_duration": (_REAL, lambda row: row.task.active_duration),
    "last_iteration": (_INT, lambda row: row.last_iteration if _fits(row.last_iteration or 0) else None),
}


def to_frame(
    tasks: object = None, *, scalars: bool = False, with_resources: bool = False, store: Store | None = None
) -> Any:  # noqa: ANN401 - a DataFrame of a library that need not be there
    """Return tasks as a DataFrame: a row a task, with its fields, parameters and last metrics; or a row a point.

    `tasks` is a filter as for `taskstore ls --where`, a `Query`, a task, or any number of tasks or their ids; None is
    all that were not put away. Columns of parameters are `Section/name`, of the type that all their values have; those
    of metrics `title/series`, the last value, and after `metric:` where there is a parameter of that name. With
    `scalars` the columns are task, title, series, iteration, time and value, without what was reported once and for
    all. Series of resources are left out but `with_resources`.
    Raises Refused where pandas is not installed, BadValue for what names no tasks, NotFound, Damaged.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        raise Refused("to_frame needs pandas, which is not installed; `pip install pandas` installs it") from None
    rows = _rows(store if store is not None else default_store(), tasks)
    if scalars:
        return _points(pandas, rows, with_resources=with_resources)
    columns = {name: _column(pandas, kind, [read(row) for row in rows]) for name, (kind, read) in _FIELDS.items()}
    columns |= {name: _parameter_column(pandas, found) for name, found in _parameters(rows).items()}
    for name, found in _metrics(rows, with_resources=with_resources).items():
        columns[f"metric:{name}" if name in columns else name] = _column(pandas, _REAL, found)
    return pandas.DataFrame(columns)


def _rows(store: Store, wanted: object) -> list[Row]:
    if isinstance(wanted, str):
        from .schema import filters

        wanted = query.Query(where=filters.parse(wanted))
    if wanted is None or isinstance(wanted, query.Query):
        return query.find(store, wanted).rows
    if isinstance(wanted, query.Listing):
        return wanted.rows
    if isinstance(wanted, Iterable) and not isinstance(wanted, (Mapping, bytes)):
        return [_row(store, item) for item in wanted]
    return [_row(store, wanted)]


def _row(store: Store, item: object) -> Row:
    if isinstance(item, Row):
        return item
    if callable(read := getattr(item, "_row", None)):  # a task, in ClearML's spelling too
        row: Row = read()
        return row
    if isinstance(item, str):
        return query.row_of(store, places.resolve(store, item))
    raise BadValue(f"to_frame takes tasks, their ids, a query or a filter, not {type(item).__name__}")


def _parameters(rows: Sequence[Row]) -> dict[str, list[Parameter | None]]:
    found: dict[str, list[Parameter | None]] = {}
    for place, row in enumerate(rows):
        for section, parameters in row.hyperparams.items():
            for name, parameter in parameters.items():
                found.setdefault(f"{section}/{name}", [None] * len(rows))[place] = parameter
    return dict(sorted(found.items()))


def _metrics(rows: Sequence[Row], *, with_resources: bool) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for place, row in enumerate(rows):
        for title, variants in row.last_metrics.items():
            if title.startswith(MONITOR) and not with_resources:
                continue
            for series, last in variants.items():
                found.setdefault(f"{title}/{series}", [None] * len(rows))[place] = number(last.value)
    return dict(sorted(found.items()))


def _column(pandas: Any, kind: str, found: Sequence[object]) -> Any:  # noqa: ANN401 - pandas' own
    if kind == _TIME:
        return pandas.Series(pandas.to_datetime(list(found), utc=True, errors="coerce")).astype("datetime64[us, UTC]")
    if kind == _TEXT:
        return pandas.Series(found, dtype=pandas.Series(["text"]).dtype)
    return pandas.Series(found, dtype={_REAL: "float64", _INT: "Int64", "bool": "boolean"}.get(kind, "object"))


def _parameter_column(pandas: Any, found: Sequence[Parameter | None]) -> Any:  # noqa: ANN401 - pandas' own
    """Make a column of the type that all values have; where they have several, or one that pandas has not, of texts."""
    read = [None if parameter is None else _value(parameter) for parameter in found]
    kinds = {type(value) for value in read if value is not None}
    if kinds == {bool}:
        return _column(pandas, "bool", read)
    if kinds == {int}:
        return _column(pandas, _INT, read)
    if kinds and kinds <= {int, float}:
        return _column(pandas, _REAL, read)
    return _column(pandas, _TEXT, [None if parameter is None else parameter.value for parameter in found])


def _value(parameter: Parameter) -> bool | int | float | str | None:
    """Read a value by its type; one of no known type as the number that it looks like. None where it is None."""
    if parameter.type is None:
        return _guessed(parameter.value)
    try:
        value = values.from_text(parameter.value, parameter.type)
    except BadValue:  # edited by hand: it is what it is
        return parameter.value
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if _fits(value) else parameter.value
    return value if isinstance(value, (bool, float)) else parameter.value


def _guessed(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) and "_" not in text else text


def _points(pandas: Any, rows: Sequence[Row], *, with_resources: bool) -> Any:  # noqa: ANN401 - pandas' own
    found = [
        (row.id, one)
        for row in rows
        for one in events.read_scalars(row.paths)
        if with_resources or not one.metric.startswith(MONITOR)
    ]
    kept = [(task_id, one, [_is_point(step) for step in one.iterations]) for task_id, one in found]
    kept = [item for item in kept if any(item[2])]
    counts = [sum(mask) for _, _, mask in kept]
    texts = {
        "task": [task_id for task_id, _, _ in kept],
        "title": [one.metric for _, one, _ in kept],
        "series": [one.variant for _, one, _ in kept],
    }
    places_of = [place for place, count in enumerate(counts) for _ in range(count)]
    frame = pandas.DataFrame(
        {name: _column(pandas, _TEXT, each).take(places_of).reset_index(drop=True) for name, each in texts.items()}
    )
    frame["iteration"] = pandas.Series(_flat(kept, "iterations"), dtype="int64")
    moments = pandas.to_datetime(_flat(kept, "timestamps"), unit="ms", utc=True, errors="coerce")
    frame["time"] = pandas.Series(moments).astype("datetime64[us, UTC]")
    frame["value"] = pandas.Series(_flat(kept, "values"), dtype="float64")
    return frame


def _is_point(step: int) -> bool:
    return step != SINGLE_VALUE_ITERATION and _fits(step)


def _fits(whole: int) -> bool:
    """Tell whether a number is one of 64 bits: JSON has greater ones."""
    return -_GREATEST <= whole < _GREATEST


def _flat(kept: Sequence[tuple[str, events.Series, list[bool]]], name: str) -> list[Any]:
    return [value for _, one, mask in kept for value, is_kept in zip(getattr(one, name), mask, strict=True) if is_kept]
