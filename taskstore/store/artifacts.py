"""The record of a task's artifacts: blob first, then the record that names it, both under the task's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..core.errors import NotFound, ReadOnly
from ..core.states import RECORDING
from ..disk.atomic import replace_record
from ..disk.layout import TaskPaths
from ..schema import codec
from ..schema.artifact import INPUT, Artifact, ArtifactsRecord
from ..schema.record import FileRef, TaskRecord
from . import blobs, parts, tasks
from .store import Store


def read(paths: TaskPaths) -> ArtifactsRecord:
    """Return a task's artifacts; none is an empty record. Raises Damaged."""
    return parts.read(ArtifactsRecord, paths.artifacts)


def check_open(record: TaskRecord, what: str = "artifacts") -> None:
    """Raise ReadOnly for a task that has ended: its artifacts are what they were then."""
    if record.status not in RECORDING:
        raise ReadOnly(
            f"task {record.id[:12]} is {record.status.label}, and only a draft's or a running task's {what} change; "
            f"`taskstore clone {record.id[:12]}` makes a draft of it"
        )


def put(
    store: Store,
    task_id: str,
    artifact: Artifact,
    blob: blobs.Staged | None = None,
    name: str = "",
) -> Artifact:
    """Add an artifact, or replace the one of its key; `blob` becomes its file, called `name`. Raises ReadOnly."""

    def change(paths: TaskPaths, record: ArtifactsRecord) -> None:
        if blob is not None:
            artifact.file = blobs.place(store, paths, blob, paths.artifact_folder(artifact.key), name)
        artifact.timestamp = store.clock.now()
        record.artifacts[artifact.key] = artifact

    _edit(store, task_id, change)
    return artifact


def delete(store: Store, task_id: str, keys: Iterable[str]) -> None:
    """Take artifacts off a task, files included. Raises NotFound, and then none was, or ReadOnly."""
    wanted = list(keys)

    def change(paths: TaskPaths, record: ArtifactsRecord) -> None:
        for key in wanted:
            if key not in record.artifacts:
                raise NotFound("artifact", key, _listed(record))
        for key in wanted:
            record.artifacts.pop(key, None)

    _edit(store, task_id, change)


def _listed(record: ArtifactsRecord) -> str:
    return f"the task has {', '.join(sorted(record.artifacts)[:20]) or 'none'}"


def find(paths: TaskPaths, key: str) -> Artifact:
    """Return one artifact. Raises NotFound, naming those that there are."""
    record = read(paths)
    if key not in record.artifacts:
        raise NotFound("artifact", key, _listed(record))
    return record.artifacts[key]


def _edit(store: Store, task_id: str, change: Callable[[TaskPaths, ArtifactsRecord], None]) -> None:
    def action(paths: TaskPaths, record: ArtifactsRecord) -> None:
        check_open(tasks.read(paths))
        change(paths, record)

    parts.change(store, task_id, ArtifactsRecord, lambda paths: paths.artifacts, _files, action)


def _files(record: ArtifactsRecord) -> list[FileRef]:
    return [item.file for item in record.artifacts.values() if item.file is not None]


def copy_inputs(source: TaskPaths, target: TaskPaths) -> None:
    """Give a clone, which nobody sees yet, the artifacts that its source was given, and none that it produced."""
    kept = {key: item for key, item in read(source).artifacts.items() if item.mode == INPUT}
    if not kept:
        return
    for item in kept.values():
        if item.file is not None and (target.home / item.file.path).resolve().is_relative_to(target.files.resolve()):
            blobs.share(source.home / item.file.path, target.home / item.file.path)
    record = ArtifactsRecord(rev=1, artifacts=kept)
    replace_record(target.artifacts, codec.encode(record))


def delete_outputs(paths: TaskPaths) -> set[Path]:
    """Forget what a task produced of artifacts; return the files that are kept. The caller holds its lock."""
    record = read(paths)
    kept = {key: item for key, item in record.artifacts.items() if item.mode == INPUT}
    if len(kept) != len(record.artifacts):
        record.artifacts = kept
        parts.replace(paths.artifacts, record)
    return {paths.home / ref.path for ref in _files(record)}
