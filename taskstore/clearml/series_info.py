"""One series of a plot that has several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class SeriesInfo:
    """A name and its data, for `Logger.report_line_plot`."""

    name: str
    data: object
    labels: Sequence[str] | None = field(default=None)
