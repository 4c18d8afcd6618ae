"""Forking: no thread of ours runs while the process forks, so that no child inherits a lock that one of them holds.

From Python 3.12 on a fork of a process with threads also warns. At the fork itself there is none of ours, but the
system may still count the one that has just ended, and some versions count when it has been started again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Protocol

from ..core.warned import hide


class Pausable(Protocol):
    """What stops its threads before a fork and starts them again after it."""

    def pause(self) -> None:
        """Stop the threads."""
        ...

    def resume(self, *soon: Callable[[], None]) -> None:
        """Start them again, in the parent; `soon` is to be called when the fork is over, and before the next one."""
        ...


_following: Callable[[], Pausable | None] | None = None


def follow(current: Callable[[], Pausable | None]) -> None:
    """Pause what `current` returns at each fork from now on.

    To be called when the libraries that our threads use have been imported: hooks run last registered first, and a
    library's own (filelock's) must not hold a lock yet when we wait for a thread that wants it.
    """
    global _following
    if _following is None and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
    _following = current


_hidden: list[Callable[[], None]] = []


def _before() -> None:
    target = _following() if _following is not None else None
    if target is not None:
        target.pause()
        if threading.active_count() == 1:  # else the program has threads of its own to be warned of
            _hidden.append(warning_hidden())


def _after() -> None:
    target = _following() if _following is not None else None
    if target is not None:
        target.resume(*_hidden)
        _hidden.clear()
    _after_in_child()


def _after_in_child() -> None:
    for undo in _hidden:
        undo()
    _hidden.clear()


def warning_hidden() -> Callable[[], None]:
    """Hide Python's warning of a fork with threads, until the returned function is called."""
    return hide(DeprecationWarning, message=r"This process \(pid=\d+\) is multi-threaded")
