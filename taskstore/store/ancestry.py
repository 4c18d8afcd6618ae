"""What is known of versions of a task's parts other than the present one: noted where people edit.

Only a change of a value that was there is noted: of a first value there is no earlier version that anybody could have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..core.clock import to_text
from ..core.errors import Damaged
from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.ancestry import MAX_PAST, AncestryRecord, UnitAncestry, fields_of, later, shown, unit_of, version_id
from ..schema.record import TaskRecord

TRASHED = "trashed"
"""The unit of a task's deletion."""
PROJECT = "project"
"""The unit of the place that a task has."""
_OF_RUN = frozenset({"runtime", "imported"})


def read(paths: TaskPaths) -> AncestryRecord:
    """Return what is known of a task; nothing is an empty record. Raises Damaged."""
    try:
        return codec.decode(AncestryRecord, read_bytes(paths.ancestry), paths.ancestry)
    except FileNotFoundError:
        return AncestryRecord()


def is_elsewhere(paths: TaskPaths, record: TaskRecord) -> bool:
    """Tell whether a task waits or runs in the store that it was copied from, as far as anybody here knows."""
    try:
        known = read(paths).elsewhere
    except Damaged:
        return False
    return known is not None and known == record.status_changed


def open_conflicts(paths: TaskPaths) -> list[str]:
    """Return the units of which there are rivals that a person has to choose between. Raises Damaged."""
    return sorted(
        name
        for name, entry in read(paths).units.items()
        if name != TRASHED and any(version_id(other.value) != entry.value_hash for other in entry.others)
    )


def of_fields(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return what people edit of a task.json, by unit."""
    return {name: value for name, value in fields_of(task).items() if name not in _OF_RUN}


def edited(
    paths: TaskPaths, before: Mapping[str, Any], after: Mapping[str, Any], now: datetime
) -> tuple[AncestryRecord, bytes] | None:
    """Return what ancestry.json is after an edit, and its bytes before; None where there is nothing to note.

    `before` and `after` are values by unit, null where there is none. It is written before the edit: a version that was
    noted and not made harms nobody. Raises Damaged.
    """
    changed = [name for name, value in before.items() if value is not None and value != after.get(name)]
    if not changed:
        return None
    try:
        previous = read_bytes(paths.ancestry)
    except FileNotFoundError:
        previous = b"{}"
    record = codec.decode(AncestryRecord, previous, paths.ancestry)
    for name in changed:
        record.units[name] = _child(record.units.get(name), before[name], after.get(name), to_text(now))
    record.rev += 1
    return record, previous


def _child(known: UnitAncestry | None, before: Any, after: Any, now: str) -> UnitAncestry:  # noqa: ANN401 - plain JSON
    earlier = unit_of(before, known, "")
    own = shown(earlier)
    # In the order in which they came, which `past` of a unit is not in: the oldest go first.
    in_order = known.past if known is not None else []
    past = [*dict.fromkeys([*(each for each in in_order if each in earlier.past), *earlier.past])][-MAX_PAST:]
    past.append(own.id)
    others = [version for version in earlier.heads if version is not own]
    time = later(now, UnitAncestry(time=own.time, others=others))
    return UnitAncestry(id=version_id(after, past), hash=version_id(after), time=time, past=past, others=others)
