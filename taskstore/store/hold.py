"""A task in somebody's hands: which one, in which store, and what stands around a change of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..core.errors import NotFound
from ..core.states import EDITABLE, Status
from ..disk.layout import TaskPaths
from ..schema.record import TaskRecord
from . import liveness, places, tasks
from .store import Store

_MAX_MOVES = 3


@dataclass(frozen=True)
class Hold:
    """A task of a store. The run itself may edit more than others (`editable`), and must not fail by it (`guard`)."""

    store: Store
    task_id: str
    guard: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    editable: frozenset[Status] = EDITABLE

    @property
    def paths(self) -> TaskPaths:
        """Where the task is now. Raises NotFound."""
        return places.locate(self.store, self.task_id)

    def read(self) -> TaskRecord:
        """Read the task's record, wherever it is being moved to. Raises NotFound."""
        for _ in range(_MAX_MOVES):
            try:
                return tasks.read(self.paths)
            except FileNotFoundError:
                self.store.places.pop(self.task_id, None)  # moved between looking and reading
        raise NotFound("task", self.task_id)

    def settled(self) -> TaskRecord:
        """Read the record; a run that is found dead is failed from then on."""
        return liveness.settle(self.store, self.paths, self.read())

    def edit(self, change: Callable[[TaskRecord], None]) -> None:
        """Change fields of the record. Raises ReadOnly, unless the guard takes it."""
        with self.guard():
            tasks.edit(self.store, self.task_id, change, allowed=self.editable)
