"""What the task has stored that this process was launched for, before the program says Task.init.

A program that says it within the function that click, fire or hydra calls has its arguments by then: what is stored
must replace them earlier. Whatever is wrong with the task, Task.init says it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from .mode import Mode, decide


class Ahead:
    """The stored parameters and configuration objects of one task; nothing of a task that cannot be read."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id

    def parameters(self, section: str) -> Mapping[str, str]:
        """Return the stored texts of a section."""
        from ..core.errors import TaskstoreError
        from ..sections import parameters
        from ..store import places, tasks
        from ..store.store import open_default

        try:
            paths = places.locate(open_default(), self._task_id)
            return parameters.overrides(tasks.read_params(paths).hyperparams.get(section, {}))
        except (OSError, TaskstoreError):
            return {}

    def configuration(self, name: str) -> str | None:  # noqa: ARG002 - of the protocol
        """Return a stored configuration object."""
        return None


def of_this_process() -> Ahead | None:
    """Return what is stored for the task that this process was launched for and has not begun yet."""
    role = decide(os.environ)
    return Ahead(role.task_id) if role.mode is Mode.ATTACHED else None
