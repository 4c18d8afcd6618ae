"""What a project's page says: how its tasks stand, what happened last, which are best by a metric."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..core.states import Status
from ..schema.record import MONITOR
from ..store.query import Row


@dataclass(frozen=True)
class Summary:
    """One project with all below it: tasks by status, and the last changed first."""

    name: str
    count: int
    by_status: dict[Status, int]
    recent: tuple[Row, ...]


def is_within(row: Row, project: str) -> bool:
    """Tell whether a task stands in a project or below it; all do in the project of no name."""
    return not project or row.project == project or row.project.startswith(f"{project}/")


def summary(rows: Iterable[Row], project: str, *, recent: int = 10) -> Summary:
    """Sum up a project."""
    found = [row for row in rows if is_within(row, project)]
    found.sort(key=lambda row: (row.task.last_update or row.task.created, row.id), reverse=True)
    counts = Counter(row.task.status for row in found)
    return Summary(project, len(found), {each: counts[each] for each in Status if counts[each]}, tuple(found[:recent]))


def metrics(rows: Iterable[Row]) -> list[str]:
    """Return the names of all metrics that the tasks have, as title/series; what the machine was busy with is none."""
    return sorted(
        {
            f"{title}/{series}"
            for row in rows
            for title, variants in row.last_metrics.items()
            if not title.startswith(MONITOR)
            for series in variants
        }
    )


def best(rows: Iterable[Row], metric: str, *, is_least: bool, count: int = 10) -> list[tuple[Row, float]]:
    """Return the tasks with the least, or the greatest, last value of a metric; those without a number are left out.

    `metric` is title/series, or that with .min or .max for the least or greatest that there was in the run.
    """
    found: list[tuple[Row, float]] = []
    for row in rows:
        value = row.get(f"metric:{metric}")
        if isinstance(value, (int, float)) and not math.isnan(value):
            found.append((row, float(value)))
    found.sort(key=lambda item: item[1], reverse=not is_least)
    return found[:count]


def children(names: Sequence[str], project: str) -> list[str]:
    """Return the projects right below one; the top ones for that of no name."""
    depth = project.count("/") + 1 if project else 0
    return [name for name in names if name.count("/") == depth and (not project or name.startswith(f"{project}/"))]
