"""The signals that ask a program to end: the run hears of them first, and the program does not notice.

A signal that the program leaves to the system is taken, told of, and then ends the process as the system would have.
A program (or a library, as Lightning does) that asks who handles it is told that nobody does, may put a handler of its
own there, and may put back what was there before.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

from ..capture.base import swapped

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
_SAME_REQUEST_S = 1.0
"""Who asks a process to end often asks its group as well (timeout(1) does): what comes so soon is no second request."""


class Signals:
    """Hears of the signals that end this process; `heard` gets the number, and afterwards the process dies of it."""

    def __init__(self, heard: Callable[[int], None]) -> None:
        self._heard = heard
        self._pid = os.getpid()
        self._is_active = False
        self._busy = 0
        self._pending: int | None = None
        self._first_at: float | None = None
        self._set = signal.signal
        self._get = signal.getsignal

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Take, within the block, the signals that nobody handles; does nothing off the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._set, self._get = signal.signal, signal.getsignal
        with contextlib.ExitStack() as stack:
            stack.callback(self._give_back)
            stack.enter_context(swapped(signal, "signal", self._wrap_signal))
            stack.enter_context(swapped(signal, "getsignal", self._wrap_getsignal))
            self._is_active = True
            _taking.append(self)
            for number in SIGNALS:
                if self._get(number) is signal.SIG_DFL:
                    self._set(number, self._handle)
            yield

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """Hold back a signal's effect while the main thread holds a lock that finishing needs too."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy and self._pending is not None:
                number, self._pending = self._pending, None
                self._end(number)

    def _wrap_signal(self, original: object) -> object:
        call = cast(Callable[[int, Any], Any], original)

        @functools.wraps(call)
        def set_handler(signalnum: int, handler: Any) -> Any:  # noqa: ANN401 - signal.signal's own
            if self._is_active and signalnum in SIGNALS and handler == signal.SIG_DFL:
                handler = self._handle
            return self._shown(call(signalnum, handler))

        return set_handler

    def _wrap_getsignal(self, original: object) -> object:
        call = cast(Callable[[int], Any], original)

        @functools.wraps(call)
        def get_handler(signalnum: int) -> Any:  # noqa: ANN401 - signal.getsignal's own
            return self._shown(call(signalnum))

        return get_handler

    def _shown(self, handler: object) -> object:
        return signal.SIG_DFL if handler == self._handle else handler

    def _give_back(self) -> None:
        self._is_active = False
        if self in _taking:
            _taking.remove(self)
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if self._get(number) == self._handle:
                self._set(number, signal.SIG_DFL)

    def leave_to_system(self) -> None:
        """Take nothing in a forked child: stuck in C code, it must die at once of a signal as it would have."""
        if self._is_active:
            self._give_back()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
            if self._busy:
                self._pending = number
            else:
                self._end(number)
        elif now - self._first_at >= _SAME_REQUEST_S:
            self._die(number)  # somebody has lost patience

    def _end(self, number: int) -> None:
        if os.getpid() == self._pid:
            self._heard(number)
        self._die(number)

    def _die(self, number: int) -> None:
        self._set(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


_taking: list[Signals] = []
_masks: dict[int, set[int | signal.Signals]] = {}


def _before_fork() -> None:
    """Let no signal come between: a child drops those that it has got, and not yet handled, when it begins."""
    if _taking:
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after_fork() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    for signals in list(_taking):
        signals.leave_to_system()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
