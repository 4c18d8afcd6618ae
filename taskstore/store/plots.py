"""Reading plots and debug samples back: several writers' logs merged by time, lines that cannot be read passed over."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..core.errors import Damaged
from ..disk.layout import TaskPaths
from ..disk.log import plain_logs, read_blocks
from ..schema.plot import MediaEvent, PlotEvent, decode_plot
from ..schema.record import FileRef
from .events import lines_with, needles


class _Step(msgspec.Struct, kw_only=True, gc=False):
    """What a line of either log is about; the rest of it is not even read."""

    iter: int
    metric: str
    variant: str


_Event = TypeVar("_Event", PlotEvent, MediaEvent, _Step)
_UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError)
_PLOT = msgspec.json.Decoder(PlotEvent)
_MEDIA = msgspec.json.Decoder(MediaEvent)
_STEPS = msgspec.json.Decoder(_Step)


@dataclass(frozen=True)
class Plot:
    """One plot: `figure` is plotly JSON as plain dicts; `image` is the file of a plot that is a picture."""

    title: str
    series: str
    iteration: int
    timestamp: float
    figure: dict[str, Any]
    image: Path | None = None


@dataclass(frozen=True)
class DebugSample:
    """One debug sample: `path` is its file, or `url` says where it lies; `name` is what the file was called."""

    title: str
    series: str
    iteration: int
    timestamp: float
    media_type: str
    name: str
    path: Path | None
    url: str


def plot_logs(paths: TaskPaths) -> list[Path]:
    """Return the plot logs of a task, one a writer."""
    return plain_logs(paths.events, "plots.*.jsonl")


def media_logs(paths: TaskPaths) -> list[Path]:
    """Return the media logs of a task, one a writer."""
    return plain_logs(paths.events, "media.*.jsonl")


def read_plots(paths: TaskPaths, title: str | None = None, series: str | None = None) -> list[Plot]:
    """Return the plots of a task (of one title, of one series) in order of time."""
    found = []
    for log in plot_logs(paths):
        for event in _events(log, _PLOT, title, series):
            with contextlib.suppress(*_UNREADABLE):
                figure = decode_plot(event.plot)
                image = path_of(paths, event.file)
                found.append(Plot(event.metric, event.variant, event.iter, event.timestamp, figure, image))
    return sorted(found, key=lambda plot: plot.timestamp)


def plot_steps(paths: TaskPaths) -> dict[tuple[str, str], list[int]]:
    """Return by title and series the iterations that have a plot, rising; no figure is read."""
    found: dict[tuple[str, str], set[int]] = {}
    for log in plot_logs(paths):
        for event in _events(log, _STEPS, None, None):
            found.setdefault((event.metric, event.variant), set()).add(event.iter)
    return {key: sorted(steps) for key, steps in found.items()}


def read_plot(paths: TaskPaths, title: str, series: str, iteration: int) -> Plot | None:
    """Return the plot of one series at one iteration, the latest of several; None where there is none to be read."""
    found = [
        event for log in plot_logs(paths) for event in _events(log, _PLOT, title, series) if event.iter == iteration
    ]
    for event in sorted(found, key=lambda event: event.timestamp, reverse=True):
        with contextlib.suppress(*_UNREADABLE):
            image = path_of(paths, event.file)
            return Plot(title, series, iteration, event.timestamp, decode_plot(event.plot), image)
    return None


def read_samples(paths: TaskPaths, title: str | None = None, series: str | None = None) -> list[DebugSample]:
    """Return the debug samples of a task that are kept (of one title, of one series) in order of time."""
    events = [event for log in media_logs(paths) for event in _events(log, _MEDIA, title, series)]
    replaced = {path for event in events for path in event.replaces}
    found = [
        DebugSample(
            event.metric,
            event.variant,
            event.iter,
            event.timestamp,
            event.media_type,
            event.name,
            path_of(paths, event.file),
            event.url,
        )
        for event in events
        if event.file is None or event.file.path not in replaced
    ]
    return sorted(found, key=lambda sample: sample.timestamp)


@dataclass
class Seen:
    """What there is of one series: how many, up to which iteration, and where the last one lies or is kept."""

    count: int = 0
    iteration: int = 0
    where: str = ""


def walk_plots(paths: TaskPaths) -> Iterator[PlotEvent]:
    """Yield a task's plots as the logs have them, in order of time, few in memory at once; no figure is read."""
    yield from heapq.merge(
        *(_events(log, _PLOT, None, None) for log in plot_logs(paths)), key=lambda event: event.timestamp
    )


def count_plots(paths: TaskPaths) -> dict[tuple[str, str], Seen]:
    """Return by title and series how many plots there are, in the order of their first ones; no figure is read."""
    found: dict[tuple[str, str], Seen] = {}
    for log in plot_logs(paths):
        for event in _events(log, _STEPS, None, None):
            seen = found.setdefault((event.metric, event.variant), Seen())
            seen.count, seen.iteration = seen.count + 1, max(seen.iteration, event.iter)
    return found


def count_samples(paths: TaskPaths) -> dict[tuple[str, str], Seen]:
    """Return by title and series how many debug samples are kept, in the order of their first ones."""
    found: dict[tuple[str, str], Seen] = {}
    for sample in read_samples(paths):
        seen = found.setdefault((sample.title, sample.series), Seen())
        seen.count, seen.iteration = seen.count + 1, max(seen.iteration, sample.iteration)
        seen.where = str(sample.path.relative_to(paths.home)) if sample.path else sample.url
    return found


def last_iteration(paths: TaskPaths) -> int | None:
    """Return the highest iteration of a plot or a debug sample; None where there is none."""
    found = [
        event.iter
        for log in (*plot_logs(paths), *media_logs(paths))
        for event in _events(log, _STEPS, None, None)
        if event.iter >= 0
    ]
    return max(found, default=None)


def decode_plots(data: bytes) -> list[PlotEvent]:
    """Read the lines of a plot log that can be read, figures included."""
    found = []
    for event in _decoded(data.split(b"\n"), _PLOT):
        with contextlib.suppress(*_UNREADABLE):
            decode_plot(event.plot)
            found.append(event)
    return found


def decode_media(data: bytes) -> list[MediaEvent]:
    """Read the lines of a media log that can be read."""
    return list(_decoded(data.split(b"\n"), _MEDIA))


def _events(
    log: Path, decoder: msgspec.json.Decoder[_Event], title: str | None, series: str | None
) -> Iterator[_Event]:
    wanted = needles(title, series)
    try:
        for block in read_blocks(log):
            for event in _decoded(lines_with(block, wanted), decoder):
                if title in (None, event.metric) and series in (None, event.variant):
                    yield event
    except FileNotFoundError:
        return
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def _decoded(lines: list[bytes], decoder: msgspec.json.Decoder[_Event]) -> Iterator[_Event]:
    for line in lines:
        if line:
            with contextlib.suppress(*_UNREADABLE):
                yield decoder.decode(line)


def path_of(paths: TaskPaths, file: FileRef | None) -> Path | None:
    """Return where a blob is, or None: a log that comes from elsewhere may name what is outside of the task."""
    if file is None:
        return None
    path = Path(file.path)
    return None if path.is_absolute() or ".." in path.parts else paths.home / path
