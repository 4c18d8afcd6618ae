"""What a task's process has written to its standard streams, where its own run could not record it.

The streams of a child are a file, and no pipe: an agent that is killed takes no child with it. What the run records
itself is not taken from there; what comes before it begins (an import that fails), or from below Python as it dies, is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from ..core.errors import TaskstoreError
from ..core.secrets import Masker
from ..disk.layout import TaskPaths
from ..sections.reports import Writer
from ..store import events, places
from ..store.store import Store

_MAX_TAIL = 64 << 10
_MAX_UNHEARD = 200


@contextlib.contextmanager
def console_of(store: Store, task_id: str) -> Iterator[Writer]:
    """Yield what appends to a task's console as a writer of its own; what cannot be written is let go."""
    writer = Writer(lambda: places.locate(store, task_id), lambda error: None)
    try:
        yield writer
    finally:
        writer.close()


def add_unheard(
    store: Store, task_id: str, output: Path, *, has_begun: bool, secrets: Collection[str] = ()
) -> list[str]:
    """Append to the console what the process has written last and its run has not recorded; return those lines.

    Of a run that had not begun that is all of it (its last 64 KiB), otherwise the lines that its console has not.
    The `secrets` that it was given are masked.
    """
    masker = Masker(known=tuple(secrets))
    lines = [masker.hidden(line) for line in _tail(output)]
    if has_begun:
        with contextlib.suppress(OSError, TaskstoreError):
            heard = _heard(places.locate(store, task_id))
            lines = [line for line in lines if line.strip() and line not in heard]
    lines = lines[-_MAX_UNHEARD:]
    if lines:
        with console_of(store, task_id) as console:
            for line in lines:
                console.console("stderr", line, is_whole=True)
    return lines


def _heard(paths: TaskPaths) -> set[str]:
    return {line.text for line in events.read_console(paths)}


def _tail(output: Path) -> list[str]:
    try:
        with output.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(0, size - _MAX_TAIL))
            data = stream.read(_MAX_TAIL)
    except OSError:
        return []
    # A progress bar is one line, of which the last state counts.
    return [line.rpartition("\r")[2] for line in data.decode("utf-8", "replace").replace("\r\n", "\n").splitlines()]
