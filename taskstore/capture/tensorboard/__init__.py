"""Capture of what programs write for TensorBoard, by any of its writers; their event files are as they would be.

The writers of torch, Lightning (`tensorboard`'s own), tensorboardX and TensorFlow 1 are met where every event passes,
in `EventFileWriter.add_event`. TensorFlow 2 writes from C++, of values that have no number while a graph is traced:
there the event files are read back (`files`). The messages are read by whatever classes the writer has made them of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from types import ModuleType
from typing import Any

from ...core.frames import leave_no_frame
from ..base import Sink, contained, swapped
from .events import CAPTURE, Events
from .files import EventFiles

_events: dict[Sink, Events] = {}
"""One for all the writers of a run, so that series of the same name are told apart."""


@contextmanager
def patched(module: ModuleType, sink: Sink) -> Iterator[None]:
    """Hook into a module with an `EventFileWriter`, or into TensorFlow's `gen_summary_ops`, within the block."""
    events = _events.get(sink)
    if events is None:
        events = _events[sink] = Events(sink)
    with ExitStack() as hooks:
        hooks.callback(_events.pop, sink, None)
        if hasattr(module, "create_summary_file_writer"):
            hooks.enter_context(EventFiles(module, sink, events).followed())
        else:
            wrap = partial(_around, sink=sink, events=events)
            hooks.enter_context(swapped(module.EventFileWriter, "add_event", wrap))
        yield


def _around(original: Any, *, sink: Sink, events: Events) -> Callable[..., object]:  # noqa: ANN401 - the library's method
    @wraps(original)
    def add_event(writer: Any, event: Any, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401
        is_closed = getattr(writer, "_closed", False)  # tensorboardX and TensorFlow then drop it without a word
        try:
            result = original(writer, event, *args, **kwargs)
        except BaseException as error:
            leave_no_frame(error)
            raise
        if not is_closed:
            with contained(sink, CAPTURE):
                events.take(event, str(writer.get_logdir()))
        return result

    return add_event
