"""What is to be done about a task that differs, once its states are known: pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..merging import TaskState, conflicts, digest, join
from .plan import Way

NEWER_THERE = "it is newer there: `taskstore pull` brings it here"
NEWER_HERE = "it is newer here: `taskstore push` brings it there"


@dataclass(frozen=True)
class Decision:
    """Whether the task is brought in from there, and whether it is put there; neither of both: `reason` says why."""

    is_pulled: bool
    is_pushed: bool
    reason: str = ""

    @property
    def action(self) -> str:
        """In one word; nothing where the task is left as it is."""
        return _ACTIONS[self.is_pulled, self.is_pushed]


_ACTIONS = {(True, False): "pulled", (False, True): "pushed", (True, True): "merged", (False, False): ""}


def decided(mine: TaskState | None, theirs: TaskState | None, way: Way, *, can_merge: bool) -> Decision:
    """Decide by what each side knows. A side that cannot merge is given a state that knows all that it knows itself."""
    is_there, is_here = not _knows(mine, theirs), not _knows(theirs, mine)
    is_pushed = way.is_out and is_here
    is_pulled = is_there and (way.is_in or (is_pushed and not can_merge))
    if is_pulled or is_pushed:
        return Decision(is_pulled, is_pushed)
    return Decision(False, False, NEWER_THERE if is_there else NEWER_HERE if is_here else "")


def _knows(one: TaskState | None, other: TaskState | None) -> bool:
    """Tell whether one state knows all that another one does; of nothing there is nothing to know."""
    if other is None or one is None:
        return other is None
    return digest(join(one, other)) == digest(one)


def conflicts_of(mine: TaskState | None, theirs: TaskState | None) -> tuple[str, ...]:
    """Return the units that a person would have to decide."""
    if mine is None or theirs is None:
        one = mine or theirs
        return tuple(conflicts(one)) if one is not None else ()
    return tuple(conflicts(join(mine, theirs)))
