"""What a task has reported, read back: `task.reports`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .core import checks
from .core.clock import UTC
from .core.errors import BadValue, NotFound, Refused
from .disk import mounts
from .disk.layout import TaskPaths
from .schema.record import LastMetric
from .sections.reports import SINGLE_VALUE_METRIC
from .store import events, plots
from .store.plots import DebugSample, Plot


class Reports:
    """Reads what a task has reported, while it runs too. Each call reads the logs anew, without a lock.

    `title` and `series` pick some of it, by their exact names. All may raise Damaged where a log cannot be read.
    """

    def __init__(self, paths: Callable[[], TaskPaths]) -> None:
        self._paths = paths

    def scalars(
        self, title: str | None = None, series: str | None = None, *, max_samples: int = 0, method: str = "lttb"
    ) -> dict[str, dict[str, events.Series]]:
        """Return the points of every series, by title and series, in the order reported.

        With `max_samples` at most so many of each, in order of iteration: those that span the largest triangles
        ("lttb"), or the least and greatest of each stretch ("minmax"). Single values are among them, titled Summary.
        """
        checks.texts(title=title, series=series)
        checks.numbers(max_samples=max_samples)
        found: dict[str, dict[str, events.Series]] = {}
        for one in events.read_scalars(self._paths(), title, series):
            found.setdefault(one.metric, {})[one.variant] = events.downsampled(one, max_samples, method)
        return found

    def last_scalars(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Return `last`, `min` and `max` of every series, by title and series; None where there was only NaN."""
        summary = events.read_summary(self._paths()).last_metrics
        return {
            title: {series: _last_of(metric) for series, metric in variants.items()}
            for title, variants in summary.items()
        }

    def single_values(self) -> dict[str, float]:
        """Return the values of the whole run, by name."""
        found = events.read_summary(self._paths()).last_metrics.get(SINGLE_VALUE_METRIC, {})
        return {name: float(metric.value) for name, metric in found.items()}

    def single_value(self, name: str) -> float:
        """Return one value of the whole run. Raises NotFound."""
        found = self.single_values()
        if name not in found:
            raise NotFound("single value", name, f"there are: {', '.join(found) or 'none'}")
        return found[name]

    def plots(self, title: str | None = None, series: str | None = None) -> list[Plot]:
        """Return plots in order of time; `figure` of each is plotly JSON, `image` the file of one that is a picture."""
        checks.texts(title=title, series=series)
        found = plots.read_plots(self._paths(), title, series)
        for one in found:
            if one.image is not None:
                mounts.bring(one.image)
        return found

    def debug_samples(self, title: str | None = None, series: str | None = None) -> list[DebugSample]:
        """Return the debug samples that are kept, in order of time."""
        checks.texts(title=title, series=series)
        found = plots.read_samples(self._paths(), title, series)
        for one in found:
            if one.path is not None:
                mounts.bring(one.path)
        return found

    def last_iteration(self) -> int | None:
        """Return the highest iteration that was reported, of scalars, plots and samples; None where there is none."""
        paths = self._paths()
        found = [events.read_summary(paths).last_iteration, plots.last_iteration(paths)]
        return max((one for one in found if one is not None), default=None)

    def axes(self, *, max_samples: int = 0, x_axis: str = "iter") -> dict[str, dict[str, dict[str, Any]]]:
        """Return every series as what is drawn of it: {title: {series: {name, x, y}}}.

        `x_axis` is iter, timestamp (ms since 1970) or iso_time. Raises BadValue for another.
        """
        reader = _AXES.get(x_axis)
        if reader is None:
            raise BadValue(f"x_axis is {x_axis!r}; it is one of {', '.join(_AXES)}")
        found = self.scalars(max_samples=max_samples)
        return {
            title: {name: {"name": name, "x": reader(one), "y": list(one.values)} for name, one in variants.items()}
            for title, variants in found.items()
        }

    def plot_events(self) -> list[dict[str, Any]]:
        """Return the plots as ClearML's API has them: metric, variant, iter, timestamp, plotly JSON as `plot_str`."""
        return [
            {
                "metric": one.title,
                "variant": one.series,
                "iter": one.iteration,
                "timestamp": one.timestamp,
                "type": "plot",
                "plot_str": json.dumps(one.figure),
            }
            for one in self.plots()
        ]

    def sample_events(self, title: str, series: str, *, last: int = 0) -> list[dict[str, Any]]:
        """Return debug samples as ClearML's API has them; with `last` only those of so many iterations from the end."""
        checks.numbers(last=last)
        found = self.debug_samples(title, series)
        kept = set(sorted({one.iteration for one in found})[-last:] if last > 0 else {one.iteration for one in found})
        return [
            {
                "metric": one.title,
                "variant": one.series,
                "iter": one.iteration,
                "timestamp": one.timestamp,
                "url": one.url or (one.path.as_uri() if one.path is not None else ""),
            }
            for one in found
            if one.iteration in kept
        ]

    def console(self, last: int = 0) -> list[str]:
        """Return the lines of console output in order of time; with `last` only so many from the end."""
        checks.numbers(last=last)
        lines = [line.text for line in events.read_console(self._paths())]
        return lines[-last:] if last > 0 else lines

    def to_frame(
        self, title: str | None = None, series: str | None = None, *, max_samples: int = 0, method: str = "lttb"
    ) -> Any:  # noqa: ANN401 - a DataFrame of a library that need not be there
        """Return scalars as a DataFrame: title, series, iteration, value, time, a row a point.

        Raises Refused where pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise Refused(
                "pandas is not installed; `scalars` returns plain lists, `pip install pandas` is it"
            ) from None
        found = self.scalars(title, series, max_samples=max_samples, method=method)
        all_series = [one for variants in found.values() for one in variants.values()]
        frame = pandas.DataFrame(
            {
                "title": [one.metric for one in all_series for _ in one.values],
                "series": [one.variant for one in all_series for _ in one.values],
                "iteration": [step for one in all_series for step in one.iterations],
                "value": [value for one in all_series for value in one.values],
                "time": pandas.to_datetime([ms for one in all_series for ms in one.timestamps], unit="ms", utc=True),
            }
        )
        # Of no rows pandas makes numbers of it all.
        return frame if len(frame) else frame.astype({"title": "str", "series": "str", "iteration": "int64"})


def _iso(one: events.Series) -> list[str]:
    return [datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in one.timestamps]


_AXES: dict[str, Callable[[events.Series], list[Any]]] = {
    "iter": lambda one: list(one.iterations),
    "timestamp": lambda one: list(one.timestamps),
    "iso_time": _iso,
}


def _last_of(metric: LastMetric) -> dict[str, float | None]:
    values = {"last": metric.value, "min": metric.min_value, "max": metric.max_value}
    return {name: None if value is None else float(value) for name, value in values.items()}
