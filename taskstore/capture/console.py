"""What the running process prints, kept in the task while the terminal stays as it is.

**How it hooks.** `write` and `flush` of the live `sys.stdout` and `sys.stderr`, and `write` of the bytes stream below
each, are replaced *on the instance*; `sys.stdout` itself stays the object it was. So whoever took hold of the
stream before (a logging handler, tqdm's `file`, rich's console) is seen, every other property (`isatty`, `fileno`,
`encoding`, `reconfigure`, faulthandler's use of the descriptor, `isinstance` checks) is the original's because the
object is, and there is nothing to put back under whoever replaced `sys.stdout` meanwhile. A stream put in its place
that hands on to it (a tee, a new TextIOWrapper around its buffer) is seen through; one that does not
(`redirect_stdout` to a StringIO) is not, as it does not reach the terminal either.

**What is not seen**, because it does not pass these methods: C and C++ libraries that write to descriptor 1 or 2,
`os.write`, `os.system`, subprocesses, faulthandler, `sys.stdout.buffer.raw.write`, a second stream that was opened on
the descriptor, and a print by a signal handler while the very write that it interrupts is waiting for the terminal.

**When it is durable.** When `write` returns, its text is with the sink, with two exceptions: a row that is drawn over
(see `core.screen`), and the pieces of one `print(a, b)`, each of which is a write of its own. They become one entry,
when `print` returns, or else every printed line would be two.

**Locking.** A text is queued first, and then handed on by whoever holds a lock, waited for only `PATIENCE_S`:
a sink that blocks on what the waiting thread holds (logging's lock, say) delays it and cannot deadlock it, and the
holder hands on what was left. The lock is never held while the original stream is written.
"""

from __future__ import annotations

import codecs
import functools
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import CodeType, FrameType, MethodType
from typing import NamedTuple, cast

from ..core.clock import SYSTEM, Clock
from ..core.frames import leave_no_frame
from ..core.rows import ROW_CHARS
from ..core.screen import Entry, Screen
from .base import Sink, Stream, swapped

PATIENCE_S = 1.0
_SITES_KEPT = 4096

_Method = Callable[..., object]


@contextmanager
def capture(sink: Sink, *, clock: Clock = SYSTEM, streams: Collection[Stream] = ("stdout", "stderr")) -> Iterator[None]:
    """Report to `sink.console` what is printed within the block; the module's text says what is seen, and when.

    On leaving, what is pending is persisted and the streams are as before. A stream that is None is skipped, one that
    cannot be hooked is noted. May be nested, and works in atexit handlers and in forked children.
    """
    import dis  # noqa: F401 - not at the first print, in the middle of which a signal's handler would meet it half loaded

    console = _Console(sink, clock)
    _follow_forks(console)
    with ExitStack() as hooks:
        hooked: list[object] = []
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if name in streams and stream is not None and not any(stream is other for other in hooked):
                hooked.append(stream)
                try:
                    hooks.enter_context(console.hooked(name, stream))
                except (AttributeError, TypeError) as error:
                    sink.note("console", f"sys.{name} is not captured: {error}")
        try:
            yield
        finally:
            console.close()


@contextmanager
def unseen() -> Iterator[None]:
    """Keep what this thread prints within the block out of every capture: the store's own talk is none of the run's."""
    with _set_inside("now"):
        yield


@contextmanager
def joined() -> Iterator[None]:
    """Take the pieces that this thread writes within the block as those of one print: a line becomes one entry."""
    with _set_inside("is_joining"):
        yield


@contextmanager
def _set_inside(name: str) -> Iterator[None]:
    threads = [console.inside for console in _consoles]
    before = [getattr(inside, name) for inside in threads]
    for inside in threads:
        setattr(inside, name, True)
    try:
        yield
    finally:
        for inside, was in zip(threads, before, strict=True):
            setattr(inside, name, was)


class _Item(NamedTuple):
    stream: Stream
    data: str | bytes
    writer: int
    is_echo: bool = False  # printed while an item was being persisted, by the sink or a signal handler


class _Inside(threading.local):
    """Where this thread is: within an original method (what the layer below gets is known already), or `joined`."""

    now = False
    is_joining = False


class _Console:
    """The way from the hooked methods to the sink."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._is_active = True
        self._encodings: dict[Stream, str] = {}
        self.reset()

    def reset(self) -> None:
        """Start anew: a forked child has no part in what was pending, nor in the locks, of its parent."""
        self._lock = threading.RLock()
        self.inside = _Inside()
        self._queue: deque[_Item] = deque()
        self._begun: dict[tuple[Stream, int], str] = {}  # what came so far of the print call a thread is in
        self._holder = 0
        self._is_echo = False
        self._screens: dict[Stream, Screen] = {name: Screen(self._clock) for name in self._encodings}
        self._decoders = {name: _decoder(encoding) for name, encoding in self._encodings.items()}

    @contextmanager
    def hooked(self, name: Stream, stream: object) -> Iterator[None]:
        """Hook one stream within the block."""
        self._encodings[name] = getattr(stream, "encoding", None) or "utf-8"
        self._screens[name] = Screen(self._clock)
        self._decoders[name] = _decoder(self._encodings[name])
        with ExitStack() as hooks:
            hooks.enter_context(swapped(stream, "write", functools.partial(self._text_hook, name, stream)))
            if hasattr(stream, "flush"):
                hooks.enter_context(swapped(stream, "flush", functools.partial(self._flush_hook, stream)))
            with suppress(AttributeError, TypeError, ValueError):  # no bytes below it, or none that can be hooked
                below = stream.buffer  # type: ignore[attr-defined]  # where there is one
                hooks.enter_context(swapped(below, "write", functools.partial(self._bytes_hook, name, below)))
            yield

    def _text_hook(self, name: Stream, stream: object, original: object) -> _Method:
        call = cast(_Method, original)
        # At hand when this module is gone at exit.
        caller, is_finalizing, unseen_by = sys._getframe, sys.is_finalizing, leave_no_frame

        @functools.wraps(call)
        def write(_: object, *args: object, **kwargs: object) -> object:
            inside = self.inside
            was, inside.now = inside.now, True
            try:
                result = call(*args, **kwargs)
            except BaseException as error:
                unseen_by(error)
                raise
            finally:
                inside.now = was
            text = args[0] if args else None
            if isinstance(text, str) and not (was or not self._is_active or is_finalizing()):
                writer = threading.get_ident()
                if text[-1:] not in ("", "\n") and (inside.is_joining or _is_print(caller)):
                    self._begin(name, text, writer)
                else:
                    self._take(_Item(name, self._begun.pop((name, writer), "") + text, writer))
            return result

        return MethodType(write, stream)  # pickles as the original does, wherever the stream can be pickled

    def _bytes_hook(self, name: Stream, stream: object, original: object) -> _Method:
        call, is_finalizing, unseen_by = cast(_Method, original), sys.is_finalizing, leave_no_frame

        @functools.wraps(call)
        def write(_: object, *args: object, **kwargs: object) -> object:
            try:
                result = call(*args, **kwargs)
            except BaseException as error:
                unseen_by(error)
                raise
            if self.inside.now or not self._is_active or is_finalizing():
                return result
            data = args[0] if args else None
            if isinstance(data, (bytes, bytearray, memoryview)):
                written = bytes(data)[: result if isinstance(result, int) else None]
                self._take(_Item(name, written, threading.get_ident()))
            return result

        return MethodType(write, stream)

    def _flush_hook(self, stream: object, original: object) -> _Method:
        """What a text stream's flush sends to the bytes below was seen when it was written."""
        call, unseen_by = cast(_Method, original), leave_no_frame

        @functools.wraps(call)
        def flush(_: object, *args: object, **kwargs: object) -> object:
            inside = self.inside
            was, inside.now = inside.now, True
            try:
                return call(*args, **kwargs)
            except BaseException as error:
                unseen_by(error)
                raise
            finally:
                inside.now = was

        return MethodType(flush, stream)

    def _begin(self, name: Stream, text: str, writer: int) -> None:
        """Keep a piece of a print call until its last one comes, so that no other thread's text gets between."""
        text = self._begun.pop((name, writer), "") + text
        if len(text) > ROW_CHARS:
            self._take(_Item(name, text, writer))
        else:
            self._begun[name, writer] = text

    def _take(self, item: _Item) -> None:
        """Persist an item, or leave it to whoever holds the lock and does not let go of it."""
        if self._holder == item.writer:  # inside our own work: the frame below goes on with the queue
            if not self._is_echo:  # a sink that prints whenever it is called would never come to an end
                self._queue.append(item._replace(is_echo=True))
            return
        self._queue.append(item)
        while self._lock.acquire(timeout=PATIENCE_S):
            try:
                self._drain(item.writer)
            finally:
                self._lock.release()
            if not self._queue:
                return

    def _drain(self, holder: int) -> None:
        self._holder = holder
        try:
            while self._queue:
                item = self._queue.popleft()
                self._is_echo = item.is_echo
                data = item.data
                text = data if isinstance(data, str) else self._decoders[item.stream].decode(data)
                entries = self._screens[item.stream].feed(text)
                if entries:
                    self._persist(item.stream, entries)
        finally:
            self._is_echo = False
            self._holder = 0

    def _persist(self, stream: Stream, entries: list[Entry]) -> None:
        for text, is_whole in entries:
            with suppress(OSError):  # a sink promises not to raise; where it does, printing goes on all the same
                self._sink.console(stream, text, is_whole=is_whole)

    def close(self) -> None:
        """Persist what is pending, and be nothing but a detour from now on."""
        self._is_active = False
        if not self._lock.acquire(timeout=PATIENCE_S):
            return
        try:
            self._drain(threading.get_ident())
            for (name, _), text in self._begun.items():
                self._persist(name, self._screens[name].feed(text))
            for name, screen in self._screens.items():
                rest = self._decoders[name].decode(b"", True)
                self._persist(name, screen.feed(rest) + screen.close())
        finally:
            self._lock.release()


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)("backslashreplace")
    except LookupError:
        return codecs.getincrementaldecoder("utf-8")("backslashreplace")


_sites: dict[tuple[int, int], tuple[CodeType, bool]] = {}


def _is_print(caller: Callable[[int], FrameType]) -> bool:
    """Say whether the write that calls this was called by `print`, of which more writes are to come.

    `print` is written in C and has no frame, but its caller's instruction says what it calls.
    """
    try:
        frame = caller(2)
    except ValueError:  # there is no caller in Python: the interpreter's end, a thread of a C library
        return False
    code, at = frame.f_code, frame.f_lasti
    known = _sites.get((id(code), at))
    if known is None or known[0] is not code:
        if len(_sites) >= _SITES_KEPT:
            _sites.clear()
        known = _sites[id(code), at] = (code, "print" in code.co_names and _calls_print(code, at))
    return known[1]


def _calls_print(code: CodeType, at: int) -> bool:
    """Say whether `print` is loaded where the expression of the call begins; before Python 3.11, in its line."""
    import dis

    loads = {i.offset: str(i.argval) for i in dis.get_instructions(code) if i.opname.startswith("LOAD_")}
    if sys.version_info >= (3, 11):
        begins = {2 * n: (line, column) for n, (line, _, column, _) in enumerate(code.co_positions())}
        if begins.get(at, (None, None))[1] is not None:
            return any(name == "print" and begins[offset] == begins[at] for offset, name in loads.items())
    spans = list(code.co_lines())
    line = next((line for start, end, line in spans if start <= at < end), None)
    names = [
        loads[offset]
        for start, end, other in spans
        if other == line
        for offset in range(start, end, 2)
        if offset in loads
    ]
    return "print" in names and not any(name.startswith("write") for name in names)


_consoles: weakref.WeakSet[_Console] = weakref.WeakSet()
_forks_followed: list[bool] = []


def _follow_forks(console: _Console) -> None:
    _consoles.add(console)
    if not _forks_followed and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_all)
        _forks_followed.append(True)


def _reset_all() -> None:
    for console in _consoles:
        console.reset()
