"""The tabs of a task's page, one module each; `show` of each builds its content where it is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame

Show = Callable[["Desk", "Frame", str], Awaitable[None]]
"""Builds a tab of the task with an id. It reads on a thread (`asyncio.to_thread`), and raises TaskstoreError."""


@dataclass(frozen=True)
class Tab:
    """One tab: its key is in the page's address.

    `follows` names files and folders of the task, as TaskPaths does: when one of them changes, or the task's status,
    the tab is built anew. One that follows none keeps itself up to date.
    """

    key: str
    label: str
    show: Show
    follows: tuple[str, ...] = ()


def all_tabs() -> dict[str, Tab]:
    """Return the tabs by key, in their order."""
    from . import artifacts, configuration, console, execution, history, info, plots, resources, samples, scalars

    made = [
        Tab("execution", "Execution", execution.show, ("script", "source")),
        Tab("configuration", "Configuration", configuration.show, ("params", "configuration", "config")),
        Tab("artifacts", "Artifacts", artifacts.show, ("artifacts", "models")),
        Tab("info", "Info", info.show, ("record",)),
        Tab("console", "Console", console.show),
        Tab("scalars", "Scalars", scalars.show),
        Tab("plots", "Plots", plots.show),
        Tab("samples", "Debug samples", samples.show),
        Tab("resources", "Resources", resources.show),
        Tab("history", "History", history.show, ("record",)),
    ]
    return {tab.key: tab for tab in made}
