"""Times and lengths of time and sizes, as a page shows them."""

from __future__ import annotations

from datetime import datetime

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def moment(time: datetime | None) -> str:
    """Spell a time in the zone of the machine that serves the page; empty for None."""
    return "" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def length(seconds: float | None) -> str:
    """Spell a length of time by its two greatest units; empty for None."""
    if seconds is None:
        return ""
    rest = max(0, round(seconds))
    parts = []
    for unit, size in _UNITS:
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2]) or "0 s"


def since(time: datetime | None, now: datetime) -> str:
    """Spell how long ago a time is; empty for None."""
    return "" if time is None else f"{length((now - time).total_seconds())} ago"


def size(count: int | None) -> str:
    """Spell a number of bytes; empty for None."""
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_SIZES[unit]}"
