"""What a task is, as something that merges: `join` is the least state that knows what both know.

A state is pure data that goes through JSON: hashes and values, and no file's content. Each unit is a set of versions
that nobody has gone on from (`heads`) and the names of those that somebody has (`past`). A join keeps the heads of both
that are in neither's past: that is commutative, associative and idempotent, whatever the histories were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from ...core.states import Status
from ...schema.ancestry import Unit, Version, ancestor_id, shown, unit_from

RUN_UNITS = frozenset({"runtime", "script", "imported"})
RUN_PREFIXES = ("artifacts/", "models.output/", "file/source/")
STATUS = "status"
PROJECT = "project"
TRASHED = "trashed"
_OUTPUT_PREFIXES = ("artifacts/", "models.output/")


class File(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """A file's size in bytes and SHA-256 in hex; `hash` is empty of a debug sample, whose name is never used again."""

    size: int
    hash: str = ""


class TaskState(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One task. What the run alone writes (logs, outputs) counts for the latest `generation`: a reset begins a new one.

    `last_update` (the later one counts) and `samples` (debug samples by path, which the logs name) are no part of the
    digest.
    """

    id: str
    generation: int = 0
    units: dict[str, Unit] = {}
    logs: dict[str, File] = {}
    last_update: str = ""
    samples: dict[str, int] = {}


def is_of_run(name: str) -> bool:
    """Tell whether the run alone writes a unit: then the later one of two versions is simply the better one."""
    return name in RUN_UNITS or name.startswith(RUN_PREFIXES)


def is_output(name: str) -> bool:
    """Tell whether a reset deletes a unit."""
    return name == "runtime" or name.startswith(_OUTPUT_PREFIXES)


def conflicts(state: TaskState) -> dict[str, Unit]:
    """Return the units of which there are rivals that a person has to choose between."""
    return {name: unit for name, unit in state.units.items() if is_conflict(name, unit)}


def is_conflict(name: str, unit: Unit) -> bool:
    """Tell whether a unit's heads are rivals that say different things. Of deletion and restoration the last counts."""
    if len(unit.heads) < 2 or name == TRASHED:
        return False
    return len({msgspec.json.encode(version.value, order="deterministic") for version in unit.heads}) > 1


def is_trashed(state: TaskState) -> bool:
    """Tell whether the task is deleted: it lies in the trash, or was removed for good."""
    unit = state.units.get(TRASHED)
    return unit is not None and shown(unit).value is not None


def join(one: TaskState, other: TaskState) -> TaskState:
    """Return the state that knows what both know. Raises ValueError for states of two tasks."""
    if one.id != other.id:
        raise ValueError(f"{one.id} and {other.id} are two tasks")
    generation = max(one.generation, other.generation)
    left, right = (_of_generation(state, generation) for state in (one, other))
    return TaskState(
        id=one.id,
        generation=generation,
        units=_joined(left.units, right.units),
        logs=_longest(left.logs, right.logs),
        last_update=max(one.last_update, other.last_update),
        samples={**left.samples, **right.samples},
    )


def _of_generation(state: TaskState, generation: int) -> TaskState:
    """Return a state as a reset leaves it, where it is of an earlier generation."""
    if state.generation == generation:
        return state
    kept = {name: unit for name, unit in state.units.items() if not is_output(name)}
    return msgspec.structs.replace(state, units=kept, logs={}, samples={})


def _joined(left: Mapping[str, Unit], right: Mapping[str, Unit]) -> dict[str, Unit]:
    names = dict.fromkeys([*left, *right])
    return {name: join_units(name, left.get(name, _NONE), right.get(name, _NONE)) for name in names}


_NONE = Unit()


def join_units(name: str, one: Unit, other: Unit) -> Unit:
    """Return the heads of both that neither has gone on from, and all that both know to be past.

    Of what the run alone writes, the latest of all.
    """
    if one == other:
        return one
    joined = unit_from([*one.heads, *other.heads], {*one.past, *other.past})
    if is_of_run(name):
        return Unit(heads=[shown(joined)])
    return _published_once(joined) if name == STATUS and len(joined.heads) > 1 else joined


def _published_once(status: Unit) -> Unit:
    """Return a status in which, of several publications of one run, the latest has followed on the others."""
    latest: dict[bytes, Version] = {}
    replaced: list[Version] = []
    for version in sorted(status.heads, key=lambda each: (each.time, each.id)):
        if not isinstance(version.value, dict) or version.value.get("status") != Status.PUBLISHED.value:
            continue
        before = msgspec.json.encode(version.value.get("history", [])[:-1], order="deterministic")
        if before in latest:
            replaced.append(latest[before])
        latest[before] = version
    return unit_from(status.heads, {*status.past, *map(ancestor_id, replaced)}) if replaced else status


def _longest(left: Mapping[str, File], right: Mapping[str, File]) -> dict[str, File]:
    longest = dict(left)
    for name, log in right.items():
        rival = longest.get(name)
        longest[name] = log if rival is None else max(log, rival, key=lambda each: (each.size, each.hash))
    return longest


def digest(state: TaskState) -> str:
    """Return a hash of all that merges: tasks with one digest need no exchange. A deleted one is deleted, no more."""
    if is_trashed(state):
        told: list[object] = [state.id, "trashed", _told(state.units[TRASHED])]
    else:
        units = {name: _told(unit) for name, unit in state.units.items()}
        told = [state.id, state.generation, units, state.logs]
    return hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()


def _told(unit: Unit) -> list[object]:
    """Say what of a unit is told apart; when a version was made matters only where there are two to choose from."""
    if len(unit.heads) == 1:
        return [unit.heads[0].id, unit.past]
    return [[[version.id, version.time] for version in unit.heads], unit.past]
