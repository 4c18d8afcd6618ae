"""The rows of a table of tasks: which are shown in which order, a stretch of them at a time.

What was found is kept until the listing changes, so that scrolling through it sorts nothing again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, timezone

import msgspec

from ..core.clock import UTC
from ..core.errors import BadValue, Damaged
from ..schema import filters
from ..schema.conditions import Fields, Matcher, compile_node
from ..store import query
from ..store.query import Query, Row
from . import column_filters, columns
from .columns import Column
from .listing import WatchedListing

NEWEST = ("-created",)
_KEPT = 8
_FRESH_S = 60.0
"""How long `2d ago` in a filter may stand still."""
_MAX_SORTS = 8


@dataclass(frozen=True)
class View:
    """What a table is asked for. `filters` is the JSON of what is set in the heads of columns."""

    project: str = ""
    q: str = ""
    text: str = ""
    with_archived: bool = False
    sort: tuple[str, ...] = NEWEST
    filters: str = ""
    zone_minutes: int = 0
    """The zone of the person, in minutes east of UTC: a day in a filter is one of theirs."""


@dataclass(frozen=True)
class Found:
    """The rows that fit, in order, and the version of the listing that they are of."""

    rows: Sequence[Row]
    version: int
    at: float


@dataclass
class Table:
    """All views of one listing; many may ask at once."""

    listing: WatchedListing
    monotonic: Callable[[], float] = time.monotonic
    _found: OrderedDict[View, Found] = field(default_factory=OrderedDict)
    _texts: dict[str, tuple[Row, str]] = field(default_factory=dict)
    _columns: tuple[int, list[Column]] = (-1, [])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, view: View) -> Found:
        """Return what fits a view. Raises BadValue, BadName, as its filters and its project say."""
        with self._lock:
            now = self.monotonic()
            found = self._found.get(view)
            if found is None or found.version != self.listing.version or now - found.at > _FRESH_S:
                version = self.listing.version  # before the rows: what comes between is found by the next
                found = Found(self._select(view), version, now)
                self._found[view] = found
                while len(self._found) > _KEPT:
                    self._found.popitem(last=False)
            self._found.move_to_end(view)
            return found

    def columns(self) -> list[Column]:
        """Return every column that there is anything in."""
        with self._lock:
            version, found = self._columns
            if version != self.listing.version:
                version = self.listing.version
                found = columns.known(self.listing.rows)
                self._columns = (version, found)
            return found

    def damaged(self) -> tuple[Damaged, ...]:
        """Return what could not be read."""
        return self.listing.damaged

    def _select(self, view: View) -> list[Row]:
        if len(view.sort) > _MAX_SORTS:
            raise BadValue(f"sorted by {len(view.sort)} columns; {_MAX_SORTS} are the most")
        rows = self.listing.rows
        wanted = Query(project=view.project or None, with_archived=view.with_archived, where=self._where(view, rows))
        return query.select(rows, wanted, order_by=view.sort or NEWEST)

    def _where(self, view: View, rows: Sequence[Row]) -> _All | None:
        tests: list[Matcher] = []
        if view.filters:
            tests += _column_tests(view)
        if view.q.strip():
            tests.append(filters.parse(view.q).matches)
        words = view.text.casefold().split()
        if words:
            texts = self._all_texts(rows)
            tests.append(lambda row: all(word in texts[row.id][1] for word in words))  # type: ignore[attr-defined]  # it is a Row
        return _All(tuple(tests)) if tests else None

    def _all_texts(self, rows: Sequence[Row]) -> dict[str, tuple[Row, str]]:
        before = self._texts
        self._texts = {
            row.id: held if (held := before.get(row.id)) is not None and held[0] is row else (row, text_of(row))
            for row in rows
        }
        return self._texts


@dataclass(frozen=True)
class _All:
    tests: tuple[Matcher, ...]

    def matches(self, fields: Fields) -> bool:
        return all(test(fields) for test in self.tests)


def text_of(row: Row) -> str:
    """Return all that a search looks through, in lower case: name, comment, project, id, tags, parameters."""
    task = row.task
    held = [
        text
        for section, parameters in row.hyperparams.items()
        for key, parameter in parameters.items()
        for text in (f"{section}/{key}", parameter.value)
    ]
    return "\n".join([task.name, task.comment, row.project, row.id, *task.tags, *held]).casefold()


def _column_tests(view: View) -> list[Matcher]:
    try:
        model = msgspec.json.decode(view.filters, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise BadValue("the filters of the columns cannot be read; clear them") from None
    try:
        zone = timezone(timedelta(minutes=view.zone_minutes))
    except ValueError:
        zone = UTC
    node = column_filters.read(model, zone)
    return [] if node is None else [compile_node(node)]


def cells(rows: Sequence[Row], names: Sequence[str]) -> list[dict[str, object]]:
    """Return rows as the page shows them: what each is, and its cells in the order of the columns' names."""
    return [
        {
            "id": row.id,
            "name": row.task.name,
            "status": row.task.status.value,
            "progress": row.task.runtime.get("progress"),
            "archived": row.is_archived,
            "cells": {name: columns.cell(row, name) for name in names},
        }
        for row in rows
    ]
