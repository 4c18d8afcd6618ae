"""Reading a task's state from its files, wherever they lie; who wrote them is not trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec

from ...core.clock import to_text
from ...core.errors import Damaged
from ...core.ids import is_id
from ...core.states import Status
from ...disk.atomic import is_temporary
from ...disk.layout import (
    ANCESTRY,
    ARTIFACTS,
    BEACON,
    CONFIG_FOLDER,
    CONFIGURATION,
    CONFLICTS,
    EVENTS,
    LOCK,
    MODELS,
    PARAMS,
    RECORD,
    SCRIPT,
    STOP,
    SUMMARY,
)
from ...disk.text import MAX_RECORD_BYTES, parse_json_object
from ...schema import codec
from ...schema.ancestry import AncestryRecord, UnitAncestry, Version, unit_name, version_id
from ...schema.artifact import ArtifactsRecord
from ...schema.configuration import ConfigurationRecord
from ...schema.model import ModelsRecord
from ...schema.record import ParamsRecord, ScriptRecord, TaskRecord
from ..source import Source
from . import units
from .state import File, TaskState, Unit, ancestor_id

T = TypeVar("T", bound=msgspec.Struct)
MAX_FILES = 100_000
_LOCAL = frozenset({SUMMARY, STOP, LOCK, BEACON, ANCESTRY})
_RECORDS = frozenset({RECORD, PARAMS, SCRIPT, CONFIGURATION, ARTIFACTS, MODELS})


def read_state(source: Source, task_id: str, project: str) -> TaskState:
    """Return the state of a task that lies in a project, reading its records and hashing its logs and loose files.

    The files that records name by hash are not read. What is not whole, or lies about itself, raises Damaged with the
    file's name; what the source cannot read raises as it does.
    """
    return _Reading(source, task_id, project).state()


class _Reading:
    def __init__(self, source: Source, task_id: str, project: str) -> None:
        self.source = source
        self.task_id = task_id
        self.project = project
        self.sizes = source.sizes()
        if len(self.sizes) > MAX_FILES:
            raise Damaged(Path(task_id), f"it holds more than {MAX_FILES:,} files")
        for name in self.sizes:
            check_name(name, task_id)

    def state(self) -> TaskState:
        """Return what the files say."""
        record, task = self._record(RECORD, TaskRecord)
        if task.id != self.task_id or not is_id(task.id):
            raise Damaged(self._path(RECORD), f"it is the record of task {task.id[:40]!r}")
        known = self._decoded(ANCESTRY, AncestryRecord)
        values = self._values(record)
        last_update = to_text(task.last_update or task.created)
        trashed_at = to_text(task.trashed.time) if task.trashed else last_update
        found = {units.STATUS: status_unit(values.pop(units.STATUS), known.units.get(units.STATUS), last_update)}
        for name in [*values, *(name for name in known.units if name not in values and name != units.STATUS)]:
            found[name] = unit_of(
                values.get(name), known.units.get(name), trashed_at if name == units.TRASHED else last_update
            )
        return TaskState(
            id=self.task_id,
            generation=resets(task),
            units={name: unit for name, unit in found.items() if unit.heads},
            logs={name: self._hashed(name) for name in self.sizes if name.startswith(f"{EVENTS}/") and _counts(name)},
            last_update=last_update,
            samples={
                name: size for name, size in self.sizes.items() if name.startswith("files/media/") and _counts(name)
            },
        )

    def _values(self, record: dict[str, Any]) -> units.Values:
        values = units.of_task(record)
        trashed = values.get(units.TRASHED)
        values[units.PROJECT] = trashed["project"] if trashed else self.project
        configuration = self._record(CONFIGURATION, ConfigurationRecord)[0]
        named = {item["file"] for item in configuration.get("configuration", {}).values()}
        contents = {name: self._content(f"{CONFIG_FOLDER}/{name}") for name in sorted(named)}
        values |= units.of_params(self._record(PARAMS, ParamsRecord)[0])
        values |= units.of_script(self._record(SCRIPT, ScriptRecord)[0])
        values |= units.of_configuration(configuration, contents)
        values |= units.of_artifacts(self._record(ARTIFACTS, ArtifactsRecord)[0])
        values |= units.of_models(self._record(MODELS, ModelsRecord)[0])
        blobs = {ref["path"] for value in values.values() for ref in units.references(value)}
        skipped = {f"{CONFIG_FOLDER}/{name}" for name in named} | blobs | _RECORDS | _LOCAL
        for name in self.sizes:
            if name not in skipped and _counts(name) and not name.startswith((f"{EVENTS}/", "files/", f"{CONFLICTS}/")):
                values[unit_name("file", name)] = self._content(name)
        return values

    def _content(self, name: str) -> dict[str, Any] | None:
        if name not in self.sizes:
            return None
        file = self._hashed(name)
        return {"size": file.size, "hash": file.hash}

    def _hashed(self, name: str) -> File:
        size = self.sizes[name]
        digest = hashlib.sha256()
        for chunk in exactly(self.source.chunks(name), size, self._path(name)):
            digest.update(chunk)
        return File(size=size, hash=digest.hexdigest())

    def _record(self, name: str, kind: type[T]) -> tuple[dict[str, Any], T]:
        if name not in self.sizes:
            if name == RECORD:
                raise Damaged(self._path(name), "the file is missing")
            return {}, kind()
        data = self._read(name)
        return parse_json_object(self._path(name), data), codec.decode(kind, data, self._path(name))

    def _decoded(self, name: str, kind: type[T]) -> T:
        return self._record(name, kind)[1]

    def _read(self, name: str) -> bytes:
        found = bytearray()
        for chunk in self.source.chunks(name):
            found += chunk
            if len(found) > MAX_RECORD_BYTES:
                raise Damaged(self._path(name), f"larger than {MAX_RECORD_BYTES >> 20} MiB")
        return bytes(found)

    def _path(self, name: str) -> Path:
        return Path(self.task_id, name)


def exactly(chunks: Iterator[bytes], size: int, path: Path) -> Iterator[bytes]:
    """Yield the first `size` bytes: a log may grow while it is read. Raises Damaged where there are fewer."""
    left = size
    if not left:
        return
    for chunk in chunks:
        yield chunk[:left]
        left -= min(left, len(chunk))
        if not left:
            return
    raise Damaged(path, f"it has {left:,} bytes less than it had")


def check_name(name: str, task_id: str) -> None:
    """Raise Damaged for a name that leads out of a task's folder, or that no file can have."""
    parts = PurePosixPath(name).parts
    if not parts or "/".join(parts) != name or ".." in parts or parts[0] == "/" or "\0" in name or "\\" in name:
        raise Damaged(Path(task_id), f"it names a file outside of itself: {name!r}")


def _counts(name: str) -> bool:
    return not any(is_temporary(part) for part in name.split("/"))


def resets(task: TaskRecord) -> int:
    """Return how often a task was made a draft again after it had begun."""
    count, has_begun = 0, False
    for change in task.history:
        if change.status is Status.CREATED:
            count += has_begun
            has_begun = False
        elif change.status is not Status.QUEUED:
            has_begun = True
    return count


def unit_of(value: Any, known: UnitAncestry | None, time: str) -> Unit:  # noqa: ANN401 - plain JSON values
    """Return a unit by its present value and by what was known of it. Without a value and knowledge it has no heads."""
    if known is None or not known.id:
        return Unit() if value is None else Unit(heads=[Version(id=version_id(value), value=value, time=time)])
    past = set(known.past)
    if version_id(value) == (known.hash or known.id):
        present = Version(id=known.id, value=value, time=known.time)
    else:
        past.add(known.id)
        present = Version(id=version_id(value, past), value=value, time=time)
    return _unit([present, *known.others], past)


def status_unit(value: dict[str, Any], known: UnitAncestry | None, time: str) -> Unit:
    """Return the unit of the status: its versions are named by the last entry of their history, after all before it."""
    known = known or UnitAncestry()
    *earlier, last = [version_id(change) for change in value.get("history", [])] or [version_id(None)]
    past = {*known.past, *earlier} - {last}
    hashed = version_id(value)
    if known.hash == hashed:
        present = Version(id=known.id, value=value, time=known.time)
    else:
        if last in known.past:  # somebody has brought an older record back
            last, past = version_id(last, past), past | {last}
        present = Version(id=f"{last}:{hashed}", value=value, time=time)
    return _unit([present, *known.others], past)


def _unit(versions: list[Version], past: set[str]) -> Unit:
    heads = {version.id: version for version in versions if ancestor_id(version) not in past}
    return Unit(heads=[heads[key] for key in sorted(heads)], past=sorted(past))
