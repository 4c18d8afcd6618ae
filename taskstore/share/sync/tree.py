"""Where a task's files are at a remote, which has the tree of a store, and in which order they go there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ...core.names import decode, project_parts
from ...disk.atomic import is_temporary
from ...disk.layout import BEACON, CONFLICTS, EVENTS, LOCK, PROJECT, RECORD, STOP, StorePaths
from ...disk.text import format_yaml
from ..merging.state import shown
from ..merging import TaskState, files_of, is_trashed
from .manifest import Entry

_LOCAL = frozenset({STOP, LOCK, BEACON})
_ROOT = StorePaths(Path())
MANIFEST = "sync/manifest.json"
STATES = "sync/tasks"


def state_name(task_id: str, digest: str) -> str:
    """Return where a state is kept."""
    return f"{STATES}/{task_id}-{digest}.json"


def entry_of(state: TaskState, digest: str) -> Entry:
    """Return the line of a manifest for a state."""
    return Entry(_text(state, "project"), _text(state, "name"), digest, is_trashed(state))


def _text(state: TaskState, unit: str) -> str:
    found = state.units.get(unit)
    value = shown(found).value if found is not None else None
    return value if isinstance(value, str) else ""


def folder(state: TaskState) -> str:
    """Return where a task's files are."""
    return (_ROOT.project(project_parts(_text(state, "project"))) / state.id).as_posix()


def names(state: TaskState) -> list[str]:
    """Return where the files are that a state names, without its records; a deleted task has none."""
    if is_trashed(state):
        return []
    place = folder(state)
    return [f"{place}/{name}" for name in files_of(state)]


def project_records(state: TaskState) -> dict[str, bytes]:
    """Return the record of each project above the task whose name its folder abbreviates."""
    parts = project_parts(_text(state, "project"))
    found = {}
    for count, part in enumerate(parts, 1):
        place = _ROOT.project(parts[:count])
        if decode(place.name) is None:
            found[f"{place.as_posix()}/{PROJECT}"] = format_yaml({"name": part})
    return found


def in_order(names: Iterable[str], blobs: Mapping[str, object]) -> list[list[str]]:
    """Return the names of a task's files that travel, in groups: what a group names lies in one before it."""
    groups: list[list[str]] = [[], [], [], []]
    for name in sorted(names):
        # summary.json is derived: it goes along for those who read a remote as a store.
        if name in _LOCAL or any(is_temporary(part) for part in name.split("/")):
            continue
        if name.startswith(f"{EVENTS}/"):
            groups[1].append(name)
        elif name in blobs or name.startswith(f"{CONFLICTS}/"):
            groups[0].append(name)
        else:
            groups[3 if name == RECORD else 2].append(name)
    return groups
