"""How a page spells what is compared."""

from __future__ import annotations

import math
from datetime import datetime

from ...board.comparing import cut
from ...core.spelling import duration
from ...sections.compare.many import Value
from ..moments import moment


def text_of(value: Value, name: str = "") -> str | None:
    """Spell a value of the line called so; None where a task has none."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str):
        return cut(value)
    return duration(value) if name == "duration" else number(value)


def number(value: float) -> str:
    """Spell a number in up to six significant digits."""
    return f"{value:.6g}" if math.isfinite(value) else str(value).replace("inf", "∞").replace("nan", "NaN")
