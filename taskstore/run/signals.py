"""The signals that ask a program to end: it dies of them as without us, and leaves a mark of which it was.

A signal that the program leaves to the system ends it at once, wherever it is: in a sleep, in a computation in C that
lets no Python run, in a lock. No handler in Python can promise that. So the mark is left by `faulthandler`, a handler
in C: it writes where the program was into the run's beacon, hands the signal on to the system, and needs neither the
interpreter nor any lock. What a run has reported is with the kernel by then; who looks next at the task writes its
state down (`store.liveness`).

A program (or a library, as Lightning does) that asks who handles the signal is told the truth: nobody does. It may put
a handler of its own there, which then decides alone, and may put back what was there before.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from ..capture.base import swapped
from ..core.frames import leave_no_frame
from ..disk.beacon import MARKED_SIGNALS, open_mark

SIGNALS = tuple(signal.Signals[name] for name in MARKED_SIGNALS) if hasattr(faulthandler, "register") else ()


class Signals:
    """Leaves a mark in a beacon when one of `SIGNALS` ends this process, and only then."""

    def __init__(self, beacon: Path) -> None:
        self._beacon = beacon
        self._marks: dict[int, int] = {}
        self._armed: set[int] = set()

    @contextlib.contextmanager
    def marked(self) -> Iterator[None]:
        """Within the block, have a mark left by each signal that nobody handles. Raises OSError."""
        with contextlib.ExitStack() as stack:
            for number in SIGNALS:
                descriptor = self._marks[number] = open_mark(self._beacon, number.name)
                stack.callback(os.close, descriptor)
            stack.callback(self.give_back)
            stack.enter_context(swapped(signal, "signal", self._wrap_signal))
            _marking.append(self)
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._arm(number)
            yield

    def _wrap_signal(self, original: object) -> object:
        call = cast(Callable[[int, Any], Any], original)

        @functools.wraps(call)
        def set_handler(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - signal.signal's own
            given = args[0] if args else kwargs.get("signalnum")
            number = given if isinstance(given, int) else -1
            if number in self._armed and threading.current_thread() is threading.main_thread():
                self._disarm(number)
            try:
                return call(*args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise
            finally:
                if number in self._marks and number not in self._armed and _is_default(number):
                    self._arm(number)

        return set_handler

    def _arm(self, number: int) -> None:
        # The stack of the thread that gets the signal only: the others go on while they would be read.
        faulthandler.register(number, file=self._marks[number], all_threads=False, chain=True)
        self._armed.add(number)
        _hold_back_a_second(number)

    def _disarm(self, number: int) -> None:
        self._armed.discard(number)
        faulthandler.unregister(number)

    def give_back(self) -> None:
        """Leave no more marks: the block is over, or this is a forked child, whose end is not the run's."""
        if self in _marking:
            _marking.remove(self)
        for number in list(self._armed):
            self._disarm(number)
        self._marks.clear()


def _hold_back_a_second(number: int) -> None:
    """Let a signal that comes again at once wait until the mark of the first is written: timeout(1) sends two.

    faulthandler lets its handler be interrupted by the same signal. The C library's `signal` sets a handler that is
    not; what it returns is the handler that was there, faulthandler's.
    """
    try:
        import ctypes

        set_handler = ctypes.CDLL(None).signal
    except (ImportError, OSError, AttributeError):
        return
    set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
    handler = set_handler(number, None)
    set_handler(number, handler)


def _is_default(number: int) -> bool:
    return threading.current_thread() is threading.main_thread() and signal.getsignal(number) is signal.SIG_DFL


_marking: list[Signals] = []
_masks: dict[int, set[int | signal.Signals]] = {}


def _before_fork() -> None:
    """Let no signal come between: a child that dies of it must leave no mark of its parent's end."""
    if _marking:
        _masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after_fork() -> None:
    mask = _masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    for signals in list(_marking):
        signals.give_back()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
