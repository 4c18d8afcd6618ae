"""What the captures share: where they report to, and how they hook into a library and out again.

A capture is a module of its own that knows nothing of the others or of the store. What it found it returns,
or reports to a `Sink`; what it patched it puts back. The session enters captures in one ExitStack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class Found:
    """One parameter as the program has it: the live value, and what is known of it."""

    value: object
    type: str | None = None
    description: str | None = None


class Sink(Protocol):
    """Where a capture reports to. Calls may come from any thread, never raise, and never wait for a lock."""

    def console(self, stream: Stream, text: str, *, is_whole: bool) -> None:
        """Append one console entry, without its line end; `is_whole` is false for a part of a line yet to end."""
        ...

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        """Record parameters, masked where they are secrets; return the stored texts that override them, if any."""
        ...

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        """Record the values that the program has kept, in place of stored texts that do not fit."""
        ...

    def note(self, capture: str, message: str) -> None:
        """Record in the task, and warn once, that a capture left something out or failed."""
        ...


@contextmanager
def swapped(owner: object, name: str, wrap: Callable[[object], object]) -> Iterator[None]:
    """Replace `owner.name` by `wrap(original)` within the block, and put the original back.

    Where somebody else has replaced it again in the meantime, theirs is left alone.
    """
    is_own = name in vars(owner)
    original = vars(owner)[name] if is_own else getattr(owner, name)
    replacement = wrap(original)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        current = vars(owner).get(name)
        if current is replacement:
            if is_own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)
