"""Tables as text: CSV after RFC 4180, and JSON Lines."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TextIO

import msgspec

from ....core.clock import to_text
from ....schema.codec import number_text
from .columns import REAL, TEXTS, TIME, Row

_ENCODER = msgspec.json.Encoder()


class Csv:
    """A CSV file in UTF-8: a header, a line end of `\\n`, quotes where they are needed; nothing is an empty cell."""

    def __init__(self, stream: TextIO, columns: dict[str, str]) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._spell = [_CSV.get(kind) for kind in columns.values()]
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        spell = self._spell
        self._writer.writerows(
            [value if value is None or to is None else to(value) for value, to in zip(row, spell, strict=True)]
            for row in rows
        )

    def close(self) -> None:
        """Do nothing: the file is closed by who has opened it."""


class JsonLines:
    """One JSON object a line, each with every column. JSON has no NaN: such numbers are spelled as in a store."""

    def __init__(self, stream: TextIO, columns: dict[str, str]) -> None:
        self._stream = stream
        self._names = list(columns)
        self._spell = [_JSON.get(kind) for kind in columns.values()]

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        names, spell = self._names, self._spell
        for row in rows:
            values = (value if value is None or to is None else to(value) for value, to in zip(row, spell, strict=True))
            self._stream.write(_ENCODER.encode(dict(zip(names, values, strict=True))).decode() + "\n")

    def close(self) -> None:
        """Do nothing: the file is closed by who has opened it."""


def _number(value: float) -> str:
    """Spell a number so that it comes back exactly, as pandas, DuckDB and Spark read it."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _texts(value: list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _time(value: datetime) -> str:
    return to_text(value)


_CSV: dict[str, Callable[[Any], object]] = {REAL: _number, TIME: _time, TEXTS: _texts}
_JSON: dict[str, Callable[[Any], object]] = {REAL: number_text, TIME: _time}
