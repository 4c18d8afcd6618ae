"""What a run logged, row after row, and its summary as far as that says more."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from ....core.errors import BadValue
from ...foreign.logs import NO_ITERATION, SINGLE_VALUES, Logs
from ..base import Notes
from . import values
from .media import Media

_INTERNAL = "_"


class History:
    """Reports rows. A metric that was defined with another one as its step has that one's values for iterations."""

    def __init__(self, logs: Logs, media: Media, notes: Notes) -> None:
        self._logs = logs
        self._media = media
        self._notes = notes
        self._steps: dict[str, str] = {}
        self._globs: dict[str, str] = {}
        self._names: list[str] = []
        self._last: dict[str, float] = {}
        self._waiting: dict[str, Any] = {}
        self._said: dict[str, float] = {}

    def define(self, metric: Any) -> None:  # noqa: ANN401 - a Metric
        """Take the definition of a metric, or of all whose names are like its own."""
        at = metric.step_metric_index - 1
        step = metric.step_metric or (self._names[at] if 0 <= at < len(self._names) else "")
        self._names.append(metric.name)
        if step and metric.name:
            self._steps[metric.name] = step
        elif step and metric.glob_name:
            self._globs[metric.glob_name] = step

    def take(self, history: Any) -> None:  # noqa: ANN401 - a History
        """Report a row."""
        row: dict[str, Any] = {}
        values.update(row, history.item)
        at = values.number(row.get("_timestamp"))
        if at is not None:
            self._logs.at = at
        own = row.get("_step")
        step = own if type(own) is int else history.step.num
        flat = values.leaves({key: value for key, value in row.items() if not key.startswith(_INTERNAL)})
        plain = dict(flat)
        for name, value in flat:
            with self._notes.of(f"{name} was left out", BadValue):
                self._report(name, value, self._iteration(name, plain, step))

    def _iteration(self, name: str, row: dict[str, Any], step: int) -> int:
        by = self._steps.get(name) or next((to for glob, to in self._globs.items() if fnmatchcase(name, glob)), "")
        if not by or by == name or by == "_step":
            return step
        found = values.number(row.get(by))
        if found is None or not found.is_integer():
            self._notes.add(f"{name}: where {by}, its step, is no whole number, W&B's own step stands for it")
            return step
        return int(found)

    def _report(self, name: str, value: Any, step: int) -> None:  # noqa: ANN401 - whatever JSON has
        found = values.number(value)
        if found is not None:
            self._last[name] = found
            self._logs.report_scalar(*values.split(name), found, step)
        elif isinstance(value, dict):
            self._media.report(name, value, step)
        elif value is not None:
            self._notes.add(
                f"{name} was left out: it is no number but {'a text' if isinstance(value, str) else 'a list'}"
            )

    def summarise(self, summary: Any) -> None:  # noqa: ANN401 - a Summary
        """Take a change of the summary. W&B makes one before each row, of the row's own values."""
        values.update(self._waiting, summary.update)

    def settle(self) -> None:
        """Report what the summary says that is not merely the last value of a series."""
        for name, value in values.leaves(self._waiting):
            found = values.number(value)
            if name.startswith(_INTERNAL) or found is None:
                continue
            is_known = repr(found) in (
                repr(self._last.get(name)),
                repr(self._said.get(name)),
            )  # NaN is not equal to NaN
            if not is_known:
                self._said[name] = found
                self._logs.report_scalar(SINGLE_VALUES, name, found, NO_ITERATION)
        self._waiting = {}
