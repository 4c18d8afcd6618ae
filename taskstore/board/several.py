"""One thing done to several tasks: each is handled, and what failed is said task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ..core.errors import TaskstoreError
from ..store.store import Store
from . import actions
from .actions import Done

_SHOWN = 5


@dataclass(frozen=True)
class Failure:
    """Why a task was not changed."""

    task_id: str
    text: str


@dataclass
class Outcome:
    """What was done to each of the tasks, and why not to the others."""

    done: list[Done] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    @property
    def undo(self) -> dict[str, list[str]]:
        """The ids of the tasks that an action takes back, by its key."""
        found: dict[str, list[str]] = {}
        for done in self.done:
            if done.undo:
                found.setdefault(done.undo, []).append(done.task_id)
        return found

    @property
    def text(self) -> str:
        """What was done to how many, a line for each thing, and what must be known of it."""
        texts: dict[str, int] = {}
        for done in self.done:
            texts[done.text] = texts.get(done.text, 0) + 1
        said = [f"{count:,} task{'s' * (count != 1)}: {text}" for text, count in texts.items()]
        notes = list(dict.fromkeys(note for done in self.done for note in done.notes))
        return "\n".join([*_first(said), *_first(notes)])


def _first(texts: list[str]) -> list[str]:
    return [*texts[:_SHOWN], *([f"and {len(texts) - _SHOWN:,} more"] if len(texts) > _SHOWN else [])]


def do(store: Store, task_ids: Sequence[str], key: str, values: Mapping[str, object] = MappingProxyType({})) -> Outcome:
    """Do one thing to each of the tasks, with the same values, as `actions.do`."""
    outcome = Outcome()
    for task_id in dict.fromkeys(task_ids):
        try:
            outcome.done.append(actions.do(store, task_id, key, **values))
        except TaskstoreError as error:
            outcome.failed.append(Failure(task_id, str(error)))
    return outcome


def undo(store: Store, outcome: Outcome) -> Outcome:
    """Take back what can be of it, the last first."""
    back = Outcome()
    for key, ids in outcome.undo.items():
        part = do(store, ids[::-1], key)
        back.done += part.done
        back.failed += part.failed
    return back
