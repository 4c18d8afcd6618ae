"""`taskstore logs`: what a task printed, and what it prints."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.clock import to_text
from taskstore.core.states import Status

from . import context, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.events import ConsoleLine
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_STREAMS = ("stdout", "stderr")


@app.command()
def logs(
    task: context.TaskArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it prints, until the task ends.")] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines", "-n", parser=context.whole_number, metavar="LINES", help="Only the last so many lines."
        ),
    ] = None,
    stream: Annotated[
        str | None,
        typer.Option(
            "--stream",
            parser=context.one_of(*_STREAMS),
            metavar="STREAM",
            help="Only stdout, or only stderr.",
            autocompletion=context.completing(*_STREAMS),
        ),
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Each line with its time, in UTC.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Print a task's console output, of all its processes, in order of time.

    What it wrote to stdout and to stderr both goes to stdout here. Colours show in a terminal only. Of a
    progress bar there are some of its states, at most one a second, and the last. With -f the exit code is 0 when the
    task has ended, however it ended; Ctrl-C is 130.

    Example: taskstore logs -f --lines 20 @last
    """
    store = context.open_store()
    paths = context.resolve(store, task)
    wanted = _Printer(stream, with_times=timestamps, as_json=as_json)
    if follow:
        _follow(store, paths, wanted, lines)
        return
    from taskstore.store import events

    wanted.print_all(_last(events.read_console(paths), lines, wanted))
    _say_left_out(paths)


def _say_left_out(paths: TaskPaths) -> None:
    from taskstore.schema.bundle import PREFIXES
    from taskstore.store import events, left_out

    if not events.console_logs(paths) and left_out.is_left_out(paths, PREFIXES["console"]):
        context.say(f"what task {paths.id[:12]} printed was {left_out.WHY}")


def _last(found: Iterable[ConsoleLine], count: int | None, printer: _Printer) -> Iterable[ConsoleLine]:
    chosen = (line for line in found if printer.is_wanted(line))
    return chosen if count is None else deque(chosen, maxlen=count)


def _follow(store: Store, paths: TaskPaths, printer: _Printer, count: int | None) -> None:
    from taskstore.store import ancestry, follow, tasks

    record = tasks.read(paths)
    status = record.status
    if ancestry.is_elsewhere(paths, record):
        where = f"task {paths.id[:12]} is {status.label} in the store that it was copied from"
        context.say(f"{where}: more comes when it is brought in again; Ctrl-C stops")
    elif status in (Status.CREATED, Status.QUEUED):
        context.say(f"task {paths.id[:12]} is {status.label}: waiting for it to run; Ctrl-C stops")
    batches = follow.console(store, paths.id)
    printer.print_all(_last(next(batches, []), count, printer))
    for batch in batches:
        printer.print_all(line for line in batch if printer.is_wanted(line))


class _Printer:
    """Prints console lines the way that was asked for."""

    def __init__(self, stream: str | None, *, with_times: bool, as_json: bool) -> None:
        self._stream = stream
        self._with_times = with_times
        self._as_json = as_json
        self._with_colours = render.has_styles()

    def is_wanted(self, line: ConsoleLine) -> bool:
        return self._stream is None or line.stream == self._stream

    def print_all(self, lines: Iterable[ConsoleLine]) -> None:
        for line in lines:
            self._print(line)
        sys.stdout.flush()

    def _print(self, line: ConsoleLine) -> None:
        if self._as_json:
            shown = {"time": to_text(line.time), "stream": line.stream, "text": line.text, "is_whole": line.is_whole}
            render.print_json(shown)
            return
        head = f"{to_text(line.time)} " if self._with_times else ""
        render.line(head + "".join(self._pieces(line.text)))

    def _pieces(self, text: str) -> Iterator[str]:
        return render.console_pieces(text, with_colours=self._with_colours)
