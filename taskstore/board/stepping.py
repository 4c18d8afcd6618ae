"""Plots and debug samples of several tasks, step by step: which of each task is shown at an iteration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from ..disk.layout import TaskPaths
from ..store import plots
from ..store.plots import DebugSample, Plot

Name = tuple[str, str]
"""A title and a series."""
_Shown = TypeVar("_Shown", bound="Plot | DebugSample")
ByStep = dict[int, _Shown]


def plot_names(tasks: Iterable[TaskPaths]) -> list[Name]:
    """Return the titles and series of plots that any of the tasks has: first those that most of them have."""
    return _names(plots.count_plots(paths) for paths in tasks)


def sample_names(tasks: Iterable[TaskPaths]) -> list[Name]:
    """Return the titles and series of debug samples that any of the tasks has: first those that most of them have."""
    return _names(plots.count_samples(paths) for paths in tasks)


def _names(found: Iterable[Iterable[Name]]) -> list[Name]:
    counts: dict[Name, int] = {}
    for names in found:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def plots_of(paths: TaskPaths, name: Name) -> ByStep[Plot]:
    """Return the plots of a series by their iterations; of several at one, the latest."""
    return {plot.iteration: plot for plot in plots.read_plots(paths, *name)}


def samples_of(paths: TaskPaths, name: Name) -> ByStep[DebugSample]:
    """Return the debug samples of a series by their iterations; of several at one, the latest."""
    return {sample.iteration: sample for sample in plots.read_samples(paths, *name)}


def sizes(paths: TaskPaths, logs: Callable[[TaskPaths], Iterable[Path]]) -> tuple[int, ...]:
    """Return how long some logs of a task are: they have something new where that has changed."""
    found = []
    for log in logs(paths):
        try:
            found.append(log.stat().st_size)
        except OSError:
            found.append(0)
    return tuple(found)


def steps(found: Iterable[Iterable[int]]) -> list[int]:
    """Return each iteration that any of some tasks has, in order."""
    return sorted({step for each in found for step in each})


def at_step(known: Mapping[int, _Shown], step: int) -> _Shown | None:
    """Return what is shown at a step: what was reported at it, or else the last before; None before the first."""
    return known.get(max((each for each in known if each <= step), default=step))
