"""Capture of plotly: a figure that is shown becomes a plot, before it is shown, since a browser may be missing.

`Figure.show` and plotly express go through `plotly.io.show`, as the attribute of that module.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from ..core.frames import leave_no_frame
from .base import Sink, contained, swapped

CAPTURE = "plotly"
SERIES = "plot"


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Hook into `plotly.io` within the block. The n-th figure of a title is its iteration n, from 0."""
    numbers, iterations = itertools.count(), dict[str, int]()

    def report(figure: object) -> None:
        with contained(sink, CAPTURE):
            title = _title(figure) or f"untitled {next(numbers):02d}"
            iterations[title] = iteration = iterations.get(title, -1) + 1
            sink.reporter.report_plotly(title, SERIES, figure, iteration)

    def around(original: Any) -> Callable[..., object]:  # noqa: ANN401 - the library's function
        @wraps(original)
        def show(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
            report(args[0] if args else kwargs.get("fig"))
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise

        return show

    with swapped(module, "show", around):
        yield


def _title(figure: Any) -> str | None:  # noqa: ANN401 - a figure of plotly's, or the dict of one
    layout = figure.get("layout") if isinstance(figure, Mapping) else getattr(figure, "layout", None)
    title = _member(layout, "title")
    text = title if isinstance(title, str) else _member(title, "text")
    return text if isinstance(text, str) and text and not text.isspace() else None


def _member(value: Any, name: str) -> Any:  # noqa: ANN401
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
