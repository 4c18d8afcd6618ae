"""Reading a task's state from its files, wherever they lie; who wrote them is not trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    CONFIGURATION,
    CONFLICTS,
    EVENTS,
    LOCK,
    MANIFEST,
    MODELS,
    PARAMS,
    RECORD,
    SCRIPT,
    STOP,
    SUMMARY,
)
from ...disk.text import MAX_RECORD_BYTES, parse_json_object
from ...schema import codec
from ...schema.ancestry import (
    AncestryRecord,
    Unit,
    UnitAncestry,
    Version,
    ancestor_id,
    later,
    shown,
    that_holds,
    unit_from,
    unit_name,
    unit_of,
    unit_parts,
    version_id,
)
from ...schema.artifact import ArtifactsRecord
from ...schema.configuration import ConfigurationRecord
from ...schema.model import ModelsRecord
from ...schema.record import ParamsRecord, ScriptRecord, TaskRecord
from ..source import Source
from . import units
from .state import PROJECT, STATUS, TRASHED, File, TaskState, is_of_run

T = TypeVar("T", bound=msgspec.Struct)
MAX_FILES = 100_000
SAMPLES = "files/media/"
_LOCAL = frozenset({SUMMARY, STOP, LOCK, BEACON})
RECORDS: dict[str, type[msgspec.Struct]] = {
    PARAMS: ParamsRecord,
    SCRIPT: ScriptRecord,
    CONFIGURATION: ConfigurationRecord,
    MODELS: ModelsRecord,
    ARTIFACTS: ArtifactsRecord,
    RECORD: TaskRecord,
}
"""The records of a task, in the order in which they are written: the one that makes it a task comes last."""
FOLDERS = (f"{EVENTS}/", f"{CONFLICTS}/", "files/")
"""What lies in these is no file of its own: a log, or named by something."""
LOOSE = "file/"
"""How units are called that are files by themselves, which may be replaced."""


@dataclass(frozen=True)
class Survey:
    """A task's state, and its files as they lie: records, whose bytes are here, and all that has a known hash."""

    state: TaskState
    records: Mapping[str, bytes]
    known: AncestryRecord
    files: dict[str, File] = field(default_factory=dict)

    def by_hash(self) -> dict[str, str]:
        """Return the names of files by their hashes."""
        return {file.hash: name for name, file in self.files.items() if file.hash}


def read_state(source: Source, task_id: str, project: str) -> TaskState:
    """Return the state of a task that lies in a project, reading its records and hashing its logs and loose files.

    The files that records name by hash are not read. What is not whole, or lies about itself, raises Damaged with the
    file's name; what the source cannot read raises as it does.
    """
    return survey(source, task_id, project).state


def survey(source: Source, task_id: str, project: str) -> Survey:
    """Return the state of a task and its files. Raises as `read_state` does."""
    return _Reading(source, task_id).survey(project)


class _Reading:
    def __init__(self, source: Source, task_id: str) -> None:
        self._source = source
        self._task_id = task_id
        self._sizes = {name: size for name, size in source.sizes().items() if is_shared(name)}
        self._files: dict[str, File] = {}
        self._bytes: dict[str, bytes] = {}
        if len(self._sizes) > MAX_FILES:
            raise Damaged(Path(task_id), f"it holds more than {MAX_FILES:,} files")
        for name in self._sizes:
            check_name(name, task_id)
            if not self._sizes.keys().isdisjoint(_folders_of(name)):
                raise Damaged(Path(task_id, name), "it is below a file")

    def survey(self, project: str) -> Survey:
        record = self._record(RECORD, TaskRecord)
        task = codec.decode(TaskRecord, self._bytes[RECORD], self._path(RECORD))
        if task.id != self._task_id or not is_id(task.id):
            raise Damaged(self._path(RECORD), f"it is the record of task {task.id[:40]!r}")
        self._record(ANCESTRY, AncestryRecord)
        known = codec.decode(AncestryRecord, self._bytes.get(ANCESTRY, b"{}"), self._path(ANCESTRY))
        values = self._values(record, task.trashed.project if task.trashed else project)
        logs = {name: self._hashed(name) for name in self._sizes if name.startswith(f"{EVENTS}/")}
        state = TaskState(
            id=self._task_id,
            generation=resets(task),
            units=_units(values, known, task),
            logs=logs,
            last_update=to_text(task.last_update or task.created),
            samples={name: size for name, size in self._sizes.items() if name.startswith(SAMPLES)},
        )
        self._look_for_rivals(state)
        self._files.update((name, File(size=size)) for name, size in state.samples.items())
        return Survey(state, {name: self._bytes[name] for name in RECORDS if name in self._bytes}, known, self._files)

    def _values(self, record: dict[str, Any], project: str) -> units.Values:
        values = {PROJECT: project, **units.of_task(record)}
        values |= units.of_params(self._record(PARAMS, ParamsRecord))
        values |= units.of_configuration(self._record(CONFIGURATION, ConfigurationRecord))
        blobs = units.of_script(self._record(SCRIPT, ScriptRecord))
        blobs |= units.of_artifacts(self._record(ARTIFACTS, ArtifactsRecord))
        blobs |= units.of_models(self._record(MODELS, ModelsRecord))
        values |= {name: units.with_paths(value, self._canonical) for name, value in blobs.items()}
        known = {*self._files, *RECORDS, ANCESTRY, MANIFEST}
        for name in self._sizes:
            if name not in known and not name.startswith(FOLDERS):
                values[unit_name("file", name)] = self._content(name)
        return values

    def _canonical(self, ref: dict[str, Any]) -> str:
        path = str(ref["path"])
        check_reference(ref, self._task_id)
        if self._sizes.get(path) == ref["size"]:
            self._files[path] = File(size=ref["size"], hash=ref["hash"])
        return units.canonical(path, ref["hash"])

    def _look_for_rivals(self, state: TaskState) -> None:
        """Find the files that only hidden versions name."""
        for _, file in hidden_files(state):
            name = f"{CONFLICTS}/{file.hash}"
            if self._sizes.get(name) == file.size:
                self._files[name] = file

    def _content(self, name: str) -> dict[str, Any]:
        file = self._hashed(name)
        return {"size": file.size, "hash": file.hash}

    def _hashed(self, name: str) -> File:
        size = self._sizes[name]
        digest = hashlib.sha256()
        for chunk in exactly(self._source.chunks(name), size, self._path(name)):
            digest.update(chunk)
        self._files[name] = File(size=size, hash=digest.hexdigest())
        return self._files[name]

    def _record(self, name: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
        if name not in self._sizes:
            if name == RECORD:
                raise Damaged(self._path(name), "the file is missing")
            return {}
        data = bytearray()
        for chunk in self._source.chunks(name):
            data += chunk
            if len(data) > MAX_RECORD_BYTES:
                raise Damaged(self._path(name), f"larger than {MAX_RECORD_BYTES >> 20} MiB")
        self._bytes[name] = bytes(data)
        codec.decode(kind, self._bytes[name], self._path(name))
        return parse_json_object(self._path(name), self._bytes[name])

    def _path(self, name: str) -> Path:
        return Path(self._task_id, name)


def _folders_of(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def is_shared(name: str) -> bool:
    """Tell whether a file of a task's folder is part of the task, and not of the store that it lies in."""
    return name not in _LOCAL and not any(is_temporary(part) for part in name.split("/"))


def exactly(chunks: Iterator[bytes], size: int, path: Path) -> Iterator[bytes]:
    """Yield the first `size` bytes: a log may grow while it is read. Raises Damaged where there are fewer."""
    left = size
    if not left:
        return
    try:
        for chunk in chunks:
            yield chunk[:left]
            left -= min(left, len(chunk))
            if not left:
                return
    except FileNotFoundError:
        raise Damaged(path, "it was there, and is not any more") from None
    raise Damaged(path, f"it has {left:,} bytes less than it had")


def check_name(name: str, task_id: str) -> None:
    """Raise Damaged for a name that leads out of a task's folder, or that no file can have."""
    parts = PurePosixPath(name).parts
    if not parts or "/".join(parts) != name or ".." in parts or parts[0] == "/" or "\0" in name or "\\" in name:
        raise Damaged(Path(task_id), f"it names a file outside of itself: {name!r}")


def check_reference(ref: Mapping[str, Any], task_id: str) -> None:
    """Raise Damaged where a record names a blob in a way in which none is named."""
    check_name(ref["path"], task_id)
    if not ref["path"].startswith(("files/", "source/")) or not units.is_hash(ref["hash"]) or ref["size"] < 0:
        raise Damaged(Path(task_id), f"a record names no blob of it: {ref['path'][:200]!r}")


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


def _units(values: units.Values, known: AncestryRecord, task: TaskRecord) -> dict[str, Unit]:
    changed, updated = to_text(task.status_changed or task.created), to_text(task.last_update or task.created)
    times = {TRASHED: to_text(task.trashed.time) if task.trashed else updated}
    found = {}
    for name in dict.fromkeys([*values, *known.units]):
        value, ancestry = values.get(name), known.units.get(name)
        if name == STATUS:
            found[name] = status_unit(value, ancestry, updated)
        elif is_of_run(name):
            found[name] = _run_unit(value, ancestry, _run_time(value, f"{changed}/{updated}"))
        else:
            found[name] = unit_of(value, ancestry, times.get(name, updated))
    return {name: unit for name, unit in found.items() if unit.heads}


def _run_time(value: Any, otherwise: str) -> str:  # noqa: ANN401 - plain JSON values
    """Say when a run wrote something: an edit by a person, which sets `last_update` too, must not make it newer."""
    if not isinstance(value, dict):
        return otherwise
    return str(value.get("timestamp") or value.get("last_update") or value.get("created") or otherwise)


def _run_unit(value: Any, known: UnitAncestry | None, time: str) -> Unit:  # noqa: ANN401 - plain JSON values
    if known is None and value is None:
        return Unit()
    hashed = version_id(value)
    known = that_holds(known, hashed)
    if known is None or not known.id:
        return unit_of(value, None, time)
    if known.value_hash == hashed:
        return Unit(heads=[Version(id=hashed, value=value, time=known.time)])
    # Later than what it took the place of, whatever the clocks say.
    return Unit(heads=[Version(id=hashed, value=value, time=later(time, known))])


def status_unit(value: Any, known: UnitAncestry | None, time: str) -> Unit:  # noqa: ANN401 - plain JSON values
    """Return the unit of the status: its versions are named by the last entry of their history, after all before it."""
    hashed = version_id(value)
    known = that_holds(known, hashed) or UnitAncestry()
    *earlier, last = [version_id(change) for change in value.get("history", [])] or [version_id(None)]
    if hashed == known.value_hash:
        present = Version(id=known.id, value=value, time=known.time)
    elif last in known.past:  # somebody has brought an older record back
        present = Version(id=f"{version_id(last, known.past)}:{hashed}", value=value, time=later(time, known))
    else:
        present = Version(id=f"{last}:{hashed}", value=value, time=later(time, known))
    return unit_from([present, *known.others], {*known.past, *earlier} - {ancestor_id(present)})


def hidden_files(state: TaskState) -> Iterator[tuple[str, File]]:
    """Yield the files that versions name which are not shown, each by where it would be if they were."""
    for name, unit in state.units.items():
        head = shown(unit)
        for version in unit.heads:
            if version is not head:
                yield from files_of_value(name, version.value)


def files_of_value(name: str, value: Any) -> Iterator[tuple[str, File]]:  # noqa: ANN401 - plain JSON values
    """Yield the files that a unit's value names, each by where it would be were nothing in its way."""
    if name.startswith("file/"):
        if value is not None:
            yield unit_parts(name, 2)[1], codec.convert(File, value, Path(name))
    elif name.startswith(("artifacts", "inputs", "models")) or name == "script":
        for ref in units.references(value):
            yield ref["path"], File(size=ref["size"], hash=ref["hash"])
