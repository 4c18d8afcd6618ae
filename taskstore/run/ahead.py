"""What the task has stored that this process was launched for, before the program says Task.init; and its end.

A program that says it within the function that click, fire or hydra calls has its arguments by then: what is stored
must replace them earlier. Whatever is wrong with the task, Task.init says it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .mode import Mode, decide

if TYPE_CHECKING:
    from .sink import StoreSink


class Ahead:
    """The stored parameters and configuration objects of one task; nothing of a task that cannot be read."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id

    def parameters(self, section: str) -> Mapping[str, str]:
        """Return the stored texts of a section."""
        sink = self._sink()
        return sink.parameters(section, {}) if sink is not None else {}

    def configuration(self, name: str, text: str, kind: str) -> str | None:
        """Return a stored configuration object, as the sink of a task that is run again does."""
        sink = self._sink()
        return sink.configuration(name, text, kind) if sink is not None else None

    def _sink(self) -> StoreSink | None:
        from ..core.errors import TaskstoreError  # loaded where a task is run again, not by each program's first parse
        from ..core.secrets import Masker
        from ..store import places
        from ..store.store import open_default
        from .sink import StoreSink

        try:
            store = open_default()
            paths = places.locate(store, self._task_id)
        except (OSError, TaskstoreError):
            return None
        sink = StoreSink(store, self._task_id, lambda: paths, Masker(), is_rerun=True)
        sink.silence()
        return sink


def end_task(error: BaseException | None) -> None:
    """End this process's open task: completed, or failed by the error that ended its part of the program."""
    from .ending import COMPLETED, of_exception
    from .session import opened

    session = opened()
    if session is not None and session.is_owner:
        session.close(COMPLETED if error is None else of_exception(type(error), error, error.__traceback__))


def of_this_process() -> Ahead | None:
    """Return what is stored for the task that this process was launched for and has not begun yet."""
    role = decide(os.environ)
    return Ahead(role.task_id) if role.mode is Mode.ATTACHED else None
