"""Every point of a task, kept in compact arrays that follow its logs: what a screen draws, zooms and smooths."""

from __future__ import annotations

import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import gt
from pathlib import Path

from ..core.errors import Damaged
from ..core.memory import without_collection
from ..disk.layout import TaskPaths
from ..disk.log import read_blocks
from ..schema.record import Scalar
from ..store import events, sampling

Key = tuple[str, str]
"""The metric and the variant of a series."""

QUICK_BYTES = 3 << 20
"""Of a task's logs, what is read before anybody sees anything."""
LONGEST_BYTES = 768 << 20
"""Logs of more than that are never held whole."""
KEPT_BYTES = 64 << 20
"""What is held of all tasks together, at most one task more."""
_BLOCK_BYTES = 128 << 10
_POINT_BYTES = 24


@dataclass
class Points:
    """One series in order of iteration; times in ms since 1970, a NaN or an infinity as it is."""

    iterations: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    times: array[float] = field(default_factory=lambda: array("d"))

    def add(self, event: Scalar) -> None:
        """Append one point."""
        self.iterations.append(event.iter)
        self.values.append(float(event.value))
        self.times.append(event.timestamp)

    def order(self) -> None:
        """Bring the points in order of iteration, those of one iteration in order of time."""
        xs = self.iterations
        if any(map(gt, xs, islice(xs, 1, None))):
            kept = sorted(range(len(xs)), key=lambda at: (xs[at], self.times[at]))
            self.iterations = array("d", [xs[at] for at in kept])
            self.values = array("d", [self.values[at] for at in kept])
            self.times = array("d", [self.times[at] for at in kept])


@dataclass(frozen=True)
class Held:
    """The series of one task as they were when read. Not to be changed: others may look at the same.

    `began` is the time of the first point of all; `sizes` tell which bytes were there, and change when there are more.
    """

    series: dict[Key, Points]
    began: float
    sizes: tuple[tuple[str, int], ...]
    is_whole: bool = True

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return sum(len(points.values) for points in self.series.values()) * _POINT_BYTES


@dataclass
class _Log:
    covered: int = 0
    series: dict[Key, Points] = field(default_factory=dict)


class Shelf:
    """Holds the points of the tasks that were looked at last. Threads may read at once: each task is read once."""

    def __init__(self, kept_bytes: int = KEPT_BYTES, quick_bytes: int | None = None) -> None:
        self._kept_bytes = kept_bytes
        self._given_quick_bytes = quick_bytes
        self._lock = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}
        self._logs: dict[Path, dict[str, _Log]] = {}
        self._held: OrderedDict[tuple[Path, bool], Held] = OrderedDict()

    def read(self, paths: TaskPaths, *, is_quick: bool = False) -> Held:
        """Return the points of a task; where `is_quick`, of long logs pieces spread evenly, unless all are here.

        What was read before is not read again. Raises Damaged.
        """
        sizes = tuple(sorted(events.scalar_sizes(paths).items()))
        total = sum(size for _, size in sizes)
        found = self._find(paths, sizes)
        if found is not None and (found.is_whole or is_quick or total > LONGEST_BYTES):
            return found
        if total > (self._quick_bytes if is_quick and not self._has_begun(paths) else LONGEST_BYTES):
            return self._keep(paths, _sampled(paths, sizes, self._quick_bytes))
        with self._lock_of(paths):
            found = self._find(paths, sizes)
            return found if found is not None and found.is_whole else self._keep(paths, self._whole(paths, sizes))

    @property
    def _quick_bytes(self) -> int:
        return QUICK_BYTES if self._given_quick_bytes is None else self._given_quick_bytes

    def _find(self, paths: TaskPaths, sizes: tuple[tuple[str, int], ...]) -> Held | None:
        with self._lock:
            for is_whole in (True, False):
                found = self._held.get((paths.home, is_whole))
                if found is not None and found.sizes == sizes:
                    self._held.move_to_end((paths.home, is_whole))
                    return found
        return None

    def _has_begun(self, paths: TaskPaths) -> bool:
        with self._lock:
            return (paths.home, True) in self._held

    def _lock_of(self, paths: TaskPaths) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(paths.home, threading.Lock())

    def _keep(self, paths: TaskPaths, held: Held) -> Held:
        with self._lock:
            self._held[paths.home, held.is_whole] = held
            self._held.move_to_end((paths.home, held.is_whole))
            if held.is_whole:
                self._held.pop((paths.home, False), None)
            while len(self._held) > 1 and sum(one.size_bytes for one in self._held.values()) > self._kept_bytes:
                (home, is_whole), _ = self._held.popitem(last=False)
                if is_whole:
                    self._logs.pop(home, None)
        return held

    def _whole(self, paths: TaskPaths, sizes: tuple[tuple[str, int], ...]) -> Held:
        with self._lock:
            logs = self._logs.setdefault(paths.home, {})
        for name in set(logs) - {name for name, _ in sizes}:
            del logs[name]  # gone with a reset
        for name, size in sizes:
            log = logs.get(name)
            if log is None or log.covered > size:
                log = logs[name] = _Log()
            if log.covered < size:
                _extend(log, paths.events / name)
        return _held(sizes, [log.series for log in logs.values()])


def _extend(log: _Log, path: Path) -> None:
    try:
        for block in read_blocks(path, _BLOCK_BYTES, start=log.covered):
            with without_collection():
                _add(log.series, events.decode_scalars(block))
            log.covered += len(block)
            time.sleep(0)  # others want to do something in between: who serves pages, before all
    except FileNotFoundError:
        return  # reset behind us
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(path, error.strerror or str(error)) from None


def _add(series: dict[Key, Points], found: Iterable[Scalar]) -> None:
    for event in found:
        key = (event.metric, event.variant)
        points = series.get(key)
        if points is None:
            points = series[key] = Points()
        points.add(event)


def _held(sizes: tuple[tuple[str, int], ...], logs: list[dict[Key, Points]], *, is_whole: bool = True) -> Held:
    series: dict[Key, Points] = {}
    for log in logs:
        for key, points in log.items():
            # Copies: a log's own arrays grow, and what is held must not.
            whole = series.setdefault(key, Points())
            whole.iterations.extend(points.iterations)
            whole.values.extend(points.values)
            whole.times.extend(points.times)
    for points in series.values():
        points.order()
    began = min(_firsts(logs), default=0.0)
    return Held(series, began, sizes, is_whole)


def _firsts(logs: list[dict[Key, Points]]) -> Iterator[float]:
    return (points.times[0] for log in logs for points in log.values() if points.times)


def _sampled(paths: TaskPaths, sizes: tuple[tuple[str, int], ...], budget_bytes: int) -> Held:
    series: dict[Key, Points] = {}
    _add(series, sampling.points(paths, budget_bytes))
    return _held(sizes, [series], is_whole=False)
