"""Plots as a program reports them: ClearML's names and order of arguments over the builders of `sections.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .core.errors import BadValue
from .sections import media, plots
from .sections.reports import IMAGE, Writer

Texts = Sequence[str]
Layout = Mapping[str, Any]


class PlotReports:
    """The part of a Logger that reports plots: one event of plotly JSON a call."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def report_vector(
        self,
        title: str,
        series: str,
        values: object,
        iteration: int | None = None,
        labels: Texts | None = None,
        xlabels: Texts | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        mode: str | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report one vector, of shape (n,), or several, of shape (rows, n), as bars; `labels` names the rows."""
        figure = plots.vector(
            title,
            series,
            values,
            labels=labels,
            xlabels=xlabels,
            xaxis=xaxis,
            yaxis=yaxis,
            mode=mode,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

    def report_histogram(
        self,
        title: str,
        series: str,
        values: object,
        iteration: int | None = None,
        labels: Texts | None = None,
        xlabels: Texts | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        mode: str | None = None,
        data_args: Layout | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report bars whose heights are `values`, of shape (bars,) or (groups, bars); nothing is counted here.

        `labels` names the groups, `xlabels` the bars; `mode` is group, stack, relative or overlay; `data_args` is
        added to every trace.
        """
        figure = plots.histogram(
            title,
            series,
            values,
            labels=labels,
            xlabels=xlabels,
            xaxis=xaxis,
            yaxis=yaxis,
            mode=mode,
            data_args=data_args,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

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
        """Report several series in one plot.

        `series` is a list of what has `name`, `data` of shape (n, 2) or (n,), and maybe `labels`, as keys or
        attributes; or a dict of data by name.
        """
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
        self._writer.plot(title, plots.name_of(series), figure, iteration)

    def report_scatter2d(
        self,
        title: str,
        series: str,
        scatter: object,
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        labels: Texts | None = None,
        mode: str = "lines",
        comment: str | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report points of shape (n, 2); `mode` is lines, markers or lines+markers, `labels` has a text for each."""
        figure = plots.scatter2d(
            title,
            series,
            scatter,
            xaxis=xaxis,
            yaxis=yaxis,
            labels=labels,
            mode=mode,
            comment=comment,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

    def report_scatter3d(
        self,
        title: str,
        series: str,
        scatter: object,
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        zaxis: str | None = None,
        labels: Sequence[Any] | None = None,
        mode: str = "markers",
        fill: bool = False,
        comment: str | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report points of shape (n, 3), or a list of such; `labels` has a text for each (a list for each list)."""
        figure = plots.scatter3d(
            title,
            series,
            scatter,
            xaxis=xaxis,
            yaxis=yaxis,
            zaxis=zaxis,
            labels=labels,
            mode=mode,
            fill=fill,
            comment=comment,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

    def report_confusion_matrix(
        self,
        title: str,
        series: str,
        matrix: object,
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        xlabels: Texts | None = None,
        ylabels: Texts | None = None,
        yaxis_reversed: bool = False,
        comment: str | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report a matrix of shape (rows, columns) as a heat map, its first row at the bottom unless reversed."""
        figure = plots.confusion_matrix(
            title,
            series,
            matrix,
            xaxis=xaxis,
            yaxis=yaxis,
            xlabels=xlabels,
            ylabels=ylabels,
            yaxis_reversed=yaxis_reversed,
            comment=comment,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

    def report_matrix(
        self,
        title: str,
        series: str,
        matrix: object,
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        xlabels: Texts | None = None,
        ylabels: Texts | None = None,
        yaxis_reversed: bool = False,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report a matrix as `report_confusion_matrix` does."""
        figure = plots.matrix(
            title,
            series,
            matrix,
            xaxis=xaxis,
            yaxis=yaxis,
            xlabels=xlabels,
            ylabels=ylabels,
            yaxis_reversed=yaxis_reversed,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

    def report_surface(
        self,
        title: str,
        series: str,
        matrix: object,
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        zaxis: str | None = None,
        xlabels: Texts | None = None,
        ylabels: Texts | None = None,
        camera: Sequence[float] | None = None,
        comment: str | None = None,
        extra_layout: Layout | None = None,
    ) -> None:
        """Report a matrix of shape (rows, columns) as heights; `camera` is where the eye is: x, y and z."""
        figure = plots.surface(
            title,
            series,
            matrix,
            xaxis=xaxis,
            yaxis=yaxis,
            zaxis=zaxis,
            xlabels=xlabels,
            ylabels=ylabels,
            camera=camera,
            comment=comment,
            extra_layout=extra_layout,
        )
        self._writer.plot(title, series, figure, iteration)

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
        """Report a table: a DataFrame, a list of rows with the header first, a list of dicts, or a CSV file's path.

        `extra_data` is added to plotly's trace. Raises BadValue for a `url`: nothing is fetched here.
        """
        if url is not None:
            raise BadValue("url is not fetched; fetch the table yourself, and give its file as csv")
        figure = plots.table(title, table_plot, csv=csv, extra_layout=extra_layout, extra_data=extra_data)
        self._writer.plot(title, series, figure, iteration)

    def report_plotly(self, title: str, series: str, figure: object, iteration: int | None = None) -> None:
        """Report a plotly figure as it is: an object of plotly's, a dict with `data` and `layout`, or its JSON."""
        self._writer.plot(title, series, plots.of_plotly(figure), iteration)

    def report_matplotlib_figure(
        self,
        title: str,
        series: str,
        figure: object,
        iteration: int | None = None,
        report_image: bool = False,
        report_interactive: bool = True,
    ) -> None:
        """Report a matplotlib figure (pyplot stands for its current one) as a plot that is a picture.

        With `report_image` it is a debug sample instead. A picture is all that is kept: `report_interactive` changes
        nothing.
        """
        picture = plots.of_matplotlib(figure)
        sample = media.Sample(".png", "image/png", "", [picture])
        if report_image:
            self._writer.media(title, series, sample, iteration)
        else:
            self._writer.plot(title, series, plots.of_png(title, IMAGE, picture), iteration, sample)
