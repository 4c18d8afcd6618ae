"""Task ids: UUIDv7 as 32 lower-case hex digits (RFC 9562, section 5.7), so a sorted listing is in order of creation."""

from __future__ import annotations

import os
import re
import threading
import time
from datetime import datetime, timezone

_ID = re.compile(r"[0-9a-f]{32}\Z")
_lock = threading.Lock()
_last_ns = 0


def new_id(now_ns: int | None = None) -> str:
    """Return a new id; ids of one process are strictly increasing, those of several in order of their clocks.

    The 48 bits of Unix milliseconds are followed by 12 bits of the millisecond's fraction (RFC 9562,
    section 6.2, method 3) and 62 random bits.
    """
    global _last_ns
    moment = time.time_ns() if now_ns is None else now_ns
    with _lock:
        # One step of the 12-bit fraction is 1e6 / 4096 ns.
        if moment < _last_ns + 245:
            moment = _last_ns + 245
        _last_ns = moment
    milliseconds, rest_ns = divmod(moment, 1_000_000)
    fraction = rest_ns * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return f"{(milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | random:032x}"


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_id(text: str) -> bool:
    """Tell whether the text has the form of a task id."""
    return _ID.match(text) is not None


def time_of(task_id: str) -> datetime:
    """Return when an id was made, to the millisecond."""
    return datetime.fromtimestamp(int(task_id[:12], 16) / 1000, tz=timezone.utc)
