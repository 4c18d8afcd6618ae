"""The tabs of a task's page, one module each; `show` of each builds its content where it is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import console, plots, resources, samples, scalars

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame

Show = Callable[["Desk", "Frame", str], Awaitable[None]]
"""Builds a tab of the task with an id. It reads on a thread (`asyncio.to_thread`), and raises TaskstoreError."""


@dataclass(frozen=True)
class Tab:
    """One tab: its key is in the page's address."""

    key: str
    label: str
    show: Show


def all_tabs() -> dict[str, Tab]:
    """Return the tabs by key, in their order."""
    made = [
        Tab("console", "Console", console.show),
        Tab("scalars", "Scalars", scalars.show),
        Tab("plots", "Plots", plots.show),
        Tab("samples", "Debug samples", samples.show),
        Tab("resources", "Resources", resources.show),
    ]
    return {tab.key: tab for tab in made}
