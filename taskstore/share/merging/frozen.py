"""Published tasks: what is frozen never changes, and comes in byte for byte, checked against its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from ...core.errors import Conflict, Damaged
from ...core.states import ALWAYS_EDITABLE, Status
from ...disk.atomic import sha256_of
from ...disk.layout import ARTIFACTS, CONFIGURATION, CONFLICTS, MANIFEST, MODELS, SCRIPT, TaskPaths
from ...disk.text import MAX_RECORD_BYTES, parse_json_object, read_bytes
from ...schema import codec
from ...schema.ancestry import shown, unit_name
from ...schema.bundle import PREFIXES
from ...schema.record import USER_PROPERTIES, ManifestRecord
from ...store import models, published
from . import units
from .planning import Plan
from .reading import Survey
from .staging import Fetcher
from .state import PROJECT, STATUS, TRASHED, TaskState, join

_RAW = (SCRIPT, CONFIGURATION, ARTIFACTS)
_FREE = ALWAYS_EDITABLE | {PROJECT, TRASHED, "imported"}
_FREE_PREFIX = unit_name("params", USER_PROPERTIES, "")


@dataclass(frozen=True)
class Frozen:
    """What of a published task comes in byte for byte, and the hashes that all of it must have; empty of any other."""

    records: Mapping[str, bytes] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    manifest: Mapping[str, str] | None = None
    without: tuple[str, ...] = ()

    def check(self, planned: Plan, records: Mapping[str, bytes], paths: TaskPaths) -> None:
        """Raise Damaged where a task would not be what its manifest says. `paths` are those of the task."""
        if self.manifest is None:
            return
        kept = {name: file for name, file in planned.kept.items() if not name.startswith(f"{CONFLICTS}/")}
        found = {name: file.hash or _hash_of(name, planned, paths) for name, file in kept.items()}
        found |= published.hashes_of_records({name: data for name, data in records.items() if name != MANIFEST})
        for name in sorted({*self.manifest, *found}):
            if name not in found and name.startswith(tuple(PREFIXES[kind] for kind in self.without)):
                continue
            if self.manifest.get(name) != found.get(name):
                raise Damaged(Path(planned.joined.id, name), "it is published, and not as it was when it was")


def _hash_of(name: str, planned: Plan, paths: TaskPaths) -> str:
    """Return the SHA-256 of a debug sample, be it in its place or on its way there."""
    source = planned.blobs.get(name)
    return sha256_of(source if source is not None and source.exists() else paths.home / name)


def is_published(state: TaskState) -> bool:
    """Tell whether a task is published."""
    return bool(shown(state.units[STATUS]).value.get("status") == Status.PUBLISHED.value)


def manifest_of(paths: TaskPaths) -> Mapping[str, str]:
    """Return the hashes of a published task's files; none of any other."""
    try:
        return codec.decode(ManifestRecord, read_bytes(paths.manifest), paths.manifest).files
    except FileNotFoundError:
        return {}


def check_published(
    here: Survey | None,
    joined: TaskState,
    theirs: TaskState,
    fetcher: Fetcher,
    manifest: Mapping[str, str] = MappingProxyType({}),
) -> Frozen:
    """Return what is to come in as it is. Raises Conflict where one side is published, and the other something else."""
    if not _comes_in_frozen(here.state if here is not None else None, joined, theirs, manifest):
        return Frozen()
    records = {name: fetcher.text(name, MAX_RECORD_BYTES) for name in _RAW if fetcher.size(name) is not None}
    places: dict[tuple[str, str], str] = {}
    for name in (*_RAW, MODELS):
        if fetcher.size(name) is not None:
            value = parse_json_object(Path(joined.id, name), fetcher.text(name, MAX_RECORD_BYTES))
            for ref in units.references(value):
                places[units.canonical(ref["path"], ref["hash"]), ref["hash"]] = ref["path"]
    path = Path(joined.id, MANIFEST)
    if fetcher.size(MANIFEST) is None:
        raise Damaged(path, "the task is published, and this is missing")
    records[MANIFEST] = fetcher.text(MANIFEST, MAX_RECORD_BYTES)
    return Frozen(records, places, codec.decode(ManifestRecord, records[MANIFEST], path).files)


def check_joinable(here: TaskState, theirs: TaskState, manifest: Mapping[str, str] = MappingProxyType({})) -> None:
    """Raise Conflict where `theirs` would not be let in, as `check_published` does; by their states alone."""
    _comes_in_frozen(here, join(here, theirs), theirs, manifest)


def _comes_in_frozen(here: TaskState | None, joined: TaskState, theirs: TaskState, manifest: Mapping[str, str]) -> bool:
    short = joined.id[:12]
    if here is not None and is_published(here):
        known = _with_late(here, joined, manifest)
        is_again = is_published(theirs) and joined.units[STATUS].heads == theirs.units[STATUS].heads
        if is_again and here.units[STATUS].heads != theirs.units[STATUS].heads:
            known = msgspec.structs.replace(known, units={**known.units, STATUS: theirs.units[STATUS]})
        else:
            is_again = False
        hint = f"`taskstore rm --forget {short}` in the other store makes room for this one"
        _check_same(known, joined, "it is published here, and there is another of it", hint)
        if not is_again:
            return False
    if not is_published(theirs) or not _still_counts(theirs, joined):
        return False
    hint = (
        f"`taskstore clone {short}` keeps what is here as another task, and after `taskstore rm --forget {short}` the "
        "published one comes in"
    )
    _check_same(theirs, joined, "it is published there, and what is here is no earlier state of that", hint)
    return True


def _still_counts(theirs: TaskState, joined: TaskState) -> bool:
    """Tell whether nobody has gone on from the status that a task has elsewhere."""
    return shown(theirs.units[STATUS]).id in {version.id for version in joined.units[STATUS].heads}


def _with_late(here: TaskState, joined: TaskState, manifest: Mapping[str, str]) -> TaskState:
    """Return a state with what was left out and comes in now, as far as it is what the manifest says."""
    logs = {name: log for name, log in joined.logs.items() if manifest.get(name) == log.hash}
    late = {
        name: unit
        for name, unit in joined.units.items()
        if name.startswith("file/")
        and (value := shown(unit).value) is not None
        and manifest.get(name.removeprefix("file/")) == value["hash"]
    }
    return msgspec.structs.replace(here, logs={**logs, **here.logs}, units={**late, **here.units})


def _check_same(wanted: TaskState, joined: TaskState, why: str, hint: str) -> None:
    differing = [name for name in joined.units if not _is_free(name) and _frozen(wanted, name) != _frozen(joined, name)]
    if wanted.logs != joined.logs:
        differing += ["events"]
    if differing:
        raise Conflict(f"task {joined.id[:12]} was left as it is: {why}: {', '.join(sorted(differing)[:5])}; {hint}")


def _is_free(name: str) -> bool:
    return name in _FREE or name.startswith(_FREE_PREFIX)


def _frozen(state: TaskState, name: str) -> Any:  # noqa: ANN401 - plain JSON values
    unit = state.units.get(name)
    value = shown(unit).value if unit is not None else None
    if name.startswith("models.output/") and value is not None:
        return models.frozen({"output": {"": value}})
    return value
