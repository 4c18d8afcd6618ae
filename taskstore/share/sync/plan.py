"""What is to be done so that two manifests agree: pure, and known before anything moves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from .manifest import Manifest


class Way(Enum):
    """In which direction tasks go."""

    PULL = "pull"
    PUSH = "push"
    SYNC = "sync"

    @property
    def is_in(self) -> bool:
        """Whether tasks come from there."""
        return self is not Way.PUSH

    @property
    def is_out(self) -> bool:
        """Whether tasks go there."""
        return self is not Way.PULL


@dataclass(frozen=True)
class Plan:
    """Ids of tasks, in order: those that only the other side has, those that only this one has, those that differ.

    `same` counts those that are alike. What a direction does not move is not in it.
    """

    to_pull: tuple[str, ...] = ()
    to_push: tuple[str, ...] = ()
    to_merge: tuple[str, ...] = ()
    same: int = 0

    @property
    def ids(self) -> list[str]:
        """All tasks that something is to be done about, in order."""
        return sorted([*self.to_pull, *self.to_push, *self.to_merge])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.to_pull or self.to_push or self.to_merge)

    def only(self, wanted: Collection[str]) -> Plan:
        """Return the plan for some tasks."""
        kept = [tuple(item for item in ids if item in wanted) for ids in (self.to_pull, self.to_push, self.to_merge)]
        return Plan(kept[0], kept[1], kept[2], self.same)


def plan(mine: Manifest, theirs: Manifest, way: Way, only: Collection[str] | None = None) -> Plan:
    """Compare two manifests. A deleted task that the other side never had is nobody's business there."""
    wanted = set(mine) | set(theirs)
    if only is not None:
        wanted &= set(only)
    to_pull, to_push, to_merge = [], [], []
    same = 0
    for task_id in sorted(wanted):
        here, there = mine.get(task_id), theirs.get(task_id)
        if here is None:
            if there is not None and way.is_in and not there.is_trashed:
                to_pull.append(task_id)
        elif there is None:
            if way.is_out and not here.is_trashed:
                to_push.append(task_id)
        elif here.digest == there.digest:
            same += 1
        else:
            to_merge.append(task_id)
    return Plan(tuple(to_pull), tuple(to_push), tuple(to_merge), same)
