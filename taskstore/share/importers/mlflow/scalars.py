"""Metrics of MLflow's as lines of a task's scalar log."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import msgspec

from ....disk.layout import TaskPaths
from ....disk.log import read_blocks
from ....schema.codec import number_text
from ....schema.record import MONITOR, Scalar
from ....store import events
from ..base import Notes
from .runs import Run, time_of

_ENCODER = msgspec.json.Encoder()
_SYSTEM = "system/"

Series = tuple[str, str]


def series_of(metric: str) -> Series:
    """Return title and series of a metric: `a/b/c` is series c of a/b, and what is in no group has its name for both.

    No two metrics become one. What MLflow measures of the machine, once in a while and not by step, is among the
    resources, as what taskstore itself measures of it.
    """
    if metric.startswith(_SYSTEM) and len(metric) > len(_SYSTEM):
        name = metric[len(_SYSTEM) :]
        return f"{MONITOR}{'gpu' if name.startswith('gpu') else 'machine'}", name
    title, _, series = metric.rpartition("/")
    return (title, series) if title and series and title != series else (metric, metric)


def writer_of(run_id: str) -> str:
    """Return who the log of a run is by: the same at each import."""
    return f"imported-0-{hashlib.sha256(run_id.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


class Lines:
    """The lines of a run's log, without the first values of each series that are there already.

    `last` is the time of the latest value of all, after they were read.
    """

    def __init__(self, run: Run, there: Counter[Series] | None = None) -> None:
        self._run = run
        self._there = there or Counter()
        self._last_ms = 0

    @property
    def last(self) -> datetime | None:
        """When the last value was logged."""
        return time_of(self._last_ms)

    def read(self, notes: Notes) -> Iterator[bytes]:
        """Yield the lines, with their ends. Raises Damaged where the run's store breaks off."""
        names: dict[str, Series] = {}
        seen: Counter[Series] = Counter()
        for metric, time_ms, value, step in self._run.points(notes):
            series = names.get(metric) or names.setdefault(metric, series_of(metric))
            self._last_ms = max(self._last_ms, time_ms)
            if self._there:
                seen[series] += 1
                if seen[series] <= self._there[series]:
                    continue
            yield _ENCODER.encode(Scalar(time_ms, step, *series, number_text(value))) + b"\n"


def counted(paths: TaskPaths, run_id: str) -> tuple[Counter[Series], int]:
    """Return how many values of each series the task has from this run, and how long its log is, in whole lines."""
    found: Counter[Series] = Counter()
    size_bytes = 0
    try:
        for block in read_blocks(paths.scalars(writer_of(run_id))):
            size_bytes += len(block)
            found.update((event.metric, event.variant) for event in events.decode_scalars(block))
    except FileNotFoundError:
        pass
    return found, size_bytes
