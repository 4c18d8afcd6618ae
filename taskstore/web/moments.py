"""Times as a page shows them."""

from __future__ import annotations

from datetime import datetime


def moment(time: datetime | None) -> str:
    """Spell a time in the zone of the machine that serves the page; empty for None."""
    return "" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
