"""Tables as Parquet, in row groups of bounded size."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ....core.errors import Refused
from .columns import INTEGER, REAL, TEXT, TEXTS, TIME, Row

_GROUP_ROWS = 1 << 16


def load() -> tuple[Any, Any]:
    """Return pyarrow, and its part that writes Parquet. Raises Refused where it is not installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Refused(
            "Parquet is written by pyarrow, which is not installed: `pip install 'taskstore[parquet]'`, or --to csv"
        ) from None


class Parquet:
    """A Parquet file. Few tasks make few small groups, many points groups of 65,536 rows."""

    def __init__(self, path: Path, columns: dict[str, str]) -> None:
        self._arrow, parquet = load()
        arrow = self._arrow
        types = {
            TEXT: arrow.string(),
            INTEGER: arrow.int64(),
            REAL: arrow.float64(),
            TIME: arrow.timestamp("us", tz="UTC"),
            TEXTS: arrow.list_(arrow.string()),
        }
        self._schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        """Take rows; those of a whole group are written."""
        given = iter(rows)
        while more := list(itertools.islice(given, _GROUP_ROWS - len(self._rows))):
            self._rows += more
            if len(self._rows) == _GROUP_ROWS:
                self._flush()

    def close(self) -> None:
        """Write what is left, and the file's end."""
        try:
            if self._rows:
                self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        columns = [
            self._arrow.array(values, type=field.type)
            for values, field in zip(_columns(self._rows), self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema), _GROUP_ROWS)
        self._rows = []


def _columns(rows: list[Row]) -> Iterator[tuple[Any, ...]]:
    yield from zip(*rows, strict=True)
