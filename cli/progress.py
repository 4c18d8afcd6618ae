"""One bar on stderr for what takes long; none where nobody looks on."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """Shows how many tasks are done with, and how many bytes have moved. Threads may call it. Use it in a `with`."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._progress: Progress | None = None
        self._bar: TaskID | None = None
        self._bytes = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, tasks: int) -> None:
        """Show the bar, where there is something to do and stderr is a terminal."""
        if not tasks or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("tasks"),
            TextColumn("{task.fields[moved]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar = self._progress.add_task(self._what, total=tasks, moved="")
        self._progress.start()

    def moved(self, count_bytes: int) -> None:
        """Show how much has moved."""
        from .render import size

        if self._progress is not None and self._bar is not None:
            self._bytes += count_bytes
            self._progress.update(self._bar, moved=size(self._bytes))

    def finished(self) -> None:
        """Show one task more."""
        if self._progress is not None and self._bar is not None:
            self._progress.advance(self._bar)
