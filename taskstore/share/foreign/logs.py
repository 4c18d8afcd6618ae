"""One writer's logs of a task that nobody sees yet: what another program has reported, with the times that it says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from io import DEFAULT_BUFFER_SIZE
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from ...core.clock import to_text
from ...core.errors import BadValue
from ...disk.atomic import make_folders, write_blob
from ...disk.layout import TaskPaths
from ...schema.codec import number_text
from ...schema.plot import MediaEvent, PlotEvent, encode_plot
from ...schema.record import FileRef
from ...store import blobs
from ...store.store import Store

NO_ITERATION = -(2**31)
"""The iteration of a value of the whole run."""
SINGLE_VALUES = "Summary"
_BUFFER_BYTES = 32 * DEFAULT_BUFFER_SIZE
_MAX_NAME = 4096
_MAX_LINE = 1 << 20
_MAX_ITERATION = 2**62
_LATEST_S = 253_402_300_799.0
"""The end of the year 9999: later moments cannot be told."""
_ENDING_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ENCODER = msgspec.json.Encoder()
_TYPES = {"webp": "image/webp", "jsonl": "application/jsonl", "md": "text/markdown", "yaml": "text/yaml"}


def moment_of(seconds: float) -> datetime | None:
    """Return a moment by its seconds since 1970; None where there can be none."""
    return datetime.fromtimestamp(seconds, timezone.utc) if 0 <= seconds <= _LATEST_S else None


def text_of(value: object) -> str:
    """Return a text that UTF-8 can hold, without what ends lines; of what is no text, none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


class Logs:
    """Writes the logs of one writer. `at` is the time of what comes next, in seconds since 1970; `latest` the last."""

    def __init__(self, store: Store, paths: TaskPaths, writer: str) -> None:
        self.at = 0.0
        self.latest = 0.0
        self._store = store
        self._paths = paths
        self._writer = writer
        self._count = 0
        self._streams: dict[Callable[[str], Path], BinaryIO] = {}
        self._heads: dict[tuple[str, str], bytes] = {}

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Append a point. Raises BadValue where its iteration cannot be one."""
        head = self._heads.get((title, series))
        if head is None:
            names = b'"metric":%b,"variant":%b,"value":' % tuple(map(_ENCODER.encode, self._names(title, series)))
            head = self._heads[title, series] = names
        number = repr(value) if value - value == 0.0 else f'"{number_text(value)}"'
        line = b'{"timestamp":%d,"iter":%d,%b%b}' % (self._now_ms(), _step(iteration), head, number.encode())
        self._append(self._paths.scalars, line)

    def report_plotly(self, title: str, series: str, figure: dict[str, Any], iteration: int) -> None:
        """Append a plot. Raises BadValue where it cannot be written as JSON."""
        self._plot(title, series, figure, iteration, None)

    def report_picture(self, title: str, series: str, iteration: int, chunks: Iterable[bytes], ending: str) -> FileRef:
        """Write the file of a plot that is a picture."""
        return self._file(title, series, iteration, chunks, ending)

    def report_media(
        self, title: str, series: str, iteration: int, *, stream: bytes | str, file_extension: str
    ) -> None:
        """Write a debug sample."""
        data = stream.encode("utf-8", "replace") if isinstance(stream, str) else stream
        self.report_file(title, series, iteration, [data], file_extension.removeprefix("."))

    def report_file(
        self, title: str, series: str, iteration: int, chunks: Iterable[bytes], ending: str, name: str = ""
    ) -> None:
        """Write a debug sample, piece by piece; `ending` is its suffix without the dot. Raises what `chunks` raise."""
        import mimetypes

        title, series = self._names(title, series)
        file = self._file(title, series, iteration, chunks, ending)
        kind = _TYPES.get(ending.lower()) or mimetypes.guess_type(f"x.{ending}", strict=False)[0]
        line = MediaEvent(
            timestamp=self._now_ms(),
            iter=_step(iteration),
            metric=title,
            variant=series,
            media_type=kind or "application/octet-stream",
            name=name,
            file=file,
        )
        self._append(self._paths.media, _ENCODER.encode(line))

    def console(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Append a line of console output."""
        moment = moment_of(self.at) or moment_of(0.0)
        assert moment is not None  # noqa: S101 - 1970 is one
        self._now_ms()
        shown = text_of(text.replace("\n", " "))[:_MAX_LINE]
        self._append(self._paths.console, f"{to_text(moment)} {stream} F {shown}".encode())

    def close(self) -> None:
        """Close all logs, durable."""
        try:
            for stream in self._streams.values():
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            for stream in self._streams.values():
                stream.close()
            self._streams.clear()

    def _plot(self, title: str, series: str, figure: dict[str, Any], iteration: int, file: FileRef | None) -> None:
        title, series = self._names(title, series)
        line = PlotEvent(
            timestamp=self._now_ms(),
            iter=_step(iteration),
            metric=title,
            variant=series,
            file=file,
            plot=msgspec.Raw(encode_plot(figure)),
        )
        self._append(self._paths.plots, _ENCODER.encode(line))

    def _names(self, title: str, series: str) -> tuple[str, str]:
        return text_of(title)[:_MAX_NAME], text_of(series)[:_MAX_NAME]

    def _file(self, title: str, series: str, iteration: int, chunks: Iterable[bytes], ending: str) -> FileRef:
        lowered = ending.lower()
        ending = lowered if 0 < len(lowered) <= 10 and _ENDING_CHARS.issuperset(lowered) else "bin"
        self._count += 1
        name = f"{_step(iteration):08d}-{self._count}.{self._writer}.{ending}"
        path = self._paths.sample(title, series, name)
        make_folders(path.parent, until=self._paths.home)
        digest, size_bytes = write_blob(path, chunks)
        blobs.settle(self._store, path, digest, size_bytes)
        return FileRef(path=path.relative_to(self._paths.home).as_posix(), size=size_bytes, hash=digest)

    def _now_ms(self) -> int:
        self.latest = max(self.latest, self.at) if self.at <= _LATEST_S else self.latest
        return int(self.at * 1000) if 0 <= self.at <= _LATEST_S else 0

    def _append(self, log: Callable[[str], Path], line: bytes) -> None:
        stream = self._streams.get(log)
        if stream is None:
            path = log(self._writer)
            make_folders(path.parent, until=self._paths.home)
            stream = self._streams[log] = path.open("xb", buffering=_BUFFER_BYTES)
        stream.write(line)
        stream.write(b"\n")


def _step(iteration: int) -> int:
    if not -_MAX_ITERATION <= iteration <= _MAX_ITERATION:
        raise BadValue(f"{iteration} is no iteration")
    return iteration
