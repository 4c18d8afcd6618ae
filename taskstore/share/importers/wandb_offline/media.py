"""What W&B logs besides numbers: histograms, pictures, sounds, tables, plotly figures, pages, …"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ....core.errors import BadValue, Damaged
from ....core.summaries import histograms
from ...foreign import folders
from ...foreign.draft import Draft, chunks_of, read_text
from ...foreign.logs import Logs
from .values import number, split

_MAX_JSON_BYTES = 8 << 20
_MAX_ROWS = 1000
_MAX_BINS = 100_000
_MAX_PICTURES = 1000


class Media:
    """Reports values that have a `_type`; `taken` are the files below `files/` that were."""

    def __init__(self, draft: Draft, logs: Logs, files: Path) -> None:
        self.taken: set[str] = set()
        self._notes = draft.notes
        self._logs = logs
        self._files = files

    def report(self, name: str, value: dict[str, Any], step: int) -> None:
        """Report one value, or note that it is lost."""
        kind = value.get("_type")
        title, series = split(name)
        with self._notes.of(f"{name} was left out", Damaged, BadValue):
            if kind == "histogram":
                figure = histograms.plot(title, series, _bins(value))
                self._logs.report_plotly(title, series, figure, step)
                return
            paths = [path for path in _paths(value) if isinstance(path, str)]
            if not paths:
                raise BadValue(f"what is a {kind} has no counterpart here")
            for at, path in enumerate(paths[:_MAX_PICTURES]):
                self._file(title, f"{series}_{at}" if len(paths) > 1 else series, path, str(kind), step)

    def _file(self, title: str, series: str, path: str, kind: str, step: int) -> None:
        found = folders.below(self._files, path)
        if found is None:
            raise BadValue(f"its file {path} is not in the run's folder")
        self.taken.add(path)
        if kind in ("plotly-file", "table-file") and found.stat().st_size <= _MAX_JSON_BYTES:
            content = _json(found)
            figure, is_all = (content, True) if kind == "plotly-file" else _table(title, content)
            if isinstance(figure, dict):
                self._logs.report_plotly(title, series, figure, step)
            if isinstance(figure, dict) and is_all:
                return
        self._logs.report_file(title, series, step, chunks_of(found), found.suffix.removeprefix("."), found.name)


def _paths(value: dict[str, Any]) -> list[object]:
    found = value.get("filenames")
    return found if isinstance(found, list) else [value.get("path")]


def _json(path: Path) -> object:
    try:
        found: object = json.loads(read_text(path, _MAX_JSON_BYTES))
    except (ValueError, RecursionError):
        raise Damaged(path, "it is no JSON") from None
    return found


def _bins(value: dict[str, Any]) -> list[histograms.Bin]:
    """Read a histogram: counts and the edges around them, or where those begin and how far apart they are."""
    packed, counts = value.get("packedBins"), value.get("values")
    if not isinstance(counts, list) or len(counts) > _MAX_BINS:
        raise BadValue("it is no histogram")
    if isinstance(packed, dict):
        least, width = number(packed.get("min")), number(packed.get("size"))
        edges = [(least or 0.0) + at * (width or 0.0) for at in range(len(counts) + 1)]
    else:
        given = value.get("bins")
        edges = [number(edge) or 0.0 for edge in given] if isinstance(given, list) else []
    if len(edges) != len(counts) + 1:
        raise BadValue("it is no histogram")
    sizes = [number(count) or 0.0 for count in counts]
    return [histograms.Bin(*each) for each in zip(edges, edges[1:], sizes, strict=False)]


def _table(title: str, content: object) -> tuple[dict[str, Any] | None, bool]:
    """Return a plot that is a table, and whether it shows all rows; None where it is none."""
    found = content if isinstance(content, dict) else {}
    columns, rows = found.get("columns"), found.get("data")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return None, False
    shown = [row for row in rows[:_MAX_ROWS] if isinstance(row, list)]
    cells = [[_cell(row[at]) if at < len(row) else "" for row in shown] for at in range(len(columns))]
    trace = {"type": "table", "header": {"values": [str(name) for name in columns]}, "cells": {"values": cells}}
    return {"data": [trace], "layout": {"title": {"text": title}}}, len(rows) <= _MAX_ROWS


def _cell(value: object) -> object:
    return value if value is None or isinstance(value, (str, int, float)) else json.dumps(value)
