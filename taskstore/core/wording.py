"""How lengths of time, sizes and numbers of things are spelled for people, in a terminal and on the page."""

from __future__ import annotations

from datetime import datetime, timedelta

_INVISIBLE = frozenset("\u200e\u200f\u061c\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def safe(text: str) -> str:
    """Show what a screen would obey (escapes, bidirectional marks) or what would break a line as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else char.encode("unicode_escape").decode() for char in text)


def _is_harmless(char: str) -> bool:
    return char not in _INVISIBLE and (char.isprintable() or char in "\u200d\u3000\xa0")


def ago(moment: datetime, now: datetime) -> str:
    """Spell how long ago a moment was: `3 min ago`; after four weeks its date."""
    seconds = (now - moment).total_seconds()
    if seconds < -60:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M")
    for limit, unit, name in _AGES:
        if seconds < limit:
            return "just now" if unit == 0 else f"{int(seconds // unit)} {name} ago"
    return moment.astimezone().strftime("%Y-%m-%d")


_AGES = ((10, 0, ""), (60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (28 * 86400, 86400, "d"))


def duration(seconds: float) -> str:
    """Spell a length of time in its two greatest units: `1 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{int(seconds)} s"
    whole = timedelta(seconds=int(seconds))
    minutes, rest = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if whole.days:
        return f"{whole.days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(count_bytes: int) -> str:
    """Spell a number of bytes in binary units."""
    value = float(count_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def count(number: int, noun: str, plural: str = "") -> str:
    """Spell a number of things: `1 task`, `2 tasks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
