"""What a task has reported, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..run.again import offset_of
from .held import Held
from .logger import Logger, logger_of


class Reading(Held):
    """Reads scalars, plots, samples and console output, and returns what reports them."""

    def get_logger(self) -> Logger:
        """Return what reports into the task."""
        return logger_of(self._task)

    @property
    def logger(self) -> Logger:
        """What reports into the task."""
        return logger_of(self._task)

    def get_last_scalar_metrics(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Return {title: {series: {last, min, max}}}."""
        return self._task.reports.last_scalars()

    def get_reported_scalars(self, max_samples: int = 0, x_axis: str = "iter") -> dict[str, dict[str, dict[str, Any]]]:
        """Return {title: {series: {name, x, y}}}; `x_axis` is iter, timestamp (ms since 1970) or iso_time."""
        return self._task.reports.axes(max_samples=max_samples, x_axis=x_axis)

    def get_all_reported_scalars(self, x_axis: str = "iter") -> dict[str, dict[str, dict[str, Any]]]:
        """Return every point, as {title: {series: {name, x, y}}}."""
        return self._task.reports.axes(x_axis=x_axis)

    def get_reported_single_values(self) -> dict[str, float]:
        """Return the results of the whole run by name."""
        return self._task.reports.single_values()

    def get_reported_single_value(self, name: str) -> float | None:
        """Return one result of the whole run; None where there is none of that name."""
        return self._task.reports.single_values().get(name)

    def get_reported_plots(self, max_iterations: int | None = None) -> list[dict[str, Any]]:  # noqa: ARG002 - all are
        """Return the plots, each a dictionary with `metric`, `variant`, `iter` and plotly's JSON as `plot_str`."""
        return self._task.reports.plot_events()

    def get_debug_samples(self, title: str, series: str, n_last_iterations: int | None = None) -> list[dict[str, Any]]:
        """Return the samples of a series, the latest last, each with `url`, `iter` and `timestamp`."""
        return self._task.reports.sample_events(title, series, last=n_last_iterations or 0)

    def get_reported_console_output(self, number_of_reports: int = 1) -> list[str]:
        """Return the last lines of console output: each line is a report."""
        return self._task.reports.console(number_of_reports)

    def get_initial_iteration(self) -> int:
        """Return what is added to each iteration of the task."""
        return offset_of(self._record())

    def set_initial_iteration(self, offset: int = 0) -> int:
        """Add this to each iteration that the process reports from now on."""
        self._task.get_logger().set_iteration_offset(offset)
        return offset

    @property
    def cache_dir(self) -> Path:
        """The store's cache, which may be deleted."""
        return self._task._store.paths.cache

    def get_offline_mode_folder(self) -> Path:
        """Return the task's folder: everything is offline."""
        return self._task.path()

    def get_output_log_web_page(self) -> str:
        """Return the address of the task's folder: there is no server."""
        return self._task.path().as_uri()

    @classmethod
    def get_task_output_log_web_page(
        cls,
        task_id: str,
        project_id: str | None = None,  # noqa: ARG003 - the id is enough
        app_server_host: str | None = None,  # noqa: ARG003 - there is none
    ) -> str:
        """Return the address of a task's folder."""
        from .held import native_of

        return native_of(task_id).path().as_uri()
