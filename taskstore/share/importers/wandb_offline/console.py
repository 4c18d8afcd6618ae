"""What a program printed, which W&B keeps in the pieces in which it was written."""

from __future__ import annotations

from typing import Literal

from ...foreign.logs import Logs

_MAX_PENDING = 1 << 20

Stream = Literal["stdout", "stderr"]


class Console:
    """Puts lines together; of one that was drawn over by carriage returns, the last state."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._pending: dict[Stream, str] = {}
        self.is_used = False

    def take(self, stream: Stream, text: str, at: float) -> None:
        """Take a piece of output, written at that time in seconds since 1970."""
        self.is_used = True
        self._logs.at = at
        *whole, rest = (self._pending.pop(stream, "") + text).split("\n")
        for line in whole:
            self._logs.console(stream, _shown(line))
        if rest:
            self._pending[stream] = rest if len(rest) <= _MAX_PENDING else _shown(rest)[-_MAX_PENDING:]

    def finish(self) -> None:
        """Write what ends without a line end."""
        for stream, rest in self._pending.items():
            self._logs.console(stream, _shown(rest))
        self._pending.clear()


def _shown(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
