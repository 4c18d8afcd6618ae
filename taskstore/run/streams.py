"""What a program prints and logs, as `auto_connect_streams` chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ..capture import console
from ..capture.base import Sink, Stream

LOGGING = "logging"
NAMES: tuple[Stream, ...] = ("stdout", "stderr")
KEYS = (*NAMES, LOGGING)


@contextmanager
def captured(sink: Sink, choice: bool | Mapping[str, object]) -> Iterator[None]:
    """Capture, within the block, the chosen ones of stdout, stderr and logging; of a mapping what it names as true.

    What `logging` writes to a stream that is captured is captured with that, whatever is said of it here.
    """
    wanted = [key for key in KEYS if choice.get(key)] if isinstance(choice, Mapping) else [*KEYS] if choice else []
    streams = [name for name in NAMES if name in wanted]
    with ExitStack() as captures:
        if LOGGING in wanted and len(streams) < len(NAMES):
            from ..capture import logs  # all streams are captured, nearly always

            captures.enter_context(logs.capture(sink, [name for name in NAMES if name not in streams]))
        if streams:
            captures.enter_context(console.capture(sink, streams=streams))
        yield
