"""Tables as Parquet, in row groups of bounded size."""

from __future__ import annotations

import importlib
import itertools
from array import array
from collections.abc import Iterable, Sequence, Sized
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ....core.errors import Refused
from .columns import INTEGER, REAL, TEXT, TEXTS, TIME, Row

_GROUP_ROWS = 1 << 14
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def load() -> tuple[Any, Any]:
    """Return pyarrow, and its part that writes Parquet. Raises Refused where it is not installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Refused(
            "Parquet is written by pyarrow, which is not installed: `pip install 'taskstore[parquet]'`, or --to csv"
        ) from None


class Parquet:
    """A Parquet file. Few tasks make few small groups, many points groups of 16,384 rows."""

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
        arrays = [
            self._array(values, field.type)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema), _GROUP_ROWS)
        self._rows = []

    def _array(self, values: Sequence[Any], kind: Any) -> Any:  # noqa: ANN401 - pyarrow's own types
        """Lay a column out as Arrow does; pyarrow.array would import pandas, which takes 60 MiB, where there is one.

        https://arrow.apache.org/docs/format/Columnar.html: which are there, as bits; then ends of texts and lists, or
        the values.
        """
        arrow, count = self._arrow, len(values)
        missing = values.count(None)
        bits = arrow.py_buffer(_bits([value is not None for value in values])) if missing else None
        if kind == arrow.string():
            texts = [b"" if value is None else value.encode() for value in values]
            buffers = [bits, arrow.py_buffer(_ends(texts)), arrow.py_buffer(b"".join(texts))]
            return arrow.Array.from_buffers(kind, count, buffers, missing)
        if arrow.types.is_list(kind):
            inner = self._array([text for value in values for text in value or ()], kind.value_type)
            ends = arrow.py_buffer(_ends([value or () for value in values]))
            return arrow.Array.from_buffers(kind, count, [bits, ends], missing, children=[inner])
        plain: array[Any]
        if kind == arrow.float64():
            plain = array("d", [0.0 if value is None else value for value in values])
        elif kind == arrow.int64():
            plain = array("q", [value or 0 for value in values])
        else:
            plain = array("q", [0 if value is None else (value - _EPOCH) // _MICROSECOND for value in values])
        return arrow.Array.from_buffers(kind, count, [bits, arrow.py_buffer(plain)], missing)


def _ends(items: Sequence[Sized]) -> array[int]:
    return array("i", itertools.accumulate(map(len, items), initial=0))


def _bits(flags: list[bool]) -> bytes:
    """Pack flags, eight a byte, the first one lowest."""
    text = "".join("1" if flag else "0" for flag in reversed(flags))
    return int(text, 2).to_bytes((len(flags) + 7) // 8, "little")
