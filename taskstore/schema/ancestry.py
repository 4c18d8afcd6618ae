"""ancestry.json, tombstones, and what one version of a part of a task is called (docs/explanation/merging.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .record import DEVELOPMENT, Moment

_ID_CHARS = 20
MAX_PAST = 256
"""How many earlier versions an edit remembers; a copy that is older than that may come out as a conflict."""


class Version(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One version of a unit: its value as JSON (null: it is not there), and when it was made, where that is known."""

    id: str
    value: Any = None
    time: str = ""


class Unit(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """The smallest thing that merges as one: its heads by id, and the ids of all versions before them, both sorted."""

    heads: list[Version] = []
    past: list[str] = []


class UnitAncestry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of one unit besides its present value: that value's version, its ancestors, and its rivals.

    `hash` is that of the version's value (left out where it is the id). Where the present value has another, somebody
    has changed it since, and it is a child of that version. `before` is the same of the value that a merge is about to
    replace: as long as that one is there, it is what holds.
    """

    id: str = ""
    hash: str = ""
    time: str = ""
    past: list[str] = []
    others: list[Version] = []
    before: UnitAncestry | None = None

    @property
    def value_hash(self) -> str:
        """The hash of the version's value."""
        return self.hash or self.id


class AncestryRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """ancestry.json: what was known of a task's units when they were last edited or shared.

    `elsewhere` is the `status_changed` of a task that waits or runs in another store, as long as nothing has happened
    to it here: nobody here can tell whether it lives. `generation` counts the resets that the task has seen, where its
    record, which may show a rival's status, tells of fewer.
    """

    rev: int = 0
    elsewhere: Moment | None = None
    generation: int = 0
    units: dict[str, UnitAncestry] = {}


class Tombstone(msgspec.Struct, kw_only=True, omit_defaults=True):
    """trash/<task id>.json: a task that was removed for good, so that no copy of it brings it back.

    It holds the versions of its deletion that nobody has gone on from, and the ids of those that somebody has.
    """

    rev: int = 0
    id: str
    heads: list[Version] = []
    past: list[str] = []


LOCAL_FIELDS = frozenset({"id", "rev", "last_update"})
"""Fields of task.json that each store has for itself."""
STATUS_FIELDS = frozenset(
    {
        *("status", "status_reason", "status_message", "status_changed", "enqueue_status", "started", "completed"),
        *("active_duration", "last_worker", "execution", "history"),
    }
)
"""Fields of task.json that are one unit: they change together, and the history says in which order."""


def fields_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a task.json that are units of their own, by the unit's name.

    The system tag of what a run has made goes with the status, since enqueueing takes it off.
    """
    found = {}
    for key, value in task.items():
        if key in LOCAL_FIELDS or key in STATUS_FIELDS:
            continue
        if key == "system_tags":
            value = [tag for tag in value if tag != DEVELOPMENT]
            if not value:
                continue
        found[unit_name("task", key) if "/" in key or key == "project" else key] = value
    return found


def parameters_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a params.json by their units' names."""
    return {
        unit_name("params", section, name): item
        for section, items in params.get("hyperparams", {}).items()
        for name, item in items.items()
    }


def version_id(value: object, past: Iterable[str] = ()) -> str:
    """Return what a version is called: a hash of its value, however its keys are ordered, and of its ancestors."""
    digest = hashlib.sha256(msgspec.json.encode(value, order="deterministic"))
    for name in sorted(past):
        digest.update(b"\0" + name.encode())
    return digest.hexdigest()[:_ID_CHARS]


def ancestor_id(version: Version) -> str:
    """Return by what name a version is in the past of those that went on from it."""
    return version.id.partition(":")[0]


def unit_of(value: Any, known: UnitAncestry | None, time: str) -> Unit:  # noqa: ANN401 - plain JSON values
    """Return a unit by its present value and by what was known of it; `time` is that of a value nobody knows.

    A unit without a value, of which nothing is known, has no heads.
    """
    hashed = version_id(value)
    known = that_holds(known, hashed)
    if known is None or not known.id:
        return Unit() if value is None else Unit(heads=[Version(id=hashed, value=value, time=time)])
    past = set(known.past)
    if hashed == known.value_hash:
        present = Version(id=known.id, value=value, time=known.time)
    else:
        past.add(known.id)
        present = Version(id=version_id(value, past), value=value, time=later(time, known))
    return unit_from([present, *known.others], past)


def later(time: str, known: UnitAncestry) -> str:
    """Return when a value was made that is new: after all that was known then, whatever the clocks say.

    So it is what is shown, also where the version that it went on from has rivals.
    """
    return max([time, *(f"{each}~" for each in (known.time, *(other.time for other in known.others)) if each >= time)])


def that_holds(known: UnitAncestry | None, hashed: str) -> UnitAncestry | None:
    """Return what is known of the value with this hash, which may be the one that a merge was about to replace."""
    entry = known
    while entry is not None and entry.value_hash != hashed:
        entry = entry.before
    return known if entry is None else entry


def unit_from(versions: Iterable[Version], past: set[str]) -> Unit:
    """Return the unit of which these are the versions that count, but for those that are past.

    Of versions of one name, which differ in no more than their time and details, the latest counts.
    """
    heads: dict[str, Version] = {}
    for version in versions:
        name = ancestor_id(version)
        if name not in past:
            rival = heads.get(name)
            heads[name] = version if rival is None else max(version, rival, key=_order)
    return Unit(heads=[heads[key] for key in sorted(heads)], past=sorted(past))


def _order(version: Version) -> tuple[str, str, bytes]:
    return version.time, version.id, msgspec.json.encode(version.value, order="deterministic")


def shown(unit: Unit) -> Version:
    """Return the head that the task's records show: the latest, and of two of one time the one with the greater id."""
    return max(unit.heads, key=_order)


def known_of(unit: Unit) -> UnitAncestry:
    """Return what ancestry.json holds of a unit, whose value its record holds."""
    head = shown(unit)
    hashed = version_id(head.value)
    return UnitAncestry(
        id=head.id,
        hash="" if hashed == head.id else hashed,
        time=head.time,
        past=unit.past,
        others=[version for version in unit.heads if version is not head],
    )


def unit_name(*parts: str) -> str:
    """Return what a unit is called: its parts with `/` between; only the last part may hold one itself."""
    *first, last = parts
    return "/".join([*(part.replace("%", "%25").replace("/", "%2F") for part in first), last])


def unit_parts(name: str, count: int) -> list[str]:
    """Return the parts that `unit_name` was given, of which there were `count`."""
    *first, last = name.split("/", count - 1)
    return [*(part.replace("%2F", "/").replace("%25", "%") for part in first), last]
