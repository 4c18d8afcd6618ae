"""Following tasks that run: what has changed is read again, and the tab that is shown brings itself up to date."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import comparing
from ...core.errors import TaskstoreError
from ...core.states import Status

if TYPE_CHECKING:
    from .view import View

_LOOK_S = 1.0
_SHARE = 0.1
"""Of a processor's time, for following what runs, for each page that is open."""


def follow(view: View) -> None:
    """Look once a second, which costs a comparison of two numbers while nothing changes."""
    seen = view.desk.listing.version
    sizes: dict[str, object] = {}
    is_busy = False
    next_at = 0.0

    async def look() -> None:
        nonlocal seen, is_busy, next_at
        began = time.monotonic()
        if is_busy or began < next_at:
            return
        is_busy = True
        try:
            version, grown = view.desk.listing.version, _grown(view, sizes)
            changed: list[str] = []
            if version != seen:
                seen = version
                rows = comparing.listed(view.desk.listing.rows)
                changed = view.comparison.changed(rows)
                await asyncio.to_thread(view.comparison.refresh, changed, rows)
            if changed or grown:
                await _update(view, [*changed, *grown])
        finally:
            now = time.monotonic()
            is_busy, next_at = False, now + (now - began) / _SHARE

    ui.timer(_LOOK_S, look)


def _grown(view: View, sizes: dict[str, object]) -> list[str]:
    """Return the running tasks of which the shown tab has something new, that no listing tells of."""
    if view.watched is None:
        sizes.clear()
        return []
    found = []
    for row in view.comparison.ordered_rows():
        if row.task.status is Status.IN_PROGRESS:
            now = view.watched(row.paths)
            if sizes.setdefault(row.id, now) != now:
                found.append(row.id)
            sizes[row.id] = now
    return found


async def _update(view: View, changed: list[str]) -> None:
    if view.update is not None:
        try:
            await view.update(changed)
        except TaskstoreError as error:
            view.frame.feedback.fail(error)
