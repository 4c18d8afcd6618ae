"""Plots and debug samples of several tasks, step by step: which of each task is shown at an iteration."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ..disk.layout import TaskPaths
from ..store import plots
from ..store.plots import DebugSample

Name = tuple[str, str]
"""A title and a series."""
Steps = dict[Name, list[int]]
"""The iterations, rising, of which one task has something."""


def sample_steps(paths: TaskPaths) -> Steps:
    """Return by title and series the iterations that have a debug sample; no file is read."""
    found: dict[Name, set[int]] = {}
    for sample in plots.read_samples(paths):
        found.setdefault((sample.title, sample.series), set()).add(sample.iteration)
    return {name: sorted(steps) for name, steps in found.items()}


def sample_at(paths: TaskPaths, title: str, series: str, iteration: int) -> DebugSample | None:
    """Return the debug sample of one series at one iteration, the latest of several."""
    found = [sample for sample in plots.read_samples(paths, title, series) if sample.iteration == iteration]
    return found[-1] if found else None


def names(found: Iterable[Steps]) -> list[Name]:
    """Return the titles and series that any of the tasks has: first those that most of them have."""
    counts: dict[Name, int] = {}
    for steps in found:
        for name in steps:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def union(found: Iterable[Steps], name: Name) -> list[int]:
    """Return each iteration at which any of the tasks has something of a series, rising."""
    return sorted({step for steps in found for step in steps.get(name, ())})


def at_step(known: Sequence[int], step: int) -> int | None:
    """Return which of a task's iterations is shown at a step: that, or else its last before; None before its first."""
    place = bisect_right(known, step)
    return known[place - 1] if place else None
