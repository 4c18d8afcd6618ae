"""A state as the records of a task: the shown versions, and in ancestry.json all that is known besides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...core.clock import from_text, to_text
from ...disk.layout import ANCESTRY, RECORD
from ...disk.text import parse_json_object
from ...schema import codec
from ...schema.ancestry import AncestryRecord, UnitAncestry, known_of, shown, version_id
from ...schema.record import Moment
from . import units
from .reading import RECORDS, resets
from .state import STATUS, TaskState


def shown_values(state: TaskState) -> units.Values:
    """Return the values that a task's records hold in a state; what is not there is left out."""
    values = {name: shown(unit).value for name, unit in state.units.items()}
    return {name: value for name, value in values.items() if value is not None}


def records_of(state: TaskState) -> dict[str, bytes]:
    """Return what the records of a task in this state hold, were it alone in the world: what is local is left out."""
    found = spelled(state, shown_values(state), {})
    return {**found, ANCESTRY: codec.encode(ancestry(state, None, 0))}


def spelled(state: TaskState, values: units.Values, previous: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the records of a task that are not as they were, over what they were before: what is local stays.

    Raises Damaged where some version of something is not what a record may hold.
    """
    made = units.records(values)
    found = {}
    for name, kind in RECORDS.items():
        before = parse_json_object(Path(name), previous[name]) if name in previous else {}
        if not before and name not in made:
            continue
        after = made.get(name, {})
        if name == RECORD:
            after = _with_local(after, before, state)
        after = _in_order({"rev": _revision(before), **after}, before)
        if {**after, "rev": 0} != {**before, "rev": 0}:
            after["rev"] = _revision(before) + 1
            found[name] = codec.encode_plain(after)
            codec.decode(kind, found[name], Path(state.id, name))
    return found


def _revision(record: Mapping[str, Any]) -> int:
    found = record.get("rev", 0)
    return found if isinstance(found, int) else 0


def _with_local(after: dict[str, Any], before: Mapping[str, Any], state: TaskState) -> dict[str, Any]:
    record = {"id": state.id, "rev": 0, **after}
    marks = [mark for mark in before.get(units.IMPORTED, []) if mark.get("kind") == units.OWN_KIND]
    if marks:
        record[units.IMPORTED] = [*record.get(units.IMPORTED, []), *marks]
    execution = {key: value for key, value in (record.pop("execution", None) or {}).items() if key != "trusted"}
    trusted = (before.get("execution") or {}).get("trusted")
    if trusted:
        execution["trusted"] = trusted
    if execution:
        record["execution"] = execution
    record["last_update"] = before["last_update"] if _same_time(before, state) else _spelled(state)
    return record


def _same_time(before: Mapping[str, Any], state: TaskState) -> bool:
    found = before.get("last_update")
    return isinstance(found, str) and to_text(from_text(found)) == state.last_update


def _spelled(state: TaskState) -> object:
    return msgspec.to_builtins(from_text(state.last_update))


def _in_order(new: Any, old: Any) -> Any:  # noqa: ANN401 - plain JSON values
    """Return a value whose keys are in the order in which they were before, new ones behind them."""
    if not isinstance(new, dict) or not isinstance(old, dict):
        return new
    kept = {key: _in_order(new[key], old[key]) for key in old if key in new}
    return {**kept, **{key: value for key, value in new.items() if key not in old}}


def known_units(state: TaskState) -> dict[str, UnitAncestry]:
    """Return what ancestry.json holds of a state's units."""
    return {name: known_of(unit) for name, unit in state.units.items()}


def _untold(state: TaskState) -> int:
    """Return the number of resets, where the status that is shown does not tell it."""
    history = shown(state.units[STATUS]).value.get("history", [])
    told = resets(change["status"] for change in history)
    return state.generation if state.generation > told else 0


def ancestry(
    joined: TaskState, elsewhere: Moment | None, rev: int, replaced: TaskState | None = None
) -> AncestryRecord:
    """Return ancestry.json for a state; with what is known of the values that it is about to replace."""
    record = AncestryRecord(
        rev=rev + 1, elsewhere=elsewhere, generation=_untold(replaced or joined), units=known_units(joined)
    )
    if replaced is None:
        return record
    for name, entry in record.units.items():
        before = replaced.units.get(name)
        known = known_of(before) if before is not None else UnitAncestry(hash=version_id(None))
        if known.value_hash != entry.value_hash:
            entry.before = known
    return record
