"""The tabs of the page, by the key that the address has, in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from . import details, importance, parallel, scalars, scatter, source, steps, values
from .view import View


@dataclass(frozen=True)
class Tab:
    """One tab: `show` builds its content where it is called, and may raise TaskstoreError."""

    label: str
    show: Callable[[View], Awaitable[None]]


TABS = {
    "details": Tab("Details", details.show),
    "source": Tab("Source", source.show),
    "scalars": Tab("Scalars", scalars.show),
    "values": Tab("Values", values.show),
    "plots": Tab("Plots", steps.show_plots),
    "samples": Tab("Debug samples", steps.show_samples),
    "parallel": Tab("Parallel coordinates", parallel.show),
    "scatter": Tab("Scatter", scatter.show),
    "importance": Tab("Importance", importance.show),
}
