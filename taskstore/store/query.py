"""Listing tasks: which, in which order, with what is known of each."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ..core.clock import UTC
from ..core.errors import BadValue, Damaged
from ..core.names import project_parts
from ..core.states import Status
from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema.codec import number
from ..schema.record import ARCHIVED as ARCHIVED
from ..schema.record import LastMetric, Parameter, TaskRecord
from ..schema.task_filter import SCRIPT
from . import index, places, tasks
from .store import Store

_SUFFIXES = {"last": "value", "min": "min_value", "max": "max_value"}


@dataclass(frozen=True)
class Row:
    """One task of a listing, with its parameters by section and its metrics by title and series."""

    task: TaskRecord
    project: str
    folder: Path
    hyperparams: dict[str, dict[str, Parameter]]
    last_metrics: dict[str, dict[str, LastMetric]]
    last_iteration: int | None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def paths(self) -> TaskPaths:
        """The task's files; made when asked for, because a listing of ten thousand asks for few."""
        return TaskPaths(self.folder / self.task.id)

    @property
    def is_archived(self) -> bool:
        """Whether the task has been put away."""
        return ARCHIVED in self.task.system_tags

    def get(self, name: str) -> object:
        """Return a field by the name that filters, sorting and columns use; None where the task has none.

        `param:` and `metric:` say which is meant; otherwise a field of the task comes first, then a parameter
        (Section/name), then a metric (title/series, with .last .min or .max), then a parameter by its name alone.
        """
        if name.startswith("param:"):
            return self._parameter(name[6:])
        if name.startswith("metric:"):
            return self._metric(name[7:])
        reader = _FIELDS.get(name)
        if reader is not None:
            return reader(self)
        found = self._parameter(name)
        found = self._metric(name) if found is None else found
        found = self._dotted(name) if found is None and "." in name else found
        return self._alone(name) if found is None and "/" not in name else found

    def _models(self, kind: str) -> list[str]:
        """The ids of models; their record is read now, because few listings ask for it. A damaged one is doctor's."""
        from . import models

        try:
            record = models.read(self.paths)
        except Damaged:
            return []
        return [item.model for item in record.input.values()] if kind == "input" else list(record.output)

    def _dotted(self, name: str) -> object:
        """Return a field by ClearML's name: hyperparams.Args.lr.value, runtime.progress, last_metrics.<title>.…"""
        kind, _, rest = name.partition(".")
        if kind == "script":
            return self._script(rest)
        if kind == "runtime":
            return self.task.runtime.get(rest)
        if kind == "hyperparams":
            found = self._parameter(rest)
            return self._parameter(rest.removesuffix(".value").replace(".", "/", 1)) if found is None else found
        return self._hashed_metric(rest) if kind == "last_metrics" else None

    def _script(self, name: str) -> object:
        """A text that tells what ran; it is read now, because few listings ask for it. A damaged one is doctor's."""
        if name not in SCRIPT:
            return None
        try:
            script = tasks.read_script(self.paths)
            if name != "diff":
                return getattr(script, name)
            return read_bytes(self.paths.diff).decode("utf-8", "replace") if script.diff is not None else ""
        except (Damaged, FileNotFoundError):
            return None

    def _hashed_metric(self, name: str) -> float | None:
        """A metric as title.series.value, min_value or max_value; both by their text or by its MD5, as in ClearML."""
        stem, _, attribute = name.rpartition(".")
        if attribute not in _SUFFIXES.values():
            return self._hashed_metric(f"{name}.value") if not name.endswith(".value") else None
        for title, variants in self.last_metrics.items():
            for variant, last in variants.items():
                if stem in (f"{title}.{variant}", f"{_md5(title)}.{_md5(variant)}"):
                    value = getattr(last, attribute)
                    return None if value is None else number(value)
        return None

    def _parameter(self, name: str) -> object:
        section, _, rest = name.partition("/")
        parameter = self.hyperparams.get(section, {}).get(rest)
        return None if parameter is None else parameter.value

    def _alone(self, name: str) -> object:
        """A parameter whose section is not said: that of the arguments, or else the first that has it."""
        for section in ("Args", *self.hyperparams):
            parameter = self.hyperparams.get(section, {}).get(name)
            if parameter is not None:
                return parameter.value
        return None

    def _metric(self, name: str) -> object:
        found = self._last_metric(name, "value")
        if found is None and "." in name:
            stem, _, suffix = name.rpartition(".")
            if suffix in _SUFFIXES:
                found = self._last_metric(stem, _SUFFIXES[suffix])
        return found

    def _last_metric(self, name: str, attribute: str) -> float | None:
        # Titles and series may hold slashes: try every cut.
        parts = name.split("/")
        for cut in range(1, len(parts)):
            last = self.last_metrics.get("/".join(parts[:cut]), {}).get("/".join(parts[cut:]))
            if last is not None:
                value = getattr(last, attribute)
                return None if value is None else number(value)
        if len(parts) == 1:
            last = self.last_metrics.get("Summary", {}).get(name)
            return None if last is None else number(last.value)
        return None


@functools.cache
def _md5(text: str) -> str:
    import hashlib

    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _queue(task: TaskRecord) -> str | None:
    return (task.execution.queue or None) if task.execution is not None else None


_FIELDS: dict[str, Callable[[Row], object]] = {
    "id": lambda row: row.task.id,
    "name": lambda row: row.task.name,
    "project": lambda row: row.project,
    "status": lambda row: row.task.status.value,
    "type": lambda row: row.task.type,
    "tag": lambda row: row.task.tags,
    "tags": lambda row: row.task.tags,
    "system_tags": lambda row: row.task.system_tags,
    "comment": lambda row: row.task.comment,
    "user": lambda row: row.task.user,
    "host": lambda row: row.task.host,
    "parent": lambda row: row.task.parent,
    "queue": lambda row: _queue(row.task),
    "execution.queue": lambda row: _queue(row.task),
    "created": lambda row: row.task.created,
    "started": lambda row: row.task.started,
    "completed": lambda row: row.task.completed,
    "last_update": lambda row: row.task.last_update,
    "last_change": lambda row: row.task.last_update,
    "status_changed": lambda row: row.task.status_changed,
    "status_reason": lambda row: row.task.status_reason,
    "status_message": lambda row: row.task.status_message,
    "active_duration": lambda row: row.task.active_duration,
    "duration": lambda row: row.task.active_duration,
    "last_iteration": lambda row: row.last_iteration,
    "progress": lambda row: row.task.runtime.get("progress"),
    "archived": lambda row: row.is_archived,
    "reason": lambda row: row.task.status_reason,
    "models.input.model": lambda row: row._models("input"),
    "models.output.model": lambda row: row._models("output"),
}
TASK_FIELDS = tuple(_FIELDS)


class Filter(Protocol):
    """What `--where` is parsed to."""

    def matches(self, fields: Row) -> bool:
        """Tell whether a task is wanted."""
        ...


@dataclass(frozen=True)
class Listing:
    """The tasks found, and the files that could not be read on the way: the rest is listed all the same."""

    rows: list[Row]
    damaged: list[Damaged] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which tasks are wanted: every condition given must hold, and one not given always does."""

    project: str | None = None
    is_recursive: bool = True
    statuses: Collection[Status] = ()
    types: Collection[str] = ()
    tags: Sequence[str] = ()
    without_tags: Sequence[str] = ()
    text: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    with_archived: bool = False
    only_archived: bool = False
    where: Filter | None = None

    def matches(self, row: Row) -> bool:
        """Tell whether a task is wanted."""
        task = row.task
        return (
            (self.project is None or self._is_in_project(row.project))
            and (not self.statuses or task.status in self.statuses)
            and (not self.types or task.type in self.types)
            and all(tag in task.tags for tag in self.tags)
            and not any(tag in task.tags for tag in self.without_tags)
            and (self.created_after is None or task.created >= self.created_after)
            and (self.created_before is None or task.created < self.created_before)
            and self._is_shown(row)
            and (self.text is None or self._has_text(row))
            and (self.where is None or self.where.matches(row))
        )

    def _is_in_project(self, project: str) -> bool:
        return project == self.project or (self.is_recursive and project.startswith(f"{self.project}/"))

    def _is_shown(self, row: Row) -> bool:
        return row.is_archived if self.only_archived else (self.with_archived or not row.is_archived)

    def _has_text(self, row: Row) -> bool:
        wanted = (self.text or "").casefold()
        return any(wanted in text.casefold() for text in (row.task.name, row.task.comment, row.id, row.project))


def find(
    store: Store,
    query: Query | None = None,
    *,
    order_by: str | Sequence[str] = "-created",
    limit: int | None = None,
) -> Listing:
    """List tasks. `order_by` is a field, `-` before it turns the order; tasks without the field come last.

    Of several fields the first counts most.

    Raises BadName for an impossible project; an unknown project or field finds nothing.
    """
    damaged: list[Damaged] = []
    project_of = projects_of(store)
    rows = (row_from(entry, project_of(entry.folder)) for entry in index.entries(store, damaged))
    found = select(rows, query or Query(), order_by=order_by)
    return Listing(found[:limit] if limit is not None else found, damaged)


def select(rows: Iterable[Row], query: Query, *, order_by: str | Sequence[str] = "-created") -> list[Row]:
    """Return those rows that are wanted, in order. Raises as `find`."""
    if query.project is not None:
        project_parts(query.project)
    found = [row for row in rows if query.matches(row)]
    found.sort(key=lambda row: row.id, reverse=True)  # ids are in order of creation: of equals, the newer comes first
    for name in reversed([order_by] if isinstance(order_by, str) else order_by):
        found = _sorted(found, name)
    return found


def projects_of(store: Store) -> Callable[[str], tuple[str, Path]]:
    """Return what finds the name and the folder of an entry's project, each asked of the disk once."""
    return functools.cache(lambda folder: _project(store, store.paths.projects / folder))


def row_from(entry: index.Entry, project: tuple[str, Path]) -> Row:
    """Return an entry of the index as a listing has it; `project` is its name and folder."""
    name, folder = project
    return Row(entry.task, name, folder, entry.hyperparams, entry.last_metrics, entry.last_iteration)


def _project(store: Store, folder: Path) -> tuple[str, Path]:
    return places.project_name(store, folder), folder


def row_of(store: Store, paths: TaskPaths) -> Row:
    """Return one task as a listing would have it. Raises Damaged, NotFound."""
    return row_from(index.entry_of(store, paths), _project(store, paths.home.parent))


def _sorted(rows: list[Row], order_by: str) -> list[Row]:
    name = order_by.removeprefix("-").removeprefix("+")
    if not name:
        raise BadValue("nothing to sort by; name a field, like -created or validation/loss.min")
    present = [(key, row) for row in rows if (key := _sort_key(row.get(name))) is not None]
    present.sort(key=lambda item: item[0], reverse=order_by.startswith("-"))
    return [row for _, row in present] + [row for row in rows if _sort_key(row.get(name)) is None]


_NUMBER = re.compile(r"[+-]?(\d|\.\d|inf\Z)", re.IGNORECASE)


def _sort_key(value: object) -> tuple[int, float, str] | None:
    """Numbers before text, numbers as numbers; None where there is nothing to sort by (NaN included)."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, datetime):
        return (0, value.astimezone(UTC).timestamp(), "")
    if isinstance(value, list):
        return (1, 0.0, ",".join(map(str, value)))
    text = str(value)
    if _NUMBER.match(text):
        try:
            as_number = float(text)
        except ValueError:
            return (1, 0.0, text.casefold())
        return (0, as_number, "")
    return None if text.lower() == "nan" else (1, 0.0, text.casefold())
