"""What is said of a task: name, project, tags, comment, type, parent, status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from ..schema.record import ARCHIVED
from .errors import refuse
from .held import Held, id_of, several
from .kinds import text_of


class Detailed(Held):
    """Reads and changes what is said of the task."""

    archived_tag = ARCHIVED
    NotSet = object()

    @property
    def id(self) -> str:
        """The task's id."""
        return self._task.id

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self._task.id

    @property
    def name(self) -> str:
        """The task's name."""
        return self._task.get_name()

    @name.setter
    def name(self, name: str) -> None:
        self._task.details.rename(name)

    def set_name(self, name: str) -> None:
        """Give the task another name."""
        self._task.details.rename(name)

    def rename(self, new_name: str) -> bool:
        """Give the task another name."""
        self._task.details.rename(new_name)
        return True

    @property
    def project(self) -> str:
        """The project's id, which is its name."""
        return self._task.get_project_name()

    def get_project_name(self) -> str:
        """Return the project's name."""
        return self._task.get_project_name()

    def set_project(self, project_id: str | None = None, project_name: str | None = None) -> None:
        """Move the task to another project; its id is its name."""
        self._task.details.move_to_project(project_name or project_id or "")

    def move_to_project(
        self,
        new_project_id: str | None = None,
        new_project_name: str | None = None,
        system_tags: Sequence[str] | None = None,  # noqa: ARG002 - projects have none
    ) -> bool:
        """Move the task to another project, which is made where it is new."""
        self._task.details.move_to_project(new_project_name or new_project_id or "")
        return True

    @property
    def comment(self) -> str:
        """The comment."""
        return self._task.details.get_comment()

    @comment.setter
    def comment(self, comment: str) -> None:
        self._task.details.set_comment(comment)

    def set_comment(self, comment: str) -> None:
        """Replace the comment."""
        self._task.details.set_comment(comment)

    @property
    def task_type(self) -> str:
        """The task's type."""
        return self._task.details.get_type()

    def set_task_type(self, task_type: str | Enum) -> None:
        """Set the type."""
        self._task.details.set_type(text_of(task_type))

    @property
    def parent(self) -> str | None:
        """The id of the task that this one was made from."""
        return self._task.details.get_parent()

    def set_parent(self, parent: Held | str | None) -> None:
        """Say which task this one was made from."""
        self._task.details.set_parent(id_of(parent))

    def get_tags(self) -> list[str]:
        """Return the tags."""
        return self._task.get_tags()

    def add_tags(self, tags: str | Sequence[str]) -> None:
        """Add tags."""
        self._task.details.add_tags(several(tags))

    def set_tags(self, tags: str | Sequence[str]) -> None:
        """Replace the tags."""
        self._task.details.set_tags(several(tags))

    def remove_tags(self, tags: str | Sequence[str]) -> None:
        """Take tags off."""
        self._task.details.remove_tags(several(tags))

    def get_system_tags(self) -> list[str]:
        """Return the system tags."""
        return self._task.details.get_system_tags()

    def set_system_tags(self, tags: Sequence[str]) -> None:
        """Replace the system tags."""
        self._task.details.set_system_tags(several(tags))

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
