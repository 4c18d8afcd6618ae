"""Reporting: what a run appends to its logs. Nothing here takes a lock or waits; each process has its own files.

A task's report functions never raise for the disk's sake: when a log cannot be written they say so once, and the
training goes on.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from time import monotonic, time
from typing import SupportsFloat

import msgspec

from ..core.errors import BadValue, TaskstoreError
from ..disk.layout import TaskPaths
from ..disk.log import LogWriter, writer_name
from ..schema.codec import number_text
from ..schema.plot import MediaEvent, encode_plot
from ..store.samples import DEFAULT_HISTORY, Sample, SampleKeeper

SINGLE_VALUE_METRIC = "Summary"
SINGLE_VALUE_ITERATION = -(2**31)
IMAGE = "\ue000image"
"""Stands in a figure for where its picture will lie, which is known when that is written."""
_LOOK_AGAIN_S = 5.0

_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


class Writer:
    """One process's logs of one task. `paths` says where the task is now; `failed` hears of what cannot be written."""

    def __init__(self, paths: Callable[[], TaskPaths], failed: Callable[[Exception], None]) -> None:
        self.history = DEFAULT_HISTORY
        self._paths = paths
        self._failed = failed
        self._heads: dict[tuple[str, str], str] = {}
        self._missing: TaskstoreError | None = None
        self._look_again_at = 0.0
        self._refusal: Exception | None = None
        self._refused_pid = 0
        self.offset = 0
        """What is added to every iteration: where a run that is continued had stopped."""
        self._open_logs()
        _writers.add(self)

    def _open_logs(self) -> None:
        name = writer_name()
        self._scalars = LogWriter(lambda: self._located().scalars(name))
        self._console = LogWriter(lambda: self._located().console(name))
        self._plots = LogWriter(lambda: self._located().plots(name))
        self._media = LogWriter(lambda: self._located().media(name))
        self._samples = SampleKeeper(name, self._located)
        self._descriptor = -1
        self._is_torn = False

    def _located(self) -> TaskPaths:
        """Return where the task is; one that is gone is looked for every few seconds only, for that is a long walk."""
        if self._missing is not None and monotonic() < self._look_again_at:
            raise self._missing.with_traceback(None)
        try:
            return self._paths()
        except TaskstoreError as error:
            self._missing, self._look_again_at = error, monotonic() + _LOOK_AGAIN_S
            raise

    def scalar(self, title: str, series: str, value: SupportsFloat, iteration: int) -> None:
        """Append one point; when this returns, it survives a SIGKILL of the process. Raises BadValue."""
        try:
            head = self._heads.get((title, series))
        except TypeError:  # a list, which is no text either
            head = None
        if head is None:
            head = self._new_series(title, series)
        number: object = value
        if type(value) is not float or value - value != 0.0:
            number = _plain_number("value", value)
        if type(iteration) is not int:
            iteration = _plain_iteration(iteration)
        line = f'{{"timestamp":{int(time() * 1000)},"iter":{iteration + self.offset},{head}{number}}}\n'.encode()
        is_open = self._descriptor >= 0
        try:
            if os.write(self._descriptor, line) == len(line):
                return
        except OSError as error:
            if is_open:
                self._failed(error)
                return
        self._is_torn = self._is_torn or is_open
        self._scalar_slowly(line)

    def _scalar_slowly(self, line: bytes) -> None:
        """Open the log on the first point; after a short write (a full disk) begin a new line, once one is possible."""
        self._descriptor = -1
        self.check_open()
        try:
            descriptor = self._scalars.descriptor
            self._scalars.append(b"\n" + line if self._is_torn else line)
        except (OSError, TaskstoreError) as error:
            self._failed(error)
            return
        self._descriptor = descriptor
        self._is_torn = False

    def _new_series(self, title: str, series: str) -> str:
        head = self._heads[title, series] = self._head(title, series) + '"value":'
        return head

    def _head(self, title: str, series: str) -> str:
        for name, text in (("title", title), ("series", series)):
            if not isinstance(text, str):
                raise BadValue(f"{name} must be a text, not {type(text).__name__}")
        metric, variant = (msgspec.json.encode(_safe(str.__str__(text))).decode() for text in (title, series))
        return f'"metric":{metric},"variant":{variant},'

    def single_value(self, name: str, value: SupportsFloat) -> None:
        """Append a value that has no iteration: a result of the whole run."""
        if not isinstance(name, str):
            raise BadValue(f"name must be a text, not {type(name).__name__}")
        self.scalar(SINGLE_VALUE_METRIC, name, value, SINGLE_VALUE_ITERATION - self.offset)

    def console(self, stream: str, text: str, *, is_whole: bool) -> None:
        """Append one entry of console output, in the container-log line format."""
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        flag = "F" if is_whole else "P"
        body = _safe(text).replace("\n", " ").encode("utf-8")
        try:
            self._console.append(b"%s %s %s %s\n" % (moment.encode(), stream.encode(), flag.encode(), body))
        except (OSError, TaskstoreError) as error:
            self._failed(error)

    def refuse(self, error: Exception) -> None:
        """Have later reports raise `error`: the program has ended the task itself. Its forked children go on."""
        self._refusal, self._refused_pid = error, os.getpid()

    def check_open(self) -> None:
        """Raise what `refuse` was given, if it was."""
        if self._refusal is not None and self._refused_pid == os.getpid():
            raise self._refusal.with_traceback(None)

    def plot(
        self, title: str, series: str, figure: Mapping[str, object], iteration: int | None, image: Sample | None = None
    ) -> None:
        """Append a plot, which is plotly JSON; `image` is the picture that it shows, where it is one.

        In the figure, `IMAGE` as the source of a picture is replaced by where that lies. Raises BadValue.
        """
        self.check_open()
        head, step = self._head(title, series), _plain_iteration(iteration or 0) + self.offset
        spelled = encode_plot(figure)
        try:
            if image is not None:
                file = self._samples.put(title, series, image, step)
                source = msgspec.json.encode(file.path)
                head += f'"file":{msgspec.json.encode(file).decode()},'
                spelled = spelled.replace(msgspec.json.encode(IMAGE), source, 1)
            line = f'{{"timestamp":{int(time() * 1000)},"iter":{step},{head}"plot":'.encode()
            self._plots.append(b"%s%s}\n" % (line, spelled))
        except (OSError, TaskstoreError) as error:
            self._failed(error)

    def media(
        self, title: str, series: str, sample: Sample, iteration: int | None, *, history: int | None = None
    ) -> bool:
        """Store a debug sample, and tell whether it is; of its series the oldest goes after more than `history`.

        None is `self.history`, 0 or less keeps all. Raises BadValue.
        """
        self.check_open()
        self._head(title, series)
        step = _plain_iteration(iteration or 0) + self.offset
        limit = checked_history(self.history if history is None else history)
        try:
            file = None if sample.url else self._samples.put(title, series, sample, step)
            replaced = self._samples.replaced_by(title, series, file.path, limit) if file else []
            event = MediaEvent(
                timestamp=int(time() * 1000),
                iter=step,
                metric=_safe(title),
                variant=_safe(series),
                media_type=sample.media_type,
                name=_safe(sample.name),
                url=_safe(sample.url),
                file=file,
                replaces=replaced,
            )
            self._media.append(msgspec.json.encode(event) + b"\n")
            self._samples.delete(replaced)
        except BadValue:  # the sample's own: it cannot be read
            raise
        except (OSError, TaskstoreError) as error:
            self._failed(error)
            return False
        return True

    def flush(self) -> None:
        """Take what was reported to the disk, so that it survives a power cut too."""
        for log in self._logs():
            try:
                log.sync()
            except OSError as error:
                self._failed(error)

    def _logs(self) -> tuple[LogWriter, ...]:
        return self._scalars, self._console, self._plots, self._media

    def close(self) -> None:
        """Sync and close the logs; a later report opens them again."""
        self._descriptor = -1
        for log in self._logs():
            try:
                log.close()
            except OSError as error:
                self._failed(error)

    def after_fork(self) -> None:
        """Give up the parent's files: a child writes its own."""
        for log in self._logs():
            log.abandon()
        self._open_logs()


def _after_fork_in_child() -> None:
    for writer in list(_writers):
        writer.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def checked_history(history: object, name: str = "max_history") -> int:
    """Return how many samples of a series are kept; `name` is the argument's. Raises BadValue."""
    if type(history) is not int:
        raise BadValue(f"{name} must be a whole number (0 or less keeps all), not {history!r}")
    return history


def _plain_number(name: str, value: object) -> float | str:
    """Return what JSON spells the number by; accepts what float() does, a tensor of one element included."""
    if value is None or isinstance(value, (str, bytes, bytearray, memoryview)):
        raise BadValue(f"{name} must be a number, not {type(value).__name__} {value!r}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # RuntimeError is torch's
        shape = getattr(value, "shape", None)
        of_shape = f" of shape {tuple(shape)}" if shape is not None else ""
        raise BadValue(f"{name} must be one number, not {type(value).__name__}{of_shape} ({error})") from None
    if math.isfinite(number):
        return number
    return f'"{number_text(number)}"'


def _plain_iteration(iteration: object) -> int:
    try:
        whole = int(iteration)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise BadValue(f"iteration must be a whole number, not {type(iteration).__name__} {iteration!r}") from None
    if whole != iteration:
        raise BadValue(f"iteration must be a whole number, not {iteration!r}")
    return int(whole)


def _safe(text: str) -> str:
    """Lone surrogates have no UTF-8: show them as Python would."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
