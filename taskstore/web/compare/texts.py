"""How a page spells what is compared."""

from __future__ import annotations

import math
from datetime import datetime

from ...board.comparing import cut
from ...sections.compare.many import Value


def text_of(value: Value, name: str = "") -> str | None:
    """Spell a value of the line called so; None where a task has none."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, str):
        return cut(value)
    return duration(value) if name == "duration" else number(value)


def number(value: float) -> str:
    """Spell a number in up to six significant digits."""
    return f"{value:.6g}" if math.isfinite(value) else str(value).replace("inf", "∞").replace("nan", "NaN")


def duration(seconds: float) -> str:
    """Spell a length of time in its two greatest units."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
