"""Tables: a data frame, a list of rows, or a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ...core.errors import BadValue
from . import arrays
from .layout import Figure, checked, figure, merged

_WANTED = "a DataFrame, a list of rows whose first one is the header, or a list of dicts"
_Table = tuple[list[str], list[list[Any]]]


def table(
    title: str,
    content: object = None,
    *,
    csv: str | Path | None = None,
    extra_layout: Mapping[str, Any] | None = None,
    extra_data: Mapping[str, Any] | None = None,
) -> Figure:
    """Draw a table of `content`, or of a CSV file with a header; its rows are of one length.

    `extra_data` is added to the trace.
    """
    if (content is None) == (csv is None):
        raise BadValue(f"a table needs table_plot ({_WANTED}) or csv (a path), one of them")
    if csv is not None and not isinstance(csv, (str, PathLike)):
        raise BadValue(f"csv must be a path, not {type(csv).__name__} {csv!r}")
    names, columns = _of_file(Path(csv)) if csv is not None else _of(content)
    trace = {"type": "table", "header": {"values": names}, "cells": {"values": columns}}
    return figure(title, [merged(trace, checked("extra_data", extra_data))], extra_layout=extra_layout)


def _of(content: Any) -> _Table:  # noqa: ANN401 - whatever is a table
    if hasattr(content, "columns") and hasattr(content, "iloc"):
        return _of_pandas(content)
    if hasattr(content, "columns") and hasattr(content, "get_column"):  # polars
        return list(content.columns), [content.get_column(name).to_list() for name in content.columns]
    rows = arrays.listed(content)
    if not isinstance(rows, list) or not rows:
        raise BadValue(f"table_plot must be {_WANTED}, not {type(content).__name__}")
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(key for row in rows for key in row))
        return [str(name) for name in names], [[row.get(name) for row in rows] for name in names]
    return _of_rows("table_plot", rows)


def _of_pandas(frame: Any) -> _Table:  # noqa: ANN401
    names = [" / ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    columns = [_cells(frame.iloc[:, at].tolist()) for at in range(len(names))]
    if type(frame.index).__name__ == "RangeIndex" and frame.index.name is None:
        return names, columns
    index = [" / ".join(map(str, key)) if isinstance(key, tuple) else key for key in frame.index.tolist()]
    return [str(frame.index.name or ""), *names], [_cells(index), *columns]


def _cells(values: list[Any]) -> list[Any]:
    return [value if value is None or isinstance(value, (int, float, str)) else str(value) for value in values]


def _of_rows(name: str, rows: list[Any]) -> _Table:
    if not all(isinstance(row, (list, tuple)) for row in rows) or len(set(map(len, rows))) > 1:
        raise BadValue(f"{name} must be {_WANTED}, all rows of one length, not {arrays.shape_text(rows)}")
    header, *body = rows
    return [str(cell) for cell in header], [_cells([row[at] for row in body]) for at in range(len(header))]


def _of_file(path: Path) -> _Table:
    import csv as csv_format

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv_format.reader(stream) if row]
    except (OSError, ValueError, csv_format.Error) as error:
        raise BadValue(f"csv {str(path)!r} cannot be read: {error}") from None
    if not rows:
        raise BadValue(f"csv {str(path)!r} is empty")
    return _of_rows("csv", [[_cell(text) for text in row] for row in rows])


def _cell(text: str) -> object:
    """A number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
