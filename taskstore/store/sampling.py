"""The course of every series at a bounded cost: of a long log, pieces spread evenly over it stand for the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..disk.layout import TaskPaths
from ..schema.record import Scalar
from . import events

_PIECES = 64
BUDGET_BYTES = 4 << 20

Courses = dict[tuple[str, str], list[tuple[int, float]]]


def courses(paths: TaskPaths, budget_bytes: int = BUDGET_BYTES) -> Courses:
    """Return (iteration, value) pairs by metric and variant, in order of iteration, from about `budget_bytes` of logs.

    All points where the logs are no longer than that. Of a longer log a series with few points may be missing.
    """
    found: Courses = {}
    for event in points(paths, budget_bytes):
        found.setdefault((event.metric, event.variant), []).append((event.iter, float(event.value)))
    for course in found.values():
        course.sort(key=lambda point: point[0])
    return found


def points(paths: TaskPaths, budget_bytes: int = BUDGET_BYTES) -> Iterator[Scalar]:
    """Yield the points that `courses` is made of, log by log."""
    logs = events.scalar_logs(paths)
    for log in logs:
        yield from _sample(log, budget_bytes // len(logs))


def _sample(log: Path, budget_bytes: int) -> list[Scalar]:
    try:
        with log.open("rb") as stream:
            size_bytes = stream.seek(0, 2)
            if size_bytes <= budget_bytes:
                stream.seek(0)
                return events.decode_scalars(_whole_lines(stream.read(size_bytes), is_start=True))
            piece = max(1024, budget_bytes // _PIECES)
            found: list[Scalar] = []
            for step in range(_PIECES):
                # The first piece begins with the log, and the last ends with it.
                stream.seek((size_bytes - piece) * step // (_PIECES - 1))
                found += events.decode_scalars(_whole_lines(stream.read(piece), is_start=step == 0))
            return found
    except OSError:
        return []  # deleted by a reset, or not to be read: a course is an ornament


def _whole_lines(data: bytes, *, is_start: bool) -> bytes:
    first = 0 if is_start else data.find(b"\n") + 1
    return data[first : data.rfind(b"\n") + 1]
