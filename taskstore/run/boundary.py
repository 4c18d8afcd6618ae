"""The capture boundary: what fails behind it is noted in the task, and the user's program goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..capture.base import Sink


@contextlib.contextmanager
def contained(sink: Sink, capture: str) -> Iterator[None]:
    """Run one capture's part; whatever it raises is noted with its traceback, as far as there is memory for that."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the capture boundary
        with contextlib.suppress(MemoryError):
            sink.note(capture, _described(error))


def _described(error: Exception) -> str:
    import traceback

    try:
        return f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    except MemoryError:
        return type(error).__name__
