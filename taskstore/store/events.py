"""Reading a task's logs: scalars, console, and the summary that is derived from them."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import operator
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from ..core.clock import from_text
from ..core.errors import BadValue, Damaged
from ..core.memory import without_collection
from ..disk import mounts
from ..disk.atomic import replace_record
from ..disk.layout import TaskPaths
from ..disk.log import plain_logs, read_blocks, read_complete
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.record import MONITOR, LastMetric, Scalar, SummaryRecord
from . import downsample

_LINES = msgspec.json.Decoder(list[Scalar])
_LINE = msgspec.json.Decoder(Scalar)
_CONSOLE = re.compile(rb"(\S{20,40}) (stdout|stderr) ([PF]) (.*)\Z", re.DOTALL)
_SUMMED_BYTES = 256 << 10
"""How much of a log is summed up at once, within a run too: what it holds is many times that in memory."""


@dataclass
class Series:
    """One series: iterations, values and times (ms since 1970), in the order reported; all of one length."""

    metric: str
    variant: str
    iterations: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    timestamps: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class ConsoleLine:
    """One line of console output; `is_whole` is false for the part of a line that never ended."""

    time: datetime
    stream: str
    text: str
    is_whole: bool = True


def scalar_logs(paths: TaskPaths) -> list[Path]:
    """Return the scalar logs of a task, one a writer."""
    return plain_logs(paths.events, "scalars.*.jsonl")


def decode_scalars(data: bytes) -> list[Scalar]:
    """Read the whole lines of a scalar log; lines that are not scalars (a torn one, a full disk) are passed over."""
    with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return _LINES.decode(b"[" + data.rstrip(b"\n").replace(b"\n", b",") + b"]")
    events = []
    for line in data.splitlines():
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            events.append(_LINE.decode(line))
    return events


def read_scalars(paths: TaskPaths, metric: str | None = None, variant: str | None = None) -> list[Series]:
    """Return every point of every series (of one metric, of one variant), several writers' merged by time."""
    groups: dict[tuple[str, str], list[Scalar]] = {}
    logs = scalar_logs(paths)
    with without_collection():
        for log in logs:
            for event in _scalars_of(log, metric, variant):
                key = (event.metric, event.variant)
                group = groups.get(key)
                if group is None:
                    group = groups[key] = []
                group.append(event)
        return [
            _series(key, group, is_merged=len(logs) > 1)
            for key, group in groups.items()
            if (metric is None or key[0] == metric) and (variant is None or key[1] == variant)
        ]


def _scalars_of(log: Path, metric: str | None, variant: str | None) -> Iterator[Scalar]:
    """Read one log. Of one series among many, most lines are told from their bytes, and never decoded."""
    wanted = needles(metric, variant)
    if not wanted:
        yield from decode_scalars(_bytes_of(log))
        return
    try:
        for block in read_blocks(log):
            yield from decode_scalars(b"\n".join(lines_with(block, wanted)))
    except FileNotFoundError:
        return
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def needles(*texts: str | None) -> list[bytes]:
    """Return texts as a line of a log spells them."""
    return [
        msgspec.json.encode(text.encode("utf-8", "backslashreplace").decode()) for text in texts if text is not None
    ]


def lines_with(block: bytes, wanted: list[bytes]) -> list[bytes]:
    """Return the lines that hold every needle, or that may hold it: JSON can spell a text with escapes too."""
    found = block.split(b"\n")
    has_escapes = b"\\" in block
    for needle in sorted(wanted, key=len, reverse=True):
        if has_escapes:
            found = [line for line in found if needle in line or b"\\" in line]
        else:
            found = [line for line in found if needle in line]
    return found


def downsampled(series: Series, max_samples: int, method: str = "lttb") -> Series:
    """Return at most so many points of a series, in order of iteration; all where `max_samples` is 0."""
    if max_samples == 0 or len(series.values) <= max_samples:
        return series
    if any(map(operator.gt, series.iterations, itertools.islice(series.iterations, 1, None))):
        series = _picked(series, sorted(range(len(series.values)), key=series.iterations.__getitem__))
    return _picked(series, downsample.chosen(series.iterations, series.values, max_samples, method))


def _picked(series: Series, kept: list[int]) -> Series:
    iterations, values, timestamps = series.iterations, series.values, series.timestamps
    return Series(
        series.metric,
        series.variant,
        [iterations[at] for at in kept],
        [values[at] for at in kept],
        [timestamps[at] for at in kept],
    )


def _series(key: tuple[str, str], events: list[Scalar], *, is_merged: bool) -> Series:
    if is_merged:
        events.sort(key=lambda event: event.timestamp)
    return Series(
        *key,
        [event.iter for event in events],
        [float(event.value) for event in events],
        [event.timestamp for event in events],
    )


def _bytes_of(log: Path) -> bytes:
    try:
        return read_complete(log)
    except FileNotFoundError:
        return b""
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def read_summary(paths: TaskPaths) -> SummaryRecord:
    """Return the last, least and greatest value of each series, up to the last whole line of every log.

    It starts from summary.json where that is sound, and reads only what has been logged since. Writes nothing.
    """
    summary = _stored_summary(paths)
    sizes = scalar_sizes(paths)
    if not may_continue(summary, sizes):
        summary = SummaryRecord()  # a log is gone, or shorter than what was read of it: begin again
    for name, size in sorted(sizes.items()):
        start = summary.covered.get(name, 0)
        if size > start:
            _extend(summary, paths.events / name, start)
    return summary


def scalar_sizes(paths: TaskPaths) -> dict[str, int]:
    """Return the size in bytes of each scalar log that holds something, by its name."""
    sizes = mounts.sizes(paths.events)
    if sizes is not None:
        return {name: size for name, size in sizes.items() if size and _is_scalar_log(name)}
    sizes = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(paths.events) as scan:
        for entry in scan:
            if _is_scalar_log(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    sizes[entry.name] = entry.stat().st_size
    return {name: size for name, size in sizes.items() if size}


def _is_scalar_log(name: str) -> bool:
    return name.startswith("scalars.") and name.endswith(".jsonl")


def may_continue(summary: SummaryRecord, sizes: Mapping[str, int]) -> bool:
    """Tell whether every log that was summed up is there, and at least as long as what was read of it."""
    return all(0 <= count <= sizes.get(name, -1) for name, count in summary.covered.items())


def rebuild_summary(paths: TaskPaths) -> SummaryRecord:
    """Return the summary that the logs alone give, whatever summary.json says. Writes nothing."""
    summary = SummaryRecord()
    for log in scalar_logs(paths):
        _extend(summary, log, 0)
    return summary


def _stored_summary(paths: TaskPaths) -> SummaryRecord:
    try:
        return codec.decode(SummaryRecord, read_bytes(paths.summary), paths.summary)
    except (FileNotFoundError, Damaged):
        return SummaryRecord()  # derived: what cannot be read is made again


def refresh_summary(paths: TaskPaths) -> SummaryRecord:
    """Bring summary.json up to date with the logs, and return it. Anybody may; it is derived."""
    summary = read_summary(paths)
    write_summary(paths, summary)
    return summary


def write_summary(paths: TaskPaths, summary: SummaryRecord) -> None:
    """Write what was read of the logs; a task that never had any gets no file. Raises OSError."""
    if summary.covered or paths.summary.exists():
        replace_record(paths.summary, codec.encode(summary), is_durable=False)


def _extend(summary: SummaryRecord, log: Path, start: int) -> None:
    try:
        for block in read_blocks(log, _SUMMED_BYTES, start=start):
            for event in decode_scalars(block):
                _count(summary, event)
            start += len(block)
            summary.covered[log.name] = start
    except FileNotFoundError:
        return
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def _count(summary: SummaryRecord, event: Scalar) -> None:
    value = float(event.value)
    is_monitor = event.metric.startswith(MONITOR)
    if not is_monitor and event.iter >= 0 and (summary.last_iteration is None or event.iter > summary.last_iteration):
        summary.last_iteration = event.iter
    variants = summary.last_metrics.setdefault(event.metric, {})
    last = variants.get(event.variant)
    if last is None:
        last = variants[event.variant] = LastMetric(value=event.value, iteration=event.iter)
    last.count += 1
    if is_monitor or event.iter >= last.iteration:  # seconds first, and iterations once there are some
        last.value, last.iteration = codec.number_text(value), event.iter
    if math.isnan(value):
        return
    if last.min_value is None or value < float(last.min_value):
        last.min_value, last.min_value_iteration = codec.number_text(value), event.iter
    if last.max_value is None or value > float(last.max_value):
        last.max_value, last.max_value_iteration = codec.number_text(value), event.iter


def console_logs(paths: TaskPaths) -> list[Path]:
    """Return the console logs of a task, one a writer."""
    return plain_logs(paths.events, "console.*.log")


def read_console(paths: TaskPaths) -> Iterator[ConsoleLine]:
    """Yield console output in order of time, several writers' merged, parts of lines joined."""
    yield from heapq.merge(*(_lines_of(_bytes_of(log)) for log in console_logs(paths)), key=lambda line: line.time)


def walk_scalars(paths: TaskPaths) -> Iterator[Scalar]:
    """Yield every point in order of time, several writers' merged, in memory that does not grow with the logs."""
    logs = (itertools.chain.from_iterable(map(decode_scalars, _walk(log))) for log in scalar_logs(paths))
    yield from heapq.merge(*logs, key=_time)


def walk_console(paths: TaskPaths) -> Iterator[ConsoleLine]:
    """Yield what `read_console` does, in memory that does not grow with the logs."""
    yield from heapq.merge(*map(_console_of, console_logs(paths)), key=lambda line: line.time)


def _time(event: Scalar) -> float:
    return event.timestamp


def _console_of(log: Path) -> Iterator[ConsoleLine]:
    tail = ConsoleTail()
    for block in _walk(log):
        yield from tail.feed(block)
    yield from tail.feed(b"", is_end=True)


def _walk(log: Path) -> Iterator[bytes]:
    try:
        yield from read_blocks(log, _SUMMED_BYTES)
    except FileNotFoundError:
        return
    except (PermissionError, IsADirectoryError) as error:
        raise Damaged(log, error.strerror or str(error)) from None


def _lines_of(data: bytes) -> Iterator[ConsoleLine]:
    return ConsoleTail().feed(data, is_end=True)


def is_console_line(line: bytes) -> bool:
    """Tell whether a line of a console log can be read."""
    return next(ConsoleTail().feed(line, is_end=True), None) is not None


class ConsoleTail:
    """Reads one console log piece by piece, as `logs --follow` does."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[datetime, list[str]]] = {}

    def feed(self, data: bytes, *, is_end: bool = False) -> Iterator[ConsoleLine]:
        """Yield the lines in `data`, which ends at a line end; with `is_end` also what has not ended."""
        for raw in data.split(b"\n"):
            entry = _CONSOLE.match(raw)
            if entry is None:
                continue
            try:
                time = from_text(entry[1].decode("ascii"))
            except (BadValue, UnicodeDecodeError):
                continue
            stream, text = entry[2].decode(), entry[4].decode("utf-8", "replace")
            if entry[3] == b"P":
                self._parts.setdefault(stream, (time, []))[1].append(text)
            else:
                _, before = self._parts.pop(stream, (time, []))
                yield ConsoleLine(time, stream, "".join([*before, text]))
        if is_end:
            for stream, (time, parts) in sorted(self._parts.items(), key=lambda item: item[1][0]):
                yield ConsoleLine(time, stream, "".join(parts), is_whole=False)
            self._parts.clear()
