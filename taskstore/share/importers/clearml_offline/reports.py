"""The events of a session, written as the logs of a task: scalars, plots, debug samples, console."""

from __future__ import annotations

import math
import mimetypes
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import msgspec

from ....core.clock import to_text
from ....core.errors import BadValue, Damaged
from ....disk.atomic import make_folders
from ....disk.layout import TaskPaths
from ....schema.codec import number_text
from ....schema.plot import MediaEvent, PlotEvent, encode_plot
from ....schema.record import Scalar
from .blobs import Taken
from .session import CONSOLE, METRICS, Session, list_of, mapping_of, parse, text_of, time_of

_NO_ITERATION = -(2**31)
_MAX_ITERATION = 2**62
_ENCODER = msgspec.json.Encoder()
_STDERR = frozenset({"error", "critical", "fatal"})
_EXTENSION_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


class Reports:
    """Writes the events of a session below a task that nobody sees yet; `began` and `ended` are their times."""

    def __init__(self, session: Session, taken: Taken, paths: TaskPaths, writer: str, offset: int) -> None:
        self.began: datetime | None = None
        self.ended: datetime | None = None
        self.host = ""
        self._session = session
        self._taken = taken
        self._paths = paths
        self._writer = writer
        self._offset = offset
        self._count = 0
        self._streams: dict[Path, BinaryIO] = {}
        self._names = {
            key: text_of(mapping_of(item.get("init")).get("name")) or key for key, item in session.models.items()
        }
        self._last_ms = 0.0

    def write(self) -> None:
        """Write all logs, durable."""
        try:
            for event in self._session.events(CONSOLE):
                if self._is_ours(event):
                    self._console(event)
            self._last_ms = 0.0
            for event in self._session.events(METRICS):
                if self._is_ours(event):
                    self._metric(event)
            for stream in self._streams.values():
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            for stream in self._streams.values():
                stream.close()

    def _is_ours(self, event: Mapping[str, Any]) -> bool:
        owner = event.get("task")
        if owner in (None, "", self._session.id) or owner in self._names:
            return True
        self._session.notes.add("an event of another task was left out")
        return False

    def _metric(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        write = {
            "training_stats_scalar": self._scalar,
            "training_stats_vector": self._vector,
            "plot": self._plot,
            "training_debug_image": self._sample,
        }.get(kind if isinstance(kind, str) else "")
        if write is None:
            self._session.notes.add(f"an event of a kind that is not known was left out: {kind}")
            return
        with self._session.notes.of(f"an event was left out: {kind}", BadValue):
            write(event)

    def _scalar(self, event: Mapping[str, Any]) -> None:
        value = event.get("value")
        try:
            number = float(value)  # type: ignore[arg-type]  # whatever JSON has
        except (TypeError, ValueError, OverflowError):
            raise BadValue("its value is no number") from None
        metric, variant = self._series(event)
        line = Scalar(self._time_ms(event), self._iteration(event), metric, variant, number_text(number))
        self._append(self._paths.scalars(self._writer), _ENCODER.encode(line))

    def _vector(self, event: Mapping[str, Any]) -> None:
        values = list_of(event.get("values"))
        self._add_plot(
            event, {"data": [{"type": "bar", "y": values}], "layout": {"title": text_of(event.get("metric"))}}
        )

    def _plot(self, event: Mapping[str, Any]) -> None:
        spelled = event.get("plot_str")
        figure = parse(spelled) if isinstance(spelled, str) else spelled
        if not isinstance(figure, dict):
            raise BadValue("it holds no figure")
        self._add_plot(event, figure)

    def _add_plot(self, event: Mapping[str, Any], figure: dict[str, Any]) -> None:
        metric, variant = self._series(event)
        step, file = self._iteration(event), None
        for image in map(mapping_of, list_of(mapping_of(figure.get("layout")).get("images"))):
            member = self._session.file(image.get("source"))
            if member is None or file is not None:
                continue
            with self._session.notes.of("the picture of a plot is lost", Damaged):
                file = self._taken.file(member, self._sample_path(metric, variant, step, member))
                image["source"] = file.path
        line = PlotEvent(
            timestamp=self._time_ms(event),
            iter=step,
            metric=metric,
            variant=variant,
            file=file,
            plot=msgspec.Raw(encode_plot(figure)),
        )
        self._append(self._paths.plots(self._writer), _ENCODER.encode(line))

    def _sample(self, event: Mapping[str, Any]) -> None:
        metric, variant = self._series(event)
        step, url, file = self._iteration(event), text_of(event.get("url")), None
        member = self._session.sample(event)
        name = PurePosixPath(member or url.partition("?")[0]).name
        if member is not None:
            with self._session.notes.of("a debug sample is lost", Damaged):
                file = self._taken.file(member, self._sample_path(metric, variant, step, member))
                url = ""
        elif "://" not in url or url.startswith("file:"):
            self._session.notes.add("a debug sample is not in the session; its address is kept")
        line = MediaEvent(
            timestamp=self._time_ms(event),
            iter=step,
            metric=metric,
            variant=variant,
            media_type=mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream",
            name=name,
            url=url,
            file=file,
        )
        self._append(self._paths.media(self._writer), _ENCODER.encode(line))

    def _sample_path(self, metric: str, variant: str, step: int, member: str) -> Path:
        extension = PurePosixPath(member).suffix[1:].lower()
        ending = extension if 0 < len(extension) <= 10 and _EXTENSION_CHARS.issuperset(extension) else "bin"
        self._count += 1
        return self._paths.sample(metric, variant, f"{step:08d}-{self._count}.{self._writer}.{ending}")

    def _console(self, event: Mapping[str, Any]) -> None:
        message = event.get("msg")
        if not isinstance(message, str):
            self._session.notes.add(f"an entry of {CONSOLE} without a text was left out")
            return
        self.host = self.host or text_of(event.get("worker"))
        stamp = time_of(self._time_ms(event))
        if stamp is None:
            self._session.notes.add(f"an entry of {CONSOLE} without a time was left out")
            return
        stream = "stderr" if str(event.get("level")).lower() in _STDERR else "stdout"
        head = f"{to_text(stamp)} {stream} F ".encode()
        for line in text_of(message).replace("\r\n", "\n").removesuffix("\n").split("\n"):
            self._append(self._paths.console(self._writer), head + line.encode())

    def _series(self, event: Mapping[str, Any]) -> tuple[str, str]:
        """Return title and series; of what a model reported, the model's name is before the title."""
        metric, variant = text_of(event.get("metric")), text_of(event.get("variant"))
        model = self._names.get(text_of(event.get("task")))
        return f"{model}/{metric}" if model else metric, variant

    def _iteration(self, event: Mapping[str, Any]) -> int:
        """Return the iteration, moved by the offset; a value of the whole run has none."""
        value = event.get("iter", 0)
        step = 0
        if isinstance(value, (int, float)) and math.isfinite(value):
            step = int(value)
        if step == _NO_ITERATION:
            return step
        if abs(step) > _MAX_ITERATION:
            raise BadValue("its iteration is too large")
        return step + self._offset

    def _time_ms(self, event: Mapping[str, Any]) -> float:
        """Return the time of an event; of one without, that of the one before."""
        value = event.get("timestamp")
        moment = time_of(value)
        if moment is None:
            return self._last_ms
        self.began = min(self.began or moment, moment)
        self.ended = max(self.ended or moment, moment)
        self._last_ms = float(value)  # type: ignore[arg-type]  # a number
        return self._last_ms

    def _append(self, path: Path, line: bytes) -> None:
        stream = self._streams.get(path)
        if stream is None:
            make_folders(path.parent, until=self._paths.home)
            stream = self._streams[path] = path.open("xb")
        stream.write(line + b"\n")
