"""How a task stands: status, progress, last iteration, where it ran or waits."""

from __future__ import annotations

from datetime import datetime

from .errors import refuse
from .held import Held


class Standing(Held):
    """Reads how the task stands."""

    def get_archived(self) -> bool:
        """Tell whether the task has been put away."""
        return self._task.details.get_archived()

    def set_archived(self, archive: bool) -> None:
        """Put the task away, or bring it back."""
        self._task.details.set_archived(archive)

    def get_progress(self) -> int | None:
        """Return the progress, 0 to 100."""
        return self._task.details.get_progress()

    def set_progress(self, progress: float) -> None:
        """Say how far the task is, 0 to 100."""
        self._task.details.set_progress(progress)

    def get_status(self) -> str:
        """Return the status as it is now."""
        return self._task.get_status()

    @property
    def status(self) -> str:
        """The status as it is now."""
        return self._task.get_status()

    def get_status_message(self) -> tuple[str, str]:
        """Return the status and the message that goes with it."""
        return self._task.get_status(), self._record().status_message

    def get_last_iteration(self) -> int:
        """Return the highest iteration reported; 0 where there is none."""
        return int(self._task.reports.last_iteration() or 0)

    @property
    def last_worker(self) -> str:
        """The machine that ran the task."""
        return self._record().host

    @property
    def last_update(self) -> datetime | None:
        """When the task was changed last."""
        return self._record().last_update

    def get_project_object(self) -> object:
        """Return the project: `name`, `task_count` and `folder`."""
        from .finding import Finding

        return next(one for one in Finding.get_projects() if one.name == self._task.get_project_name())

    def get_executed_queue(self, return_name: bool = False) -> str | None:  # noqa: ARG002 - a queue's id is its name
        """Return the queue that the task waits in, or was started from."""
        execution = self._record().execution
        return (execution.queue or None) if execution is not None else None

    def get_random_seed(self) -> int | None:
        """Return None: taskstore seeds nothing."""
        return None

    @classmethod
    def set_random_seed(cls, random_seed: int | None) -> None:
        """Accept None, and nothing else."""
        if random_seed is not None:
            refuse("set_random_seed", "taskstore seeds nothing: call random.seed, numpy.random.seed, torch.manual_seed")
