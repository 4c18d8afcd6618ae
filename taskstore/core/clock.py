"""Time, injectable: what reads a clock takes one, and tests hand in a `FixedClock`."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Protocol

from .errors import BadValue

UTC = timezone.utc


class Clock(Protocol):
    """What code here asks of a clock."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never runs backwards."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never runs backwards."""
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is told to `advance`."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both times on."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


SYSTEM = SystemClock()
_FRACTION = re.compile(r"\.([0-9]+)")


def to_text(moment: datetime) -> str:
    """Spell a moment as RFC 3339 in UTC with microseconds, so that texts sort as times do."""
    if moment.tzinfo is None:
        raise BadValue(f"{moment!r} has no time zone; times here are aware, for example datetime.now(timezone.utc)")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Read an RFC 3339 moment; `Z` and numeric offsets both do. Raises BadValue naming the text."""
    try:
        # Before 3.11, fromisoformat takes 3 or 6 digits of a fraction only, and no Z.
        plain = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text, count=1)
        moment = datetime.fromisoformat(plain[:-1] + "+00:00" if plain.endswith(("Z", "z")) else plain)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"{text!r} is not a time; write it like 2026-01-31T12:00:00Z") from None
    raise BadValue(f"{text!r} has no time zone; write it like 2026-01-31T12:00:00Z")
