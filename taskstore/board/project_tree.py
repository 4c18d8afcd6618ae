"""The tree of projects with how many tasks each has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Node:
    """One project. `count` is of its tasks and of those in its subprojects."""

    name: str
    label: str
    count: int = 0
    children: list[Node] = field(default_factory=list)


def tree(projects_of_tasks: Iterable[str], empty: Iterable[str] = ()) -> list[Node]:
    """Return the projects at the top, each with those below it, by name; `empty` are projects that may have no task."""
    top: list[Node] = []
    nodes: dict[str, Node] = {}

    def node(name: str) -> Node:
        found = nodes.get(name)
        if found is None:
            above, _, label = name.rpartition("/")
            found = nodes[name] = Node(name, label)
            (node(above).children if above else top).append(found)
        return found

    counts: dict[str, int] = {}
    for name in projects_of_tasks:
        counts[name] = counts.get(name, 0) + 1
    for name in empty:
        counts.setdefault(name, 0)
    for name, count in counts.items():
        node(name)
        while name:
            nodes[name].count += count
            name = name.rpartition("/")[0]
    _sort(top)
    return top


def _sort(nodes: list[Node]) -> None:
    nodes.sort(key=lambda each: (each.label.casefold(), each.label))
    for each in nodes:
        _sort(each.children)
