"""A task's logs as the events of a session: lines of metrics.jsonl and log.jsonl, each a list of events."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ....disk.layout import TaskPaths
from ....schema.plot import PlotEvent, decode_plot
from ....store import events, plots
from ...notes import Notes
from .files import Files

_ENCODER = msgspec.json.Encoder()
_MAX_EVENTS = 500
_MAX_BYTES = 1 << 20
_MAX_LINES = 100
_UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError)
_SPELLED = (b'"NaN"', b'"Infinity"', b'"-Infinity"')


class Reports:
    """Reads a task's logs as events of the session `session_id`; `counts` says how many of each kind there were."""

    def __init__(self, paths: TaskPaths, session_id: str, files: Files, notes: Notes) -> None:
        self.counts: Counter[str] = Counter()
        self._paths = paths
        self._id = session_id
        self._files = files
        self._notes = notes

    def metrics(self) -> Iterator[bytes]:
        """Yield the lines of metrics.jsonl."""
        yield from _lines(self._metrics())

    def console(self, worker: str) -> Iterator[bytes]:
        """Yield the lines of log.jsonl."""
        yield from _lines(self._console(worker))

    def _metrics(self) -> Iterator[dict[str, Any]]:
        for point in events.walk_scalars(self._paths):
            value = float(point.value)
            if not math.isfinite(value):
                self._notes.add(f"points of {point.metric}/{point.variant} that are {value} are left out")
                continue
            head = self._head("training_stats_scalar", point.timestamp, point.iter, point.metric, point.variant)
            yield head | {"value": value}
        for event in plots.walk_plots(self._paths):
            yield from self._plot(event)
        for sample, member in self._files.samples:
            head = self._head("training_debug_image", sample.timestamp, sample.iteration, sample.title, sample.series)
            key = member.removeprefix("data/")  # without a key, the reader leaves the address as it is
            yield head | ({"key": key, "url": member} if member else {"url": sample.url})

    def _plot(self, event: PlotEvent) -> Iterator[dict[str, Any]]:
        try:
            figure = decode_plot(event.plot)
        except _UNREADABLE:
            self._notes.add("a plot that cannot be read is left out")
            return
        if any(word in bytes(event.plot) for word in _SPELLED):
            self._notes.add(f"NaN and infinities in plot {event.metric}/{event.variant} became gaps")
        if event.file is not None:
            _point_to(figure, event.file.path, self._files.pictures.get(event.file.path, ""))
        head = self._head("plot", event.timestamp, event.iter, event.metric, event.variant)
        yield head | {"plot_str": _ENCODER.encode(figure).decode()}  # which spells NaN as null, as plotly does

    def _head(self, kind: str, timestamp: float, step: int, metric: str, variant: str) -> dict[str, Any]:
        self.counts[kind] += 1
        return {
            "timestamp": round(timestamp),
            "type": kind,
            "task": self._id,
            "iter": step,
            "metric": metric,
            "variant": variant,
        }

    def _console(self, worker: str) -> Iterator[dict[str, Any]]:
        """Join lines of one stream and one millisecond: a run prints many, and each event costs the server."""
        head: dict[str, Any] = {}
        lines: list[str] = []
        for line in events.walk_console(self._paths):
            self.counts["log"] += 1
            stamp = math.floor(line.time.timestamp() * 1000)
            level = "error" if line.stream == "stderr" else "info"
            is_same = lines and (head["timestamp"], head["level"]) == (stamp, level) and not lines[-1].endswith("\r")
            if is_same and len(lines) < _MAX_LINES:
                lines.append(line.text)
                continue
            if lines:
                yield head | {"msg": _joined(lines)}
            head = {"timestamp": stamp, "type": "log", "task": self._id, "level": level, "worker": worker}
            lines = [line.text]
        if lines:
            yield head | {"msg": _joined(lines)}


def _joined(lines: list[str]) -> str:
    """Join lines so that a reader who drops a line end at the end has all of them, an empty last one too."""
    text = "\n".join(lines)
    return f"{text}\n" if len(lines) > 1 and not lines[-1] else text


def _point_to(figure: dict[str, Any], path: str, member: str) -> None:
    """Make the picture of a plot the one in the session."""
    layout = figure.get("layout")
    images = layout.get("images") if isinstance(layout, dict) else None
    for image in images if isinstance(images, list) else []:
        if isinstance(image, dict) and image.get("source") == path:
            image["source"] = member


def _lines(found: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    batch: list[bytes] = []
    size = 0
    for event in found:
        data = _ENCODER.encode(event)
        batch.append(data)
        size += len(data)
        if len(batch) >= _MAX_EVENTS or size >= _MAX_BYTES:
            yield b"[" + b",".join(batch) + b"]\n"
            batch, size = [], 0
    if batch:
        yield b"[" + b",".join(batch) + b"]\n"
