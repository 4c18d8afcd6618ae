"""The other side of an exchange, whatever it is: a store on a disk, or files at a remote."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ...core.errors import RemoteError, TaskstoreError
from ..merging.state import TaskState
from ..source import Source
from .manifest import Entry


class Unfit(RemoteError):
    """What a place holds of one task cannot be used; its other tasks may be fine."""


class Stopped(TaskstoreError):
    """The exchange has ended already, so this part of it need not go on. Nobody sees it."""


@dataclass
class Moved:
    """How many bytes of a task's files came, and went."""

    bytes_in: int = 0
    bytes_out: int = 0


class Peer(Protocol):
    """Several threads may call it at once, each for a task of its own. Raises RemoteError where it has failed."""

    @property
    def address(self) -> str:
        """Where it is, for messages."""
        ...

    def manifest(self, problems: list[TaskstoreError]) -> dict[str, Entry]:
        """Return an entry for each of its tasks; what cannot be read goes to `problems`."""
        ...

    def state(self, task_id: str, entry: Entry) -> TaskState:
        """Return the state of one of its tasks. Raises Unfit, Damaged, FileNotFoundError where it has gone since."""
        ...

    def source(self, state: TaskState, mine: TaskState | None, moved: Moved) -> AbstractContextManager[Source]:
        """Make what this side lacks of a task's files ready to be read quickly; `mine` is what this side has."""
        ...

    def put(self, mine: TaskState, files: Source, theirs: TaskState | None, moved: Moved) -> list[str]:
        """Make the task there the join of both, and return its conflicts; all or nothing of it is seen there."""
        ...

    def publish(self) -> list[str]:
        """Tell what was put since; return ids of tasks that somebody else has changed meanwhile: put them again."""
        ...
