"""Clone, edit and enqueue, in one dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...board.task import Seen
    from ..desk import Desk
    from ..frame import Frame


async def ask(desk: Desk, frame: Frame, seen: Seen) -> None:
    """Ask what the clone of a task is to be, make it, and go to its page."""
