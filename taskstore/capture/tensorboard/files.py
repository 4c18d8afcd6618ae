"""What TensorFlow 2 writes, read back from its event files.

Its summary ops run in C++; within `tf.function` their Python runs once, when nothing has a value. To put an op of ours
(`py_function`) beside each would change the program's graphs, which then could not be saved, or compiled by XLA.
So the ops only tell where files are written and when they have grown: a folder is followed from the making of a
writer on, its files (told by this process's number) are read as far as they are whole after a flush, a close, and now
and then after a write. At the end the writers that are open are flushed, and the rest is read.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

from ...core.frames import leave_no_frame
from ..base import Sink, contained, swapped
from .events import CAPTURE, Events

_EVENT_CLASSES = ("tensorflow.core.util.event_pb2", "tensorboard.compat.proto.event_pb2")
_LOOK_AGAIN_S = 2.0
_HEADER = struct.Struct("<QI")
"""Of a record: its length, and a checksum of that; after it comes a checksum of the data. (TFRecord)"""
_TAIL_BYTES = 4
_CLOSE = "close_summary_writer"
_GROWING = ("flush_summary_writer", _CLOSE)
_WRITING = ("write_summary", "write_raw_proto_summary", "import_event")


class EventFiles:
    """The event files of one run."""

    def __init__(self, module: ModuleType, sink: Sink, events: Events) -> None:
        self._module = module
        self._sink = sink
        self._events = events
        self._mutex = threading.Lock()
        self._foreign: dict[str, set[str]] = {}
        """Each folder that is followed, and the files in it that were there before."""
        self._positions: dict[Path, int] = {}
        self._writers: list[weakref.ref[Any]] = []
        self._look_at = 0.0

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Hook into the ops within the block, and read what is left at its end."""
        flush = self._module.flush_summary_writer
        with ExitStack() as hooks:
            hooks.enter_context(swapped(self._module, "create_summary_file_writer", self._around_create))
            for name in _GROWING + _WRITING:
                if hasattr(self._module, name):
                    hooks.enter_context(swapped(self._module, name, self._around(name)))
            yield
        with contained(self._sink, CAPTURE):
            self._flush(flush)
            self._read()

    def _around_create(self, original: Any) -> Callable[..., object]:  # noqa: ANN401 - the library's function
        @wraps(original)
        def create_summary_file_writer(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
            with contained(self._sink, CAPTURE):
                self._follow(*args, **kwargs)
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                leave_no_frame(error)
                raise

        return create_summary_file_writer

    def _around(self, name: str) -> Callable[[Any], object]:
        def wrap(original: Any) -> Callable[..., object]:  # noqa: ANN401
            @wraps(original)
            def op(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401
                try:
                    result = original(*args, **kwargs)
                except BaseException as error:
                    leave_no_frame(error)
                    raise
                if name in _GROWING or monotonic() >= self._look_at:
                    with contained(self._sink, CAPTURE):
                        if name == _CLOSE:
                            self._forget(*args, **kwargs)
                        self._read()
                return result

            return op

        return wrap

    def _follow(self, writer: Any = None, logdir: Any = None, *_: object, **__: object) -> None:  # noqa: ANN401 - tensors
        value = sys.modules["tensorflow.python.framework.tensor_util"].constant_value(logdir)
        if value is None:
            self._sink.note(CAPTURE, "the folder of a summary writer is known to its graph only; it is not read")
            return
        folder = os.fsdecode(getattr(value, "item", lambda: value)())
        if "://" in folder:
            self._sink.note(CAPTURE, f"{folder} is not on this machine's disk; what is written there is not read")
            return
        with suppress(TypeError):  # a handle that cannot be referred to weakly
            self._writers.append(weakref.ref(writer))
        folder = str(Path(folder).absolute())  # the program may go elsewhere
        self._events.always_stepped(folder)  # tf.summary does not write without one
        if folder not in self._foreign:
            self._foreign[folder] = {path.name for path in _files(folder)}

    def _forget(self, writer: Any = None, *_: object, **__: object) -> None:  # noqa: ANN401 - a tensor
        self._writers = [each for each in self._writers if each() is not writer]

    def _flush(self, flush: Callable[..., object]) -> None:
        if not sys.modules["tensorflow.python.eager.context"].executing_eagerly():
            return
        for reference in self._writers:
            writer = reference()
            if writer is not None:
                with contained(self._sink, CAPTURE):
                    flush(writer)

    def _read(self) -> None:
        """Report what has been written since; a thread that comes in between leaves it to the one that reads.

        It does not wait: after a fork, the child may find the lock held for ever.
        """
        if not self._mutex.acquire(blocking=False):
            return
        try:
            parse = _parser()
            for folder, foreign in list(self._foreign.items()):
                for path in _files(folder):
                    if path.name not in foreign:
                        for record in self._records(path):
                            self._events.take(parse(record), folder)
            self._look_at = monotonic() + _LOOK_AGAIN_S
        finally:
            self._mutex.release()

    def _records(self, path: Path) -> Iterator[bytes]:
        """Yield the whole records after those that were read before."""
        with path.open("rb") as file:
            file.seek(self._positions.get(path, 0))
            data = file.read()
        at = 0
        while at + _HEADER.size <= len(data):
            size, _ = _HEADER.unpack_from(data, at)
            end = at + _HEADER.size + size + _TAIL_BYTES
            if end > len(data):
                break
            self._positions[path] = self._positions.get(path, 0) + end - at
            yield data[at + _HEADER.size : end - _TAIL_BYTES]
            at = end


def _files(folder: str) -> list[Path]:
    """Return the event files that this process has written in a folder, by the number in their names."""
    with suppress(OSError):
        return sorted(
            path for path in Path(folder).iterdir() if ".tfevents." in path.name and f".{os.getpid()}." in path.name
        )
    return []


def _parser() -> Callable[[bytes], Any]:
    modules = (sys.modules.get(name) for name in _EVENT_CLASSES)
    found: Any = next(module for module in modules if module is not None)
    parse: Callable[[bytes], Any] = found.Event.FromString
    return parse
