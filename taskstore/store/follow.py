"""Following the console of a task while it runs: every writer's log, wherever the task is moved to meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import Damaged
from ..core.states import ENDED
from ..disk.layout import TaskPaths
from ..disk.log import read_complete
from . import events, liveness, places, tasks
from .store import Store

POLL_S = 0.25


@dataclass
class _Followed:
    tail: events.ConsoleTail = field(default_factory=events.ConsoleTail)
    covered: int = 0


class ConsoleFollower:
    """Reads what has been written since the last call, of all writers of one task.

    With `most_bytes` it begins that far before the end of a longer log: a screen does not show what is gigabytes ago.
    """

    def __init__(self, *, most_bytes: int | None = None) -> None:
        self._logs: dict[str, _Followed] = {}
        self._most_bytes = most_bytes
        self.is_cut = False
        """Whether the beginning of a log was passed over."""

    def begin(self, log: str, covered: int, tail: events.ConsoleTail) -> None:
        """Have a log, by its name, be read from an offset on; `tail` knows what has not ended there."""
        self._logs[log] = _Followed(tail, covered)

    def read(self, paths: TaskPaths, *, is_end: bool = False) -> list[events.ConsoleLine]:
        """Return the new lines in order of time; with `is_end` also those that were never ended."""
        found: list[events.ConsoleLine] = []
        for log in events.console_logs(paths):
            found += self._read_log(log, is_end=is_end)
        return sorted(found, key=lambda line: line.time)

    def _read_log(self, log: Path, *, is_end: bool) -> list[events.ConsoleLine]:
        try:
            size = log.stat().st_size
            followed = self._logs.get(log.name)
            if followed is None or size < followed.covered:  # another file by now
                start = 0 if self._most_bytes is None else max(0, size - self._most_bytes)
                self.is_cut = self.is_cut or start > 0
                followed = self._logs[log.name] = _Followed(covered=start)
            data = read_complete(log, followed.covered)
        except FileNotFoundError:
            return []  # moved or reset behind us: the next call looks again
        except PermissionError as error:
            raise Damaged(log, error.strerror or str(error)) from None
        followed.covered += len(data)
        return list(followed.tail.feed(data, is_end=is_end))


def console(
    store: Store, task_id: str, *, sleep: Callable[[float], None] = time.sleep, poll_s: float = POLL_S
) -> Iterator[list[events.ConsoleLine]]:
    """Yield console lines as they come, what is there already first, until the task has ended.

    A task that has not begun is waited for; a run that dies is settled, and so ends it. Raises NotFound where the
    task is deleted.
    """
    follower = ConsoleFollower()
    while True:
        try:
            paths = places.locate(store, task_id)
            # The state comes before the reading: what a run writes, it writes before it ends.
            has_ended = liveness.settle(store, paths, tasks.read(paths)).status in ENDED
        except FileNotFoundError:
            store.places.pop(task_id, None)  # moved between looking and reading
            continue
        yield follower.read(paths, is_end=has_ended)
        if not has_ended:
            sleep(poll_s)
        elif paths.record.exists():
            return
        # Moved between looking and reading: what was written last is read where it is now.
