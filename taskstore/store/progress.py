"""A bar on stderr for what takes a while, at a terminal only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

MIN_BYTES = 64 << 20
MIN_COUNT = 20


@contextlib.contextmanager
def bar(what: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Yield what hears of each piece that is done; it draws a bar from 64 MiB on, where stderr is a terminal."""
    stream = sys.__stderr__
    if total_bytes < MIN_BYTES or stream is None or stream.closed or not stream.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as drawn:
        task = drawn.add_task(what, total=total_bytes)
        yield lambda count: drawn.advance(task, count)


@contextlib.contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what hears how many more are done; it draws a bar from 20 on, where stderr is a terminal."""
    stream = sys.__stderr__
    if total < MIN_COUNT or stream is None or stream.closed or not stream.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # What is printed meanwhile goes above the bar, where that is the same terminal, and else where it was to go.
    is_shown = sys.stdout.isatty()
    with Progress(*columns, console=Console(file=stream), transient=True, redirect_stdout=is_shown) as drawn:
        task = drawn.add_task(what, total=total)
        yield lambda count: drawn.advance(task, count)
