"""Each change of a task's status: when, why, and who did it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from ...core.spelling import duration
from ...schema.record import MAX_HISTORY
from ...store import places, query
from ..task import head, parts

if TYPE_CHECKING:
    from ...core.states import Status
    from ..desk import Desk
    from ..frame import Frame


async def show(desk: Desk, frame: Frame, task_id: str) -> None:  # noqa: ARG001 - all tabs are given it
    """Show a task's history, the newest change first."""
    row = await asyncio.to_thread(lambda: query.row_of(desk.store, places.locate(desk.store, task_id)))
    changes = row.task.history

    def shown(status: Status) -> Callable[[], object]:
        return lambda: head.status(status)

    rows = []
    for number, change in enumerate(changes):
        after = changes[number + 1].time if number + 1 < len(changes) else None
        lasted = duration(max(0.0, (after - change.time).total_seconds())) if after is not None else ""
        cells = (parts.moment(change.time), shown(change.status), change.reason, change.message, change.who, lasted)
        rows.append(cells)
    parts.heading("History", note="the newest first")
    parts.table(["Time", "Status", "Reason", "Message", "By", "For"], reversed(rows), label="History", name="history")
    if len(changes) >= MAX_HISTORY:
        ui.label(f"The first change and the last {MAX_HISTORY - 1} are kept.").classes("tk-quiet")
