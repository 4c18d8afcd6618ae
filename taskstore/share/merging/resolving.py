"""Deciding between the rivals that a merge has kept: the decision is a version that comes after all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ...core.clock import to_text
from ...core.errors import BadValue, Busy, NotFound, Refused
from ...core.names import check_name, check_tag, project_parts
from ...disk.layout import TaskPaths
from ...schema.ancestry import Unit, Version, ancestor_id, shown, version_id
from ...schema.record import Change
from ...store import ancestry, places, tasks
from ...store.store import Store, writing
from .applying import apply
from .bringing import ChangedMeanwhile, Nothing, leave, place_of, unchanged, why_not
from .frozen import is_published
from .own import Here, look
from .planning import Planner
from .staging import Fetcher
from .state import PROJECT, STATUS, TaskState, is_conflict

_Choice = Callable[[tuple[Version, ...]], Any]


@dataclass(frozen=True)
class Rivals:
    """The versions of a unit that were merged: first the one that the task shows, then the others, the latest first."""

    unit: str
    versions: tuple[Version, ...]


def rivals(state: TaskState) -> list[Rivals]:
    """Return what of a task a person has to decide."""
    return [Rivals(name, _in_order(unit)) for name, unit in sorted(state.units.items()) if is_conflict(name, unit)]


def _in_order(unit: Unit) -> tuple[Version, ...]:
    head = shown(unit)
    others = sorted(
        (each for each in unit.heads if each is not head), key=lambda each: (each.time, each.id), reverse=True
    )
    return (head, *others)


def with_conflicts(store: Store) -> list[tuple[str, list[str]]]:
    """Return the tasks of a store of which something is to be decided, each with the names of those units."""
    found = []
    for folder, task_id in places.walk(store, []):
        paths = TaskPaths(Path(folder) / task_id)
        units = ancestry.open_conflicts(paths)
        if units:
            found.append((task_id, units))
    return found


def take(store: Store, task_id: str, unit: str, number: int) -> Version:
    """Decide for one of a unit's versions, counted from 1 as in `rivals`; return the version that this has made.

    Raises NotFound where there is nothing to decide, BadValue, Refused where it cannot be had, or the task runs here.
    """

    def choose(versions: tuple[Version, ...]) -> Any:  # noqa: ANN401 - plain JSON values
        if not 1 <= number <= len(versions):
            raise BadValue(f"there is no version {number} of {unit}: there are {len(versions)}")
        return versions[number - 1].value

    return _decide(store, task_id, unit, choose)


def give(store: Store, task_id: str, unit: str, text: str) -> Version:
    """Decide for a value that none of the versions has, given as text; otherwise as `take`. Raises BadName, too."""

    def choose(versions: tuple[Version, ...]) -> Any:  # noqa: ANN401 - plain JSON values
        value = next((version.value for version in versions if version.value is not None), None)
        if isinstance(value, str):
            return _checked(unit, text)
        if isinstance(value, list):
            return list(dict.fromkeys(check_tag(part) for part in text.split(",") if part.strip()))
        if isinstance(value, dict) and unit.startswith("params/"):
            return {**value, "value": text}
        raise BadValue(f"{unit} is no text; decide for one of its versions with --take")

    return _decide(store, task_id, unit, choose)


def _checked(unit: str, text: str) -> str:
    if unit == PROJECT:
        return "/".join(project_parts(text))
    return check_name("task", text) if unit == "name" else text


def _decide(store: Store, task_id: str, unit: str, choose: _Choice) -> Version:
    here = look(store, task_id)
    found = {each.unit: each for each in rivals(here.state)} if here is not None else {}
    if here is None or here.paths is None or here.survey is None or unit not in found:
        raise NotFound("conflict", unit, f"`taskstore conflicts show {task_id[:12]}` shows what is to be decided")
    reason = why_not(store, here)
    if reason:
        raise Refused(f"task {task_id[:12]}: {reason}")
    decided = _after_all(store, unit, here.state.units[unit], choose(found[unit].versions))
    wanted = msgspec.structs.replace(
        here.state, units={**here.state.units, unit: decided}, last_update=to_text(store.clock.now())
    )
    try:
        with writing(store):
            _write(store, here, wanted)
    except ChangedMeanwhile:
        raise Busy(here.paths.record, 0) from None
    return shown(decided)


def _write(store: Store, here: Here, wanted: TaskState) -> None:
    assert here.paths is not None  # noqa: S101 - checked by who calls
    assert here.survey is not None  # noqa: S101 - as above
    fetcher = Fetcher(Nothing(), wanted.id, here.paths.home)
    planned = Planner(wanted, here.survey, here.paths, fetcher).plan(wanted, {})
    if set(planned.missing) - set(Planner(here.state, here.survey, here.paths, fetcher).plan(here.state, {}).missing):
        raise Refused(f"a file of that version is not here: {planned.missing[0]}")
    if is_published(wanted) and planned.blobs:
        raise Refused(f"task {wanted.id[:12]} is published, and its files stay as they are")
    with unchanged(store, here) as paths:
        applied = apply(store, paths, here.survey, planned, None)
        leave(store, paths, applied, place_of(store, wanted, paths))


def _after_all(store: Store, name: str, unit: Unit, value: Any) -> Unit:  # noqa: ANN401 - plain JSON values
    """Return a unit with one head, which comes after all that there were."""
    now = store.clock.now()
    past = {*unit.past, *(ancestor_id(version) for version in unit.heads)}
    time = to_text(now)
    if name != STATUS:
        return Unit(heads=[Version(id=version_id(value, past), value=value, time=time)], past=sorted(past))
    entry = msgspec.to_builtins(
        Change(status=value["status"], time=now, reason="decided between two histories", who=tasks.who())
    )
    value = {**value, "history": [*value.get("history", []), entry], "status_changed": entry["time"]}
    head = Version(id=f"{version_id(entry)}:{version_id(value)}", value=value, time=time)
    return Unit(heads=[head], past=sorted(past | {version_id(each) for each in value["history"][:-1]}))
