"""What the machine did while a task ran: processors, memory, disks, network and GPUs, over the time of day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...schema.record import MONITOR
from .. import charts
from ..frame import empty
from .panel import Key, Panel, View

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Build the tab."""
    charts.style()
    panel = Panel(desk, frame, task_id, grouped)
    panel.view = View(x="wall")
    await panel.start()
    if not grouped(panel.keys):
        empty("No measurements of the machine: none were taken, or the task was too short for one.")


def grouped(keys: Sequence[Key]) -> list[tuple[str, list[Key]]]:
    """Return a chart for each quantity: they have units of their own."""
    return [
        (f"{metric.removeprefix(MONITOR)}: {variant.replace('_', ' ')}", [(metric, variant)])
        for metric, variant in keys
        if metric.startswith(MONITOR)
    ]
