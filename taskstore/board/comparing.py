"""What a screen that compares tasks knows of them: read once, read again where one of them has changed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.errors import BadValue, NotFound, TaskstoreError
from ..core.ids import is_id
from ..disk.layout import TaskPaths
from ..schema.record import MONITOR, USER_PROPERTIES
from ..sections import compare
from ..sections.compare import Side
from ..sections.compare.many import MAX_TASKS, MIN_TASKS, Line, SideBySide, side_by_side
from ..store import places, query
from ..store.query import Row
from ..store.store import Store

LETTERS = "ABCDEFGHIJKLMNOPQRST"
KINDS = ("last", "min", "max")
_MOST_TEXT = 20_000


class Comparison:
    """Some tasks, as they were when last read. The first is the one that the others are compared with.

    What cannot be read is in `problems`, and the rest is not compared then: nobody is shown less than was asked for.
    """

    def __init__(self, store: Store, ids: Sequence[str], listed: Mapping[str, Row]) -> None:
        """Raises BadValue for too few tasks, too many, or one named twice."""
        check(ids)
        self._store = store
        self.ids = tuple(ids)
        self._sides: dict[str, Side] = {}
        self.rows: dict[str, Row] = {}
        self.problems: dict[str, TaskstoreError] = {}
        for task_id in self.ids:
            self._read(task_id, listed)
        self._table: SideBySide | None = None

    @property
    def table(self) -> SideBySide:
        """All that is compared, line by line. It is worked out when first asked for."""
        if self._table is None:
            self._table = side_by_side([self._sides[task_id] for task_id in self.ids])
        return self._table

    @property
    def names(self) -> tuple[str, ...]:
        """What each task is called, in the order of `ids`."""
        return tuple(self._sides[task_id].task.name for task_id in self.ids)

    @property
    def ranks(self) -> tuple[int, ...]:
        """A number for each task, from 0, which it keeps where another becomes the first: for its colour."""
        ordered = sorted(self.ids)
        return tuple(ordered.index(task_id) for task_id in self.ids)

    def side(self, task_id: str) -> Side:
        """What was read of a task."""
        return self._sides[task_id]

    def ordered_rows(self) -> list[Row]:
        """Return the tasks as listings have them, in the order of `ids`."""
        return [self.rows[task_id] for task_id in self.ids]

    def changed(self, listed: Mapping[str, Row]) -> list[str]:
        """Return which of the tasks are not as they were read, by what a listing has seen since."""
        return [
            task_id for task_id in self.ids if listed.get(task_id, self.rows.get(task_id)) != self.rows.get(task_id)
        ]

    def refresh(self, task_ids: Iterable[str], listed: Mapping[str, Row]) -> None:
        """Read some of the tasks again; one that cannot be read any more stays as it was."""
        for task_id in task_ids:
            self._read(task_id, listed)
        self.problems = {}
        self._table = None

    def _read(self, task_id: str, listed: Mapping[str, Row]) -> None:
        try:
            row = listed.get(task_id)
            if row is None or not row.paths.record.is_file():
                row = query.row_of(self._store, _locate(self._store, task_id))
            side = compare.read(row.paths)
            self._sides[task_id], self.rows[task_id] = replace(side, project=row.project), row
        except FileNotFoundError:
            self.problems[task_id] = NotFound("task", task_id, "it was moved or deleted just now")
        except TaskstoreError as error:
            self.problems[task_id] = error


def check(ids: Sequence[str]) -> None:
    """Raise BadValue for too few tasks, too many, or one named twice."""
    twice = next((task_id for place, task_id in enumerate(ids) if task_id in ids[:place]), None)
    if twice is not None:
        raise BadValue(f"task {twice} is named twice; name each task once")
    if not MIN_TASKS <= len(ids) <= MAX_TASKS:
        raise BadValue(f"{MIN_TASKS} to {MAX_TASKS} tasks are compared, not {len(ids)}")


def _locate(store: Store, task_id: str) -> TaskPaths:
    if not is_id(task_id):
        raise NotFound("task", task_id, "`taskstore ls` lists them")
    return places.locate(store, task_id)


def listed(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the rows of a listing by the ids of their tasks."""
    return {row.id: row for row in rows}


@dataclass(frozen=True)
class Axis:
    """One parameter or metric of some tasks as an axis has it: numbers, or one of `labels` by its place.

    `values` has a number for each task, None where it has none.
    """

    name: str
    values: tuple[float | None, ...]
    labels: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers of their own."""
        return not self.labels


def parameter_axis(rows: Sequence[Row], name: str) -> Axis:
    """Return a parameter, named Section/name, as an axis."""
    texts = [row.get(f"param:{name}") for row in rows]
    numbers = [_number(text) for text in texts]
    if all(number is not None or text is None for number, text in zip(numbers, texts, strict=True)):
        return Axis(name, tuple(numbers))
    labels = tuple(sorted({str(text) for text in texts if text is not None}))
    placed = {label: float(place) for place, label in enumerate(labels)}
    return Axis(name, tuple(None if text is None else placed[str(text)] for text in texts), labels)


def metric_axis(rows: Sequence[Row], name: str) -> Axis:
    """Return a metric, named as in filters, as an axis."""
    found = [row.get(f"metric:{name}") for row in rows]
    return Axis(name, tuple(_finite(value) if isinstance(value, (int, float)) else None for value in found))


def _number(text: object) -> float | None:
    if not isinstance(text, str) or "_" in text:
        return None
    try:
        return _finite(float(text))
    except ValueError:
        return None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def parameter_names(rows: Sequence[Row]) -> list[str]:
    """Return the parameters of some tasks as Section/name: those that differ first, then by name."""
    found: dict[str, set[str | None]] = {}
    for row in rows:
        for section, parameters in row.hyperparams.items():
            if section != USER_PROPERTIES:
                for name in parameters:
                    found.setdefault(f"{section}/{name}", set())
    for name, values in found.items():
        values.update(_text(row.get(f"param:{name}")) for row in rows)
    return sorted(found, key=lambda name: (len(found[name]) < 2, name))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def metric_names(rows: Sequence[Row]) -> list[str]:
    """Return the metrics of some tasks as title/series: those that most of them have first, then by name."""
    counts: dict[str, int] = {}
    for row in rows:
        for title, variants in row.last_metrics.items():
            if not title.startswith(MONITOR):
                for variant in variants:
                    name = f"{title}/{variant}"
                    counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def series_names(rows: Sequence[Row]) -> list[str]:
    """Return those of the metrics that have iterations in any of the tasks: what is reported once has no curve."""
    known = {
        f"{title}/{variant}"
        for row in rows
        for title, variants in row.last_metrics.items()
        for variant, last in variants.items()
        if last.iteration >= 0
    }
    return [name for name in metric_names(rows) if name in known]


def as_csv(lines: Iterable[Line], tasks: Sequence[tuple[str, str]]) -> str:
    """Spell metrics as comma-separated values: exact numbers, a column a task, headed by its name and id."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*("metric", "value"), *(harmless(f"{name} ({task_id[:12]})") for task_id, name in tasks)])
    for line in lines:
        writer.writerow([harmless(line.name), line.kind, *("" if value is None else value for value in line.values)])
    return text.getvalue()


def harmless(text: str) -> str:
    """Have a text of a task be a text in a spreadsheet too, which takes what begins like a formula for one."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def cut(text: str) -> str:
    """Cut a text that is far too long to be looked at."""
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
