"""What is lost or changed when a task comes in from elsewhere, or goes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_MAX_NOTES = 50
_MAX_KINDS = 1000
"""So many different notes are remembered: what is in a file may make any number of them."""

_MAX_NOTE_CHARS = 300


@dataclass
class Notes:
    """What is lost or changed on the way in or out, each said once."""

    _counts: Counter[str] = field(default_factory=Counter)
    _unkept: int = 0

    def add(self, text: str) -> None:
        """Note something; of one that comes again the number is said."""
        shown = text.replace("\n", " ")[:_MAX_NOTE_CHARS].encode("utf-8", "backslashreplace").decode()
        if len(self._counts) < _MAX_KINDS or shown in self._counts:
            self._counts[shown] += 1
        else:
            self._unkept += 1

    def texts(self) -> list[str]:
        """Return the notes in the order in which they came, the first fifty of them."""
        found = [f"{text} ({count} times)" if count > 1 else text for text, count in self._counts.items()]
        left = len(found) - _MAX_NOTES + self._unkept
        return [*found[:_MAX_NOTES], *([f"and {left} more"] if left > 0 else [])]

    @contextmanager
    def of(self, what: str, *errors: type[Exception]) -> Iterator[None]:
        """Note an error of these kinds instead of raising it."""
        try:
            yield
        except errors as error:
            self.add(f"{what}: {getattr(error, 'why', error)}")
