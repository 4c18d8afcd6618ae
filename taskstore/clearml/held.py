"""What every part of the Task stands on: taskstore's own task, and how the one becomes the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import task as native
from ..disk.layout import TaskPaths
from ..run.sink import warn
from ..schema.record import TaskRecord
from ..store import tasks
from ..store.query import Row


class Held:
    """Holds taskstore's own task."""

    def __init__(self, task: native.Task) -> None:
        self._task = task

    def __repr__(self) -> str:
        return f"Task({self._task.id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and other._task.id == self._task.id

    def __hash__(self) -> int:
        return hash(self._task.id)

    def _repr_html_(self) -> str:
        return self._task._repr_html_()

    def _row(self) -> Row:
        return self._task._row()

    def _paths(self) -> TaskPaths:
        return TaskPaths(self._task.path())

    def _record(self) -> TaskRecord:
        return tasks.read(self._paths())


def native_of(task: Held | str) -> native.Task:
    """Return taskstore's own task of one of ours, or of an id. Raises NotFound."""
    if isinstance(task, Held):
        return task._task
    found = native.Task.get_task(task)
    assert found is not None  # noqa: S101 - an id that is not there raises
    return found


def id_of(task: Held | str | None) -> str | None:
    """Return the id of a task that may be given as one."""
    return task._task.id if isinstance(task, Held) else task


def attempt(action: Callable[[], object], *, ignore_errors: bool) -> bool:
    """Do something, and tell whether it went well; errors are warned of, or raised as a ValueError."""
    from .errors import as_value_error

    try:
        with as_value_error():
            action()
    except ValueError as error:
        if not ignore_errors:
            raise
        warn(str(error))
        return False
    return True


def several(tags: str | Sequence[str] | None) -> Sequence[str]:
    """Return tags as a list: one text is one tag."""
    return [tags] if isinstance(tags, str) else list(tags or ())


def merged_filter(task_filter: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a filter as taskstore's own takes it; nothing is nothing."""
    return dict(task_filter) if task_filter else None
