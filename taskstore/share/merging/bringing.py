"""Bringing a task's state in from elsewhere: afterwards the store's task is the join of both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ...core.clock import to_text
from ...core.errors import Damaged, NotFound
from ...disk.atomic import make_folders, replace_record, write_blob
from ...disk.layout import ANCESTRY, RECORD, TaskPaths
from ...schema import codec
from ...schema.ancestry import AncestryRecord, UnitAncestry, version_id
from ...store import events, places, tasks
from ...store.store import Store
from ..source import FolderSource, Source
from . import units
from .reading import exactly, read_state
from .state import TaskState, digest, join, shown

NEW = "new"
MERGED = "merged"
UNCHANGED = "unchanged"
SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a task comes from: the store's id and its address without credentials. Is it trusted, no mark is made."""

    store_id: str
    address: str
    is_trusted: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has become of a task: `kind` is new, merged, unchanged, trashed or skipped, of which `reason` says why.

    `conflicts` are the units that a person has to decide; `missing` the files that the source has not either.
    """

    task_id: str
    kind: str
    reason: str = ""
    conflicts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def bring_in(store: Store, state: TaskState, source: Source, origin: Origin, *, project: str | None = None) -> Outcome:
    """Make the store's task the join of what it is and of a state whose files the source has.

    A new task appears whole by one rename, in `project` where that is given. Raises Damaged where a file is not what
    the state says; the store's task is then as it was.
    """
    try:
        home = places.locate(store, state.id)
    except NotFound:
        _add(store, state, source, origin, project)
        return Outcome(task_id=state.id, kind=NEW)
    mine = read_state(FolderSource(home.home), state.id, places.project_of(store, home.home))
    if digest(join(mine, state)) == digest(mine):
        return Outcome(task_id=state.id, kind=UNCHANGED)
    return Outcome(task_id=state.id, kind=SKIPPED, reason="not yet")


def _add(store: Store, state: TaskState, source: Source, origin: Origin, project: str | None) -> None:
    def fill(paths: TaskPaths) -> None:
        for name, log in {**state.logs, **blobs_of(state)}.items():
            path = paths.home / name
            make_folders(path.parent, until=paths.home)
            copied, _ = write_blob(path, exactly(source.chunks(name), log.size, Path(state.id, name)))
            if log.hash and copied != log.hash:
                raise Damaged(Path(state.id, name), "its bytes are not those that were named by hash")
        for name, data in records_of(state).items():
            replace_record(paths.home / name, data)
        events.refresh_summary(paths)

    tasks.adopt(store, project or str(shown(state.units[units.PROJECT]).value), state.id, fill)


def blobs_of(state: TaskState) -> dict[str, Any]:
    """Return size and hash of every file that the state's units name, by its name."""
    from .state import File

    found: dict[str, Any] = {name: File(size=size) for name, size in state.samples.items()}
    for name, unit in state.units.items():
        value = shown(unit).value
        for ref in units.references(value):
            found[ref["path"]] = File(size=ref["size"], hash=ref["hash"])
        content = value.get("content") if name.startswith("configuration/") and isinstance(value, dict) else None
        if content:
            found[f"config/{value['file']}"] = File(**content)
        if name.startswith("file/") and value:
            found[units.unit_parts(name, 2)[1]] = File(**value)
    return found


def records_of(state: TaskState) -> dict[str, bytes]:
    """Return what the record files of a task in this state hold, but for what is local to a store."""
    values = {name: shown(unit).value for name, unit in state.units.items()}
    made = units.records(values)
    found = {}
    for name, record in made.items():
        head = {"id": state.id, "rev": 1, "last_update": state.last_update} if name == RECORD else {"rev": 1}
        found[name] = codec.encode_plain({**head, **record})
    found[ANCESTRY] = codec.encode(ancestry_of(state))
    return found


def ancestry_of(state: TaskState) -> AncestryRecord:
    """Return what ancestry.json holds of a state."""
    known = {}
    for name, unit in state.units.items():
        head = shown(unit)
        hashed = version_id(head.value)
        known[name] = UnitAncestry(
            id=head.id,
            hash="" if hashed == head.id else hashed,
            time=head.time,
            past=unit.past,
            others=[version for version in unit.heads if version.id != head.id],
        )
    return AncestryRecord(rev=1, units=known)


_ = (hashlib, msgspec, to_text)
