from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..desk import Desk
    from ..frame import Frame


async def show(desk: Desk, frame: Frame, task_id: str) -> None:
    """Show it."""
