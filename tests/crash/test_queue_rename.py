"""SIGKILL at every write of a queue's renaming: what waits does so in one queue, and the same call ends it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.queues import queue
from taskstore.queues.rename import rename
from taskstore.store import places, tasks, tickets
from taskstore.store.store import init, open_at

from .crashing import DONE, WAITING, clock, copy, killed_at, open_again, points_of
from .test_crash import _check_mended, _kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]


def _waits(root: Path) -> dict[str, list[str]]:
    made = open_again(root)
    shown = {each.name: queue.show(made, each.name) for each in queue.listed(made)}
    return {name: [one.ticket.task_id for one in entries if one.problem is None] for name, entries in shown.items()}


def _end(work: Path) -> None:
    made = open_again(work)
    is_over = not tickets.read_queue(made.paths.queue("gpu")).renaming_to and "a100" in _waits(work)
    if is_over:
        queue.delete(made, "gpu")  # which is refused where a task waits in it
    else:
        rename(made, "gpu", "a100")


@pytest.mark.parametrize("is_mended", [True, False], ids=["with doctor", "without doctor"])
def test_killed_in_the_renaming_of_a_queue_nothing_is_lost(is_mended: bool, tmp_path: Path) -> None:
    built = init(tmp_path / "built", clock=clock())
    queue.create(built, "gpu")
    for task_id, priority in ((WAITING, 3), (DONE, 7)):
        tasks.create(built, "vision", "waits", task_id=task_id)
        queue.enqueue(built, task_id, "gpu", priority=priority)
    work = tmp_path / "store"
    act = lambda: rename(open_at(work), "gpu", "a100")  # noqa: E731 - a name for the same call
    names = points_of(copy(built.root, work), act)
    for at, is_half in _kills(names):
        copy(built.root, work)
        killed_at(work, act, at, is_half=is_half)
        where = f"{'in' if is_half else 'before'} write {at} of {names}"
        found = _waits(_check_mended(work).root if is_mended else work)
        assert sorted(task_id for waiting in found.values() for task_id in waiting) == sorted((WAITING, DONE)), where
        for _ in range(2):
            if "gpu" in _waits(work):
                _end(work)
            _check_mended(work)  # of a folder that was left, doctor makes a queue again
        assert _waits(work) == {"a100": [DONE, WAITING], "default": []}, where
        assert tasks.read(places.locate(open_again(work), DONE)).enqueue_status == "created", where
