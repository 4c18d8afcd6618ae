"""What is said of a task: name, project, tags, comment, type, progress; `task.details`."""

from __future__ import annotations

from collections.abc import Iterable

from .core import checks
from .core.errors import BadValue
from .core.names import check_name, check_tag, split_project
from .core.task_types import TASK_TYPES
from .run.sink import warn
from .schema.record import ARCHIVED, PROGRESS, TaskRecord
from .store import destination, places, tasks
from .store.hold import Hold


class Details:
    """Reads and changes what is said of a task. Of a running program's own task, a store that refuses only warns."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    def rename(self, name: str) -> None:
        """Give the task another name, in any status. Raises BadName."""
        checked = check_name("task", name)
        self._hold.edit(lambda record: setattr(record, "name", checked))

    def move_to_project(self, project_name: str) -> None:
        """Move the task to another project, in any status; it is made where it is new. Raises BadName."""
        split_project(project_name)
        with self._hold.guard():
            tasks.move(self._hold.store, self._hold.task_id, project_name)

    def add_tags(self, tags: str | Iterable[str]) -> None:
        """Add one tag or several, in any status. Raises BadName."""
        added = _checked(tags)
        self._hold.edit(lambda record: setattr(record, "tags", _without_twins([*record.tags, *added])))

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Take tags off, in any status; one that the task does not have is no error."""
        removed = _checked(tags)
        self._hold.edit(lambda record: setattr(record, "tags", [tag for tag in record.tags if tag not in removed]))

    def set_tags(self, tags: str | Iterable[str]) -> None:
        """Replace all tags, in any status. Raises BadName."""
        wanted = _without_twins(_checked(tags))
        self._hold.edit(lambda record: setattr(record, "tags", wanted))

    def get_comment(self) -> str:
        """Read the comment."""
        return self._hold.read().comment

    def set_comment(self, comment: str) -> None:
        """Replace the comment, in any status. Raises BadValue where it is no text."""
        if not isinstance(comment, str):
            raise BadValue(f"comment must be a text, not {type(comment).__name__}")
        self._hold.edit(lambda record: setattr(record, "comment", comment))

    def get_output_uri(self) -> str:
        """Read where artifacts and weights go besides the task's folder; empty where nowhere."""
        return self._hold.read().output_destination

    def set_output_uri(self, uri: str | None) -> None:
        """Say where artifacts and weights go besides the task's folder from now on: a folder, or an fsspec address.

        Credentials in it are not recorded. Raises BadValue, Refused where a package for such a place is missing.
        """
        place = destination.recorded(uri) if uri else ""
        self._hold.edit(lambda record: setattr(record, "output_destination", place))

    def get_type(self) -> str:
        """Read the task's type."""
        return self._hold.read().type

    def set_type(self, task_type: str) -> None:
        """Set the type of a draft, or of the running program's own task. Raises BadValue, ReadOnly."""
        check_type(task_type)
        self._hold.edit(lambda record: setattr(record, "type", task_type))

    def get_parent(self) -> str | None:
        """Read the id of the task that this one was made from."""
        return self._hold.read().parent

    def set_parent(self, task_id: str | None) -> None:
        """Say which task a draft, or the running program's own task, was made from.

        An id, or what means a task of the store. Raises ReadOnly, BadValue, NotFound.
        """
        checks.texts(task_id=task_id)
        parent = places.id_of(self._hold.store, task_id) if task_id else None
        if parent == self._hold.task_id:
            raise BadValue(f"task_id {parent[:12]} is the task itself, and it was not made from that")
        self._hold.edit(lambda record: setattr(record, "parent", parent))

    def get_system_tags(self) -> list[str]:
        """Read the marks that programs set: development, archived, hidden and the like."""
        return list(self._hold.read().system_tags)

    def set_system_tags(self, tags: str | Iterable[str]) -> None:
        """Replace the marks that programs set, in any status."""
        wanted = _without_twins([tags] if isinstance(tags, str) else tags)
        self._hold.edit(lambda record: setattr(record, "system_tags", wanted))

    def get_archived(self) -> bool:
        """Tell whether the task has been put away."""
        return ARCHIVED in self._hold.read().system_tags

    def set_archived(self, archived: bool) -> None:
        """Put the task away, so that listings leave it out, or bring it back; nothing else changes."""
        checks.flags(archived=archived)
        self._hold.edit(lambda record: archive(record, archived))

    def get_progress(self) -> int | None:
        """Read the progress, 0 to 100; None where it was never set."""
        text = self._hold.read().runtime.get(PROGRESS, "")
        return int(text) if text.isascii() and text.isdigit() else None

    def set_progress(self, progress: float) -> None:
        """Say how far the task is, from 0 to 100, rounded; anything else is warned of and changes nothing.

        It is durable when this returns, which takes milliseconds: once an epoch, not once a batch.
        """
        is_number = isinstance(progress, (int, float)) and not isinstance(progress, bool)
        if not is_number or not 0 <= progress <= 100:  # NaN is not
            warn(f"progress {progress!r} is no number from 0 to 100; it stays as it is")
            return
        self._hold.edit(lambda record: record.runtime.update({PROGRESS: str(round(progress))}))


def check_type(task_type: object) -> None:
    """Raise BadValue where this is no type of task."""
    if task_type not in TASK_TYPES:
        raise BadValue(f"no task type {task_type!r}; it is one of {', '.join(TASK_TYPES)}")


def archive(record: TaskRecord, wanted: bool) -> None:
    """Put a task away, or bring it back."""
    others = [tag for tag in record.system_tags if tag != ARCHIVED]
    record.system_tags = [*others, ARCHIVED] if wanted else others


def _checked(tags: str | Iterable[str]) -> list[str]:
    return [check_tag(tag) for tag in ([tags] if isinstance(tags, str) else tags)]


def _without_twins(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tags))
