"""What the standard library's `logging` writes to stdout or stderr, where those themselves are not captured.

`StreamHandler.emit` is replaced in the class: handlers that are there already are seen, and so are files' handlers,
which are passed over, as is every stream but the terminal's two.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, cast

from .base import Sink, Stream, contained, swapped

CAPTURE = "logging"
_Emit = Callable[[Any, logging.LogRecord], None]


@contextmanager
def capture(sink: Sink, streams: Collection[Stream]) -> Iterator[None]:
    """Report to `sink.console` what is logged to one of `streams` within the block."""

    def wrap(original: object) -> _Emit:
        write = cast("_Emit", original)

        def emit(self: Any, record: logging.LogRecord) -> None:  # noqa: ANN401 - a StreamHandler of any stream
            write(self, record)
            name = _name_of(getattr(self, "stream", None))
            if name is not None and name in streams:
                with contained(sink, CAPTURE):
                    for line in self.format(record).splitlines():
                        sink.console(name, line, is_whole=True)

        return emit

    with swapped(logging.StreamHandler, "emit", wrap):
        yield


def _name_of(stream: object) -> Stream | None:
    if stream is not None and stream in (sys.stderr, sys.__stderr__):
        return "stderr"
    return "stdout" if stream is not None and stream in (sys.stdout, sys.__stdout__) else None
