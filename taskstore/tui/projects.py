"""The projects of the tasks that there are, as a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..store.query import Row


@dataclass(frozen=True)
class Project:
    """A line of the tree; `name` is None for all tasks. `count` counts those of its sub-projects too."""

    name: str | None
    label: str
    count: int


def tree(rows: Iterable[Row], *, with_archived: bool = False) -> list[Project]:
    """Return the projects in order, each below the one that it is in."""
    counts: Counter[str] = Counter()
    total = 0
    for row in rows:
        if row.is_archived and not with_archived:
            continue
        total += 1
        parts = row.project.split("/")
        counts.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    found = [Project(None, "all projects", total)]
    for name in sorted(counts, key=lambda name: name.casefold().split("/")):
        *above, last = name.split("/")
        found.append(Project(name, "  " * len(above) + last, counts[name]))
    return found
