from __future__ import annotations

from taskstore.board.project_tree import Node, tree


def test_a_project_counts_its_own_tasks_and_those_below() -> None:
    found = tree(["b", "a/x/y", "a/x", "a/x", "B"], ["a/empty", "z"])
    assert found == [
        Node("a", "a", 3, [Node("a/empty", "empty"), Node("a/x", "x", 3, [Node("a/x/y", "y", 1)])]),
        Node("B", "B", 1),
        Node("b", "b", 1),
        Node("z", "z"),
    ]


def test_no_task_is_no_project() -> None:
    assert tree([]) == []
