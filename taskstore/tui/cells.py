"""What the table of tasks shows of one: the columns there always are, and any parameter or metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ..core import states
from ..core.clock import Clock
from ..core.spelling import STYLES, ago, duration, rfc3339, short_number
from ..core.states import Status
from ..store.query import Row
from .table import MARK, Column

UNFINISHED = (Status.IN_PROGRESS, Status.FAILED, Status.STOPPED)
"""Statuses in which it matters how far the task has come."""
_BAR = 8
_CHOSEN_WIDTH = (8, 20)


def columns(clock: Clock, chosen: Sequence[str], is_marked: Callable[[str], bool]) -> list[Column[Row]]:
    """Return the columns: what a narrow terminal has no room for comes with a wider one; what is `chosen` always."""
    return [
        Column[Row](MARK, lambda row: MARK if is_marked(row.id) else "", 1),
        Column[Row]("status", status, 13, status_style),
        Column[Row]("progress", bar, _BAR, status_style, from_width=110),
        Column[Row]("name", lambda row: row.task.name),
        Column[Row]("project", lambda row: row.project, 16, from_width=100),
        Column[Row]("type", lambda row: row.task.type, 10, from_width=140),
        Column[Row]("tags", lambda row: ", ".join(row.task.tags), 16, from_width=120),
        *(_chosen(name) for name in chosen),
        Column[Row]("created", lambda row: ago(row.task.created, clock.now()), 12),
        Column[Row]("duration", lambda row: how_long(row, clock.now()), 11, is_right=True, from_width=66),
    ]


def _chosen(name: str) -> Column[Row]:
    least, most = _CHOSEN_WIDTH
    return Column[Row](name, lambda row: value_text(row.get(name)), max(least, min(len(name), most)), is_right=True)


def value_text(value: object) -> str:
    """Spell any field, parameter or metric."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, float):
        return short_number(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def status(row: Row) -> str:
    """Spell a status, with how far the task has come where that matters."""
    task = row.task
    done = task.runtime.get("progress", "")
    more = f" {done}%" if done and task.status in UNFINISHED else ""
    return task.status.label + more + (" (gaps)" if states.has_gaps(task.status_reason) else "")


def status_style(row: Row) -> str:
    """Return the colour of a task's status."""
    return STYLES[row.task.status]


def bar(row: Row) -> str:
    """Draw how far a task has come."""
    text = str(row.task.runtime.get("progress", ""))
    try:
        part = min(1.0, max(0.0, float(text) / 100)) if text else None
    except ValueError:
        part = None
    if part is None or part != part or row.task.status not in UNFINISHED:
        return ""
    return "█" * round(part * _BAR) + "░" * (_BAR - round(part * _BAR))


def how_long(row: Row, now: datetime) -> str:
    """Spell how long a task ran, or has run so far."""
    task = row.task
    if task.status is Status.IN_PROGRESS and task.started:
        return duration(max(0.0, (now - task.started).total_seconds()))
    return "" if task.active_duration is None else duration(task.active_duration)
