"""One frame of `taskstore top`: tables of what runs, waits, works and has ended, within the room that there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import render

if TYPE_CHECKING:
    from rich.console import RenderableType

    from taskstore.board.overview import Overview
    from taskstore.store.query import Row

PIPED_WIDTH = 1000
"""Nothing is cut for a pipe."""
_WIDE = 100
"""From here on a task has its project before its name, and a longer bar."""
_BAR_WIDTH, _SHORT_BAR = 10, 5
_LEAST_RUNNING = 3
_MAX_METRICS = 4
_MAX_WORKERS, _MAX_QUEUES = 8, 5


@dataclass(frozen=True)
class Room:
    """How many characters and lines there are; no end of lines where `height` is None."""

    width: int
    height: int | None


@dataclass(frozen=True)
class _Part:
    """A table with its title; what of it is not shown is counted below."""

    title: str
    columns: Sequence[render.Column]
    rows: Sequence[Sequence[object]]
    most: int | None = None

    @property
    def count(self) -> int:
        """How many rows are shown."""
        if self.most is None or len(self.rows) <= self.most:
            return len(self.rows)
        return max(1, self.most - 1)  # a line for the rest

    @property
    def height(self) -> int:
        """How many lines it takes, with the empty one before it."""
        return 3 + self.count + (self.count < len(self.rows)) if self.rows else 0

    def drawn(self, found: Overview, width: int) -> list[RenderableType]:
        """Return what rich prints."""
        from rich.text import Text

        if not self.rows:
            return []
        table, _ = render.laid_out(self.rows[: self.count], self.columns, width=width, now=found.time)
        rest = len(self.rows) - self.count
        return [Text(), Text(self.title, "bold"), table, *([Text(f"and {rest:,} more", "dim")] if rest else [])]


def frame(found: Overview, short: Callable[[str], str], room: Room, *, place: str) -> RenderableType:
    """Draw a store at one moment. What there is no room for is counted; nothing in a name controls the terminal."""
    from rich.console import Group
    from rich.text import Text

    below = [_workers(found, short), _queues(found), _ended(found, short)]
    heading = 2
    left = None if room.height is None else room.height - heading - sum(part.height for part in below) - 3
    running = _running(found, short, None if left is None else max(_LEAST_RUNNING, left), is_wide=room.width >= _WIDE)
    head = Text.assemble(("taskstore top", "bold"), f"  {_said(found)}", no_wrap=True, overflow="ellipsis")
    hint = "" if room.height is None else "q ends it  "
    about = f"{found.time.astimezone():%H:%M:%S}  {hint}{render.safe(place)}"
    where = Text(about, "dim", no_wrap=True, overflow="ellipsis")
    nothing = [] if running.rows else [Text(), Text("nothing runs", "dim")]
    return Group(
        head, where, *nothing, *(piece for part in (running, *below) for piece in part.drawn(found, room.width))
    )


def _said(found: Overview) -> str:
    waiting = sum(load.waiting for load in found.queues)
    alive = sum(seen.is_alive for seen in found.workers)
    return f"{len(found.running):,} running, {waiting:,} waiting, {render.count(alive, 'worker')}"


def _running(found: Overview, short: Callable[[str], str], most: int | None, *, is_wide: bool) -> _Part:
    from taskstore.board.overview import progress_of

    columns = (
        render.Column("id", is_fixed=True, style="dim"),
        render.Column("task"),
        render.Column("progress", is_fixed=True),
        render.Column("iteration", is_fixed=True, is_right=True),
        render.Column("time", is_fixed=True, is_right=True),
        render.Column("last metrics"),
    )
    rows = [
        (
            short(row.id),
            f"{row.project}/{row.task.name}" if is_wide else row.task.name,
            bar(progress_of(row), _BAR_WIDTH if is_wide else _SHORT_BAR),
            None if row.last_iteration is None else f"{row.last_iteration:,}",
            _since(found, row),
            _metrics(row),
        )
        for row in found.running
    ]
    return _Part("Running", columns, rows, most)


def _since(found: Overview, row: Row) -> str | None:
    started = row.task.started
    return None if started is None else render.duration(max(0.0, (found.time - started).total_seconds()))


def _metrics(row: Row) -> str:
    from taskstore.board.overview import newest_metrics

    return ", ".join(f"{name} {render.short_number(value)}" for name, value in newest_metrics(row)[:_MAX_METRICS])


def bar(fraction: float | None, width: int) -> str:
    """Draw how far a task has come; nothing where it does not say."""
    if fraction is None:
        return ""
    full, empty = ("█", "░") if render.speaks_unicode() else ("#", ".")
    done = int(fraction * width)
    return f"{full * done}{empty * (width - done)} {fraction * 100:3.0f}%"


def _workers(found: Overview, short: Callable[[str], str]) -> _Part:
    names = {row.id: row.task.name for row in found.running}
    rows = []
    for seen in found.workers:
        record = seen.record
        runs = ", ".join(f"{short(item.task)} {names.get(item.task, '')}".strip() for item in record.running)
        state = record.state if seen.is_alive else "lost"
        rows.append((record.id, state, ", ".join(record.queues), f"{len(record.running)}/{record.slots}", runs))
    columns = (
        render.Column("worker"),
        render.Column("state", is_fixed=True),
        render.Column("takes from"),
        render.Column("slots", is_fixed=True, is_right=True),
        render.Column("runs"),
    )
    return _Part("Workers", columns, rows, _MAX_WORKERS)


def _queues(found: Overview) -> _Part:
    columns = (render.Column("queue"), render.Column("waiting", is_fixed=True), render.Column("taken", is_fixed=True))
    rows = [(load.queue, load.waiting, load.taken) for load in found.queues if load.waiting or load.taken]
    return _Part("Queues", columns, rows, _MAX_QUEUES)


def _ended(found: Overview, short: Callable[[str], str]) -> _Part:
    columns = (
        render.Column("id", is_fixed=True, style="dim"),
        render.Column("task"),
        render.Column("status", is_fixed=True),
        render.Column("ended", is_fixed=True),
        render.Column("took", is_fixed=True, is_right=True),
    )
    rows = [
        (
            short(row.id),
            f"{row.project}/{row.task.name}",
            row.task.status,
            row.task.completed,
            None if row.task.active_duration is None else render.duration(row.task.active_duration),
        )
        for row in found.ended
    ]
    return _Part("Ended", columns, rows)
