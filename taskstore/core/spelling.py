"""How text and numbers are spelled for people who read them in a terminal; the same on every screen of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from .clock import UTC
from .states import Status

STYLES = {
    Status.CREATED: "",
    Status.QUEUED: "yellow",
    Status.IN_PROGRESS: "cyan",
    Status.STOPPED: "magenta",
    Status.CLOSED: "green",
    Status.FAILED: "red",
    Status.COMPLETED: "green",
    Status.PUBLISHING: "blue",
    Status.PUBLISHED: "blue",
}
"""The colour of each status, by the name that rich has for it."""
_INVISIBLE = frozenset("\u200e\u200f\u061c\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
# Control sequences: colours, all other ones of their form, titles and links, and what is shorter.
_SEQUENCE = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)


def number_word(value: float) -> str:
    """Spell a number that JSON has none for, as records do."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def safe(text: str) -> str:
    """Show what a terminal would obey (escapes, bidirectional marks) or what would break a line as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else char.encode("unicode_escape").decode() for char in text)


def _is_harmless(char: str) -> bool:
    return char not in _INVISIBLE and (char.isprintable() or char in "\u200d\u3000\xa0")


def safe_lines(text: str) -> str:
    """The same for a text of several lines: line ends and tabs stay."""
    return "\n".join(
        line.replace("\t", "    ") if line.isprintable() else _tabs_kept(line) for line in text.split("\n")
    )


def _tabs_kept(line: str) -> str:
    return "    ".join(safe(part) for part in line.rstrip("\r").split("\t"))


def short_number(value: float) -> str:
    """Spell a number in up to six significant digits."""
    return f"{value:.6g}" if math.isfinite(value) else number_word(value)


def rfc3339(moment: datetime) -> str:
    """Spell a moment in UTC, without a fraction."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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


def console_pieces(text: str, *, with_colours: bool) -> Iterator[str]:
    """Split a line that a program printed into pieces to print: its colours kept or left out, nothing else obeyed."""
    end = 0
    is_coloured = False
    for found in _SEQUENCE.finditer(text):
        yield _kept(text[end : found.start()])
        end = found.end()
        if with_colours and found["colour"]:
            is_coloured = True
            yield found.group()
    yield _kept(text[end:])
    if is_coloured:
        yield "\x1b[0m"


def _kept(text: str) -> str:
    return "\t".join(safe(part) for part in text.split("\t"))
