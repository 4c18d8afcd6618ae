"""What is said of a task: name, project, tags, comment, type, parent."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from ..schema.record import ARCHIVED
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
