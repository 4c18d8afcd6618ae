"""What CSV does not tell of a table of pandas: the labels and types of its columns, so that it comes back as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .prepared import library

Facts = dict[str, Any]
_GIVEN = re.compile(r"(u?int|float)\d+\Z|(U?Int|Float)\d+\Z|bool(ean)?\Z|str(ing)?\Z")
"""Types that pandas reads a text as when it is told to; it is left to see for itself of the others."""
_MAX_COLUMNS = 1000
_MOMENTS = ("datetime64", "timedelta64")


def facts(value: Any) -> Facts:  # noqa: ANN401 - a DataFrame, of a library not imported here
    """Return labels and types of a table's columns, the first of which is its own labels; nothing of odd ones."""
    labels = [value.index.name, *value.columns]
    if len(labels) > _MAX_COLUMNS or not all(
        label is None or type(label) in (str, int) for label in [*labels, value.columns.name]
    ):
        return {}
    types = [_type_of(value.index), *(_type_of(value.iloc[:, at]) for at in range(len(value.columns)))]
    return {"labels": labels, "types": types, "name": value.columns.name}


def _type_of(column: Any) -> str:  # noqa: ANN401 - a Series or an Index
    kind = str(column.dtype)
    if kind == "object" and library("pandas").api.types.infer_dtype(column, skipna=True) == "string":
        return "str"
    return kind


def read(path: Path, told: Facts) -> Any:  # noqa: ANN401 - a DataFrame
    """Read a packed CSV as a table of these columns; where something does not fit, as pandas takes it to be."""
    pandas = library("pandas")
    try:
        return _read(pandas, path, told["labels"], told["types"], told["name"])
    except (KeyError, ValueError, TypeError, OverflowError, NotImplementedError):
        return pandas.read_csv(path, index_col=[0], compression="gzip")


def _read(pandas: Any, path: Path, labels: list[Any], types: list[str], name: object) -> Any:  # noqa: ANN401
    places = range(len(labels))
    given = {at: kind for at, kind in zip(places, types, strict=True) if _GIVEN.match(kind)}
    text = {at: "str" for at, kind in zip(places, types, strict=True) if kind.startswith(_MOMENTS)}
    table = pandas.read_csv(
        path,
        compression="gzip",
        header=0,
        names=list(places),
        dtype={at: "str" if kind in ("str", "string") else kind for at, kind in given.items()} | text,
        **({"float_precision": "round_trip"} if int(pandas.__version__.partition(".")[0]) < 3 else {}),
        keep_default_na=False,
        na_values=[""],
    )
    for at, kind in zip(places, types, strict=True):
        if kind.startswith("datetime64"):
            table[at] = pandas.to_datetime(table[at], format="ISO8601")
        elif kind.startswith("timedelta64"):
            table[at] = pandas.to_timedelta(table[at])
        if kind in ("category", "string") or kind.startswith(_MOMENTS):
            table[at] = table[at].astype(kind)
    table = table.set_index(0)
    table.index.name = labels[0]
    table.columns = pandas.Index(labels[1:], name=name)
    return table
