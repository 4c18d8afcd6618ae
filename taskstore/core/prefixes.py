"""Short names for ids: as much of each as tells it from all others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from os.path import commonprefix

MIN_PREFIX = 8


def shortest(ids: Iterable[str], at_least: int = MIN_PREFIX) -> dict[str, str]:
    """Return for every id its shortest prefix that no other of them begins with, of `at_least` characters."""
    ordered = sorted(set(ids))
    needed = dict.fromkeys(ordered, at_least)
    for left, right in pairwise(ordered):
        # Of sorted texts, the one that shares most with a text is beside it.
        shared = len(commonprefix((left, right))) + 1
        needed[left] = max(needed[left], shared)
        needed[right] = max(needed[right], shared)
    return {task_id: task_id[:length] for task_id, length in needed.items()}
