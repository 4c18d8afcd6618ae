"""How the program ends: seen without changing it.

    normal end, sys.exit(0)      completed
    uncaught exception           failed, with the traceback as the message
    sys.exit(n), os._exit(n)     failed, with the code
    Ctrl-C                       stopped
    SIGTERM, SIGHUP              stopped, by a mark that is left for the next reader (run/signals.py)
    os.exec*                     stopped: another program goes on in its place

Exit codes, tracebacks and signals stay the program's own: hooks record and then do what was there before. A
`raise SystemExit(n)` that bypasses sys.exit is seen from Python 3.12 on (sys.monitoring). Before it, Python tells no
Python code what n was: there the C library is asked to leave it in a file when the process is all but gone, and who
looks next at the task writes its state down (`leave_exit_code`).
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import NoReturn, cast

from ..capture import console
from ..capture.base import swapped
from ..core.frames import leave_no_frame
from ..core.states import Status
from .signals import Signals

_MAX_MESSAGE = 64 << 10
_MAX_REASON = 500
_RESERVE_BYTES = 8 << 20
"""Given back when memory has run out, for the last word. Never touched, it takes addresses only and no memory."""


@dataclass(frozen=True)
class Outcome:
    """The status that a run ends in, and why."""

    status: Status
    reason: str
    message: str = ""


COMPLETED = Outcome(Status.COMPLETED, "completed")
PUBLISH = "publish_on_completion"
"""The key among a task's runtime facts that has it published when it is completed."""
INTERRUPTED = Outcome(Status.STOPPED, "interrupted (SIGINT)")


def of_exit_code(code: object) -> Outcome:
    """Return what an exit code means: None and 0 are success, all else is printed and means 1."""
    if code is None:
        return COMPLETED
    if isinstance(code, int):
        status = int(code) & 0xFF if os.name == "posix" else int(code)
        return Outcome(Status.FAILED, f"exit code {status}") if status else COMPLETED
    return Outcome(Status.FAILED, "exit code 1", _text_of(SystemExit(code)).removeprefix("SystemExit")[2:_MAX_MESSAGE])


def of_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Outcome:
    """Return what an exception that nobody caught means."""
    if issubclass(kind, KeyboardInterrupt):
        return INTERRUPTED
    text = "".join(traceback.format_exception(kind, error, trace))
    return Outcome(Status.FAILED, _text_of(error).partition("\n")[0][:_MAX_REASON], text[-_MAX_MESSAGE:])


def _text_of(error: BaseException) -> str:
    """Return 'Kind: message', without what surrounds it: a SyntaxError's place, notes that were added."""
    lines = traceback.format_exception_only(type(error), error)
    kind = type(error).__qualname__
    return next((line for line in lines if line.partition(":")[0].rstrip().endswith(kind)), lines[-1]).strip()


class Ending:
    """What is known so far of how the program ends."""

    def __init__(self, finish: Callable[[Outcome], None], *, left: Callable[[], None] = lambda: None) -> None:
        """`finish` is called by what ends the process at once; `left` when the program's top level has been left.

        `left` comes before Python begins its own end, in which 3.12 starts no threads any more; on 3.12 and later only.
        """
        self._finish = finish
        self._left = left
        self._outcome: Outcome | None = None
        self._pid = os.getpid()
        self._main_frame = _main_frame()
        self._shown_before = getattr(sys, "last_value", None)
        self._reserve = bytes(_RESERVE_BYTES)

    def outcome(self) -> Outcome | None:
        """Return how the program ends, at its end; None where it leaves with a code that only the system will know."""
        was_left_early = _was_left_early(self._main_frame)
        uncaught = getattr(sys, "last_value", None) if was_left_early else None
        if isinstance(uncaught, BaseException) and uncaught is not self._shown_before:
            self._note_uncaught(uncaught)
        if self._outcome is not None and was_left_early is not False:
            return self._outcome
        if self._outcome is None and was_left_early:
            return None
        # Nothing was noted, or an exit that the program itself caught before its last line ran.
        return COMPLETED

    def _note_uncaught(self, error: BaseException) -> None:
        """Note the exception that the interpreter shows at its end, unless it did not come from the program's top.

        Our excepthook does not hear of it where the program has put another in its place, as rich does.
        """
        trace = error.__traceback__
        frames = (frame for frame, _ in traceback.walk_tb(trace))
        if any(frame is self._main_frame for frame in frames):
            self._note_exception(type(error), error, trace)

    @contextlib.contextmanager
    def interrupt_kept(self) -> Iterator[None]:
        """Do the work of the end without a trace in how the process ends after an interrupt that nobody caught.

        Python then dies of SIGINT, for the shell to see, unless some code is evaluated from a text meanwhile, as
        dataclasses and namedtuples are: evaluating one more that is interrupted brings it back.
        """
        was_interrupted = self._outcome == INTERRUPTED
        try:
            yield
        finally:
            if was_interrupted:
                with contextlib.suppress(KeyboardInterrupt):
                    exec("raise KeyboardInterrupt")  # noqa: S102 - a constant

    def note(self, outcome: Outcome) -> None:
        """Record how the program is about to end; a later word replaces an earlier one."""
        if os.getpid() == self._pid:
            self._outcome = outcome
            self._shown_before = getattr(sys, "last_value", None)

    @contextlib.contextmanager
    def watched(self, beacon: Path) -> Iterator[Ending]:
        """Watch for the end within the block; `beacon` is the file of the run's beacon. Raises OSError."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(swapped(sys, "excepthook", self._wrap_excepthook))
            stack.enter_context(swapped(threading, "excepthook", _wrap_talk))
            stack.enter_context(swapped(sys, "unraisablehook", _wrap_talk))
            stack.enter_context(swapped(sys, "exit", self._wrap_exit))
            stack.enter_context(swapped(os, "_exit", self._wrap_hard_exit))
            stack.enter_context(swapped(os, "execv", self._wrap_exec))  # all others of the family call these two
            stack.enter_context(swapped(os, "execve", self._wrap_exec))
            quitter = getattr(builtins, "exit", None)
            if quitter is not None:
                stack.enter_context(swapped(type(quitter), "__call__", self._wrap_quitter))
            code = self._main_frame.f_code if self._main_frame is not None else None
            stack.enter_context(_top_level_watched(code, self._note_system_exit, self._leave))
            stack.enter_context(Signals(beacon).marked())
            yield self

    def hard_exit_watched(self) -> contextlib.AbstractContextManager[None]:
        """Finish, within the block, before an os._exit: what a process needs whose end is not the run's."""
        return swapped(os, "_exit", self._wrap_hard_exit)

    def _wrap_excepthook(self, original: object) -> object:
        def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            self._note_exception(kind, error, trace)
            with console.joined():
                original(kind, error, trace)  # type: ignore[operator]

        return excepthook

    def _note_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, MemoryError):
            self._reserve = b""
        try:
            self.note(of_exception(kind, error, trace))
        except MemoryError:
            self._reserve = b""
            self.note(Outcome(Status.FAILED, kind.__name__))

    def _wrap_exit(self, original: object) -> object:
        def exit(code: object = None, /) -> NoReturn:  # noqa: A001 - its name shows in errors
            self._note_system_exit(code)
            try:
                original(code)  # type: ignore[operator]
            except BaseException as error:
                leave_no_frame(error)
                raise
            raise AssertionError  # for the type checker: sys.exit raises

        return exit

    def _wrap_quitter(self, original: object) -> object:
        def __call__(quitter: object, code: object = None) -> None:  # noqa: N807 - the method that it stands for
            self._note_system_exit(code)
            try:
                original(quitter, code)  # type: ignore[operator]
            except BaseException as error:
                leave_no_frame(error)
                raise

        return __call__

    def _note_system_exit(self, code: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self.note(of_exit_code(code))

    def _leave(self) -> None:
        if os.getpid() == self._pid:
            self._left()

    def _wrap_hard_exit(self, original: object) -> object:
        def _exit(status: int) -> NoReturn:
            self._finish(of_exit_code(status))
            original(status)  # type: ignore[operator]
            raise AssertionError  # for the type checker: os._exit does not return

        return _exit

    def _wrap_exec(self, original: object) -> object:
        call = cast(Callable[..., NoReturn], original)

        @functools.wraps(call)
        def replace(path: str, *words: object) -> NoReturn:
            try:
                if _is_program(path):  # else the call fails, and the program goes on
                    self._finish(Outcome(Status.STOPPED, f"replaced itself by {os.fsdecode(path)}"[:_MAX_REASON]))
                call(path, *words)
            except BaseException as error:
                leave_no_frame(error)
                raise

        return replace


def _wrap_talk(original: object) -> object:
    """Wrap a hook that shows an exception: the interpreter does so in pieces, of a character even."""

    def hook(facts: object, /) -> None:
        with console.joined():
            original(facts)  # type: ignore[operator]

    return hook


def _is_program(path: object) -> bool:
    try:
        return os.access(path, os.X_OK) and not os.path.isdir(path)  # type: ignore[arg-type]  # noqa: PTH112
    except (TypeError, ValueError):
        return False


def leave_exit_code(path: Path, position: int) -> bool:
    """Have the C library write this process's exit code over one byte of a file, after Python is gone.

    glibc's on_exit hands the code and a pointer to a C function: fputc(code, stream) is one. False where there is no
    glibc.
    """
    import ctypes

    try:
        libc = ctypes.CDLL(None)
        on_exit, fopen, fseek, fputc = libc.on_exit, libc.fopen, libc.fseek, libc.fputc
    except (OSError, AttributeError, TypeError):
        return False
    fopen.restype = ctypes.c_void_p
    fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    fseek.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_int]
    on_exit.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    stream = fopen(os.fsencode(path), b"r+be")
    if not stream or fseek(stream, position, os.SEEK_SET) != 0:
        return False
    return bool(on_exit(ctypes.cast(fputc, ctypes.c_void_p), stream) == 0)


def _main_frame() -> FrameType | None:
    """Return the frame of the running program's top level, where there is one."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            return frame
        frame = frame.f_back
    return None


def _was_left_early(frame: FrameType | None) -> bool | None:
    """Tell whether the program's top level was left by an exception and not by its last line; None: not known."""
    if frame is None or frame.f_lasti < 0:
        return None
    import opcode

    return not opcode.opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")


@contextlib.contextmanager
def _top_level_watched(
    top_level: CodeType | None, exits: Callable[[object], None], left: Callable[[], None]
) -> Iterator[None]:
    """Hear, by sys.monitoring, of each SystemExit that leaves a frame, and of the end of the top level's code."""
    if sys.version_info < (3, 12):
        yield
        return
    monitoring = sys.monitoring
    tool = next((number for number in (4, 3, 5) if monitoring.get_tool(number) is None), None)
    if tool is None:
        yield
        return

    def unwound(code: object, offset: int, error: BaseException) -> None:
        if isinstance(error, SystemExit):
            exits(error.code)
        if code is top_level:
            left()

    def returned(code: object, offset: int, value: object) -> None:
        left()

    monitoring.use_tool_id(tool, "taskstore")
    monitoring.register_callback(tool, monitoring.events.PY_UNWIND, unwound)
    monitoring.register_callback(tool, monitoring.events.PY_RETURN, returned)
    monitoring.set_events(tool, monitoring.events.PY_UNWIND)
    if top_level is not None:
        monitoring.set_local_events(tool, top_level, monitoring.events.PY_RETURN)
    try:
        yield
    finally:
        if top_level is not None:
            monitoring.set_local_events(tool, top_level, 0)
        monitoring.set_events(tool, 0)
        for event in (monitoring.events.PY_UNWIND, monitoring.events.PY_RETURN):
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)
