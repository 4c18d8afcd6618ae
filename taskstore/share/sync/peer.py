"""The other side of an exchange, whatever it is: a store on a disk, or files at a remote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from ...core.errors import RemoteError, TaskstoreError
from ..merging import File, Origin, Outcome, TaskState
from ..merging.own import Here
from ..source import Source
from .choosing import Choice
from .manifest import Entry, Manifest

Tick = Callable[[int], None]
"""Called for each piece of a file that has moved, with its length in bytes; raises to end what is under way."""


class Unfit(RemoteError):
    """What a place holds of one task cannot be used; its other tasks may be fine."""


@dataclass
class Moved:
    """How many bytes of a task's files came, and went."""

    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True)
class There:
    """A task as the other side has it: its state, and its files as they lie, records included, where it says so."""

    state: TaskState
    files: Mapping[str, File] = field(default_factory=dict)


class Peer(Protocol):
    """Several threads may call it at once, each for a task of its own. Raises RemoteError where it has failed."""

    @property
    def origin(self) -> Origin:
        """Where it is, and whether it is trusted."""
        ...

    @property
    def can_merge(self) -> bool:
        """Whether it makes the join itself; otherwise only a state that knows all of its own may be put there."""
        ...

    def check_writable(self) -> None:
        """Raise ReadOnly or Refused where nothing can be put there; nothing is changed."""
        ...

    def make(self) -> None:
        """Make the place where it is not there yet. Raises ReadOnly, Refused."""
        ...

    def manifest(self, problems: list[TaskstoreError]) -> dict[str, Entry]:
        """Return an entry for each of its tasks; what cannot be read goes to `problems`."""
        ...

    def expect(self, known: Manifest, wanted: list[str]) -> None:
        """Get ready for tasks of which these are known there."""
        ...

    def chosen(self, choice: Choice, theirs: Manifest, mine: Manifest) -> set[str]:
        """Return the ids of its tasks that a person means; of those that are alike on both sides some may be missing.

        Raises NotFound, Ambiguous.
        """
        ...

    def look(self, task_id: str, entry: Entry) -> There:
        """Return one of its tasks. Raises Unfit, Damaged, FileNotFoundError where it has gone since."""
        ...

    def source(self, theirs: There, mine: Here | None, moved: Moved) -> AbstractContextManager[Source]:
        """Make what this side lacks of a task's files ready to be read; `mine` is what this side has."""
        ...

    def put(self, mine: Here, theirs: There | None, moved: Moved) -> Outcome:
        """Make the task there the join of both; all or nothing of it is seen there."""
        ...

    def publish(self) -> list[str]:
        """Tell what was put since; return ids of tasks that somebody else has changed meanwhile: put them again."""
        ...

    def forget(self) -> None:
        """Forget what is known of transfers that were cut off: all that was wanted is where it was to go."""
        ...

    def remember(self) -> None:
        """Look at what has come, so that the next manifest need not."""
        ...
