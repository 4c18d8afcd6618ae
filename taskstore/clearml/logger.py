"""The Logger, by ClearML's names where they are not taskstore's own."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, SupportsFloat

from ..logger import Logger as NativeLogger
from ..plotting import Layout
from ..sections import plots
from .series_info import SeriesInfo as _SeriesInfo


class Logger(NativeLogger):
    """What reports into a task. NaN and infinities are kept as what they are, unless the program says otherwise."""

    SeriesInfo = _SeriesInfo
    _nan: ClassVar[float | None] = None
    _inf: ClassVar[float | None] = None

    def report_scalar(self, title: str, series: str, value: SupportsFloat, iteration: int) -> None:
        """Report one point of a series."""
        super().report_scalar(title, series, self._replaced(value), iteration)

    def report_single_value(self, name: str, value: SupportsFloat) -> None:
        """Report a result of the whole run."""
        super().report_single_value(name, self._replaced(value))

    def report_text(
        self,
        msg: str,
        level: int = logging.INFO,
        print_console: bool = True,
        *args: object,
        **_: object,
    ) -> None:
        """Write text to the task's console log, and to the terminal."""
        super().report_text(str(msg), level, print_console, *args)

    def report_image_and_upload(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        path: str | Path | None = None,
        matrix: object = None,
        max_image_history: int | None = None,
        delete_after_upload: bool = False,
    ) -> None:
        """Report a picture, by ClearML's earlier name."""
        self.report_image(
            title,
            series,
            iteration,
            local_path=path,
            matrix=matrix,
            max_image_history=max_image_history,
            delete_after_upload=delete_after_upload,
        )

    def report_line_plot(
        self,
        title: str,
        series: object,
        xaxis: str | None,
        yaxis: str | None,
        mode: str = "lines",
        iteration: int | None = None,
        reverse_xaxis: bool = False,
        comment: str | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report several series in one plot; the plot's own series has no name, also where there is one line."""
        figure = plots.line_plot(
            title,
            series,
            xaxis=xaxis,
            yaxis=yaxis,
            mode=mode,
            reverse_xaxis=reverse_xaxis,
            comment=comment,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, "", figure, iteration)

    def report_table(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        table_plot: object = None,
        csv: str | Path | None = None,
        url: str | None = None,
        extra_layout: Layout | None = None,
        extra_data: Layout | None = None,
    ) -> None:
        """Report a table; one at an address is fetched into the store's cache. Raises NotFound, RemoteError."""
        file = csv if url is None else _fetched(url)
        super().report_table(
            title, series, iteration, table_plot, file, extra_layout=extra_layout, extra_data=extra_data
        )

    @classmethod
    def _replaced(cls, value: SupportsFloat) -> SupportsFloat:
        if cls._nan is None and cls._inf is None:
            return value
        number = float(value)
        if math.isnan(number) and cls._nan is not None:
            return cls._nan
        return cls._inf if math.isinf(number) and cls._inf is not None else value

    @classmethod
    def set_reporting_nan_value(cls, value: float, warn_period: int = 1000) -> None:  # noqa: ARG003 - nothing is warned of
        """Report this instead of NaN, which is kept as it is otherwise."""
        cls._nan = value

    @classmethod
    def set_reporting_inf_value(cls, value: float, warn_period: int = 1000) -> None:  # noqa: ARG003 - nothing is warned of
        """Report this instead of infinities, which are kept as they are otherwise."""
        cls._inf = value

    @contextlib.contextmanager
    def capture_logging(self) -> Iterator[logging.Handler]:
        """Report, within the block, what the logging of the standard library is told."""
        handler = _Handler(self)
        logging.getLogger().addHandler(handler)
        try:
            yield handler
        finally:
            logging.getLogger().removeHandler(handler)

    def get_flush_period(self) -> float:
        """Return 0: each report is written at once."""
        return 0.0

    def set_flush_period(self, period: float) -> None:
        """Change nothing: each report is written at once."""

    def set_default_upload_destination(self, uri: str) -> None:
        """Change nothing but what is returned: debug samples are files of the task."""
        self._destination = uri

    def get_default_upload_destination(self) -> str:
        """Return what was set, or nothing."""
        return getattr(self, "_destination", "")

    @classmethod
    def matplotlib_force_report_non_interactive(cls, force: bool) -> None:
        """Change nothing: figures are kept as pictures."""

    @classmethod
    def tensorboard_auto_group_scalars(cls, group_scalars: bool = False) -> None:
        """Change nothing: a page may group series as it likes."""

    @classmethod
    def tensorboard_single_series_per_graph(cls, single_series: bool = False) -> None:
        """Change nothing: a page may group series as it likes."""


class _Handler(logging.Handler):
    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Report one record, as the standard library has worded it."""
        self._logger.report_text(self.format(record), record.levelno, False)


def logger_of(task: Any) -> Logger:  # noqa: ANN401 - taskstore's own task
    """Return ours of a task. Raises ReadOnly where it has ended."""
    return Logger(task.get_logger()._writer)


def _fetched(url: str) -> Path:
    """Return a local copy of what is at an address. Raises NotFound, RemoteError."""
    from .. import storage  # most runs fetch nothing

    return storage.get_local_copy(url, extract_archive=False)
