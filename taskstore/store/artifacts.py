"""The record of a task's artifacts: blob first, then the record that names it, both under the task's lock."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from ..core.errors import NotFound, ReadOnly
from ..core.states import RECORDING
from ..disk.atomic import replace_record
from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.artifact import INPUT, Artifact, ArtifactsRecord
from ..schema.record import FileRef, TaskRecord
from . import blobs, tasks
from .store import Store

Guard = Callable[[], AbstractContextManager[None]]
"""What holds back a signal's handler while the lock is held that it would need."""


def read(paths: TaskPaths) -> ArtifactsRecord:
    """Return a task's artifacts; none is an empty record. Raises Damaged."""
    try:
        return codec.decode(ArtifactsRecord, read_bytes(paths.artifacts), paths.artifacts)
    except FileNotFoundError:
        return ArtifactsRecord()


def check_open(record: TaskRecord) -> None:
    """Raise ReadOnly for a task that has ended: its artifacts are what they were then."""
    if record.status not in RECORDING:
        raise ReadOnly(
            f"task {record.id[:12]} is {record.status.label}, and only a draft's or a running task's artifacts change; "
            f"`taskstore clone {record.id[:12]}` makes a draft of it"
        )


def put(
    store: Store,
    task_id: str,
    artifact: Artifact,
    blob: blobs.Staged | None = None,
    name: str = "",
    *,
    guard: Guard = nullcontext,
) -> Artifact:
    """Add an artifact, or replace the one of its key; `blob` becomes its file, called `name`. Raises ReadOnly."""

    def change(paths: TaskPaths, record: ArtifactsRecord) -> None:
        if blob is not None:
            artifact.file = blobs.place(store, paths, blob, paths.artifact_folder(artifact.key), name)
        artifact.timestamp = store.clock.now()
        record.artifacts[artifact.key] = artifact

    _edit(store, task_id, change, guard)
    return artifact


def delete(store: Store, task_id: str, keys: Iterable[str], *, guard: Guard = nullcontext) -> None:
    """Take artifacts off a task, files included. Raises NotFound, and then none was, or ReadOnly."""
    wanted = list(keys)

    def change(paths: TaskPaths, record: ArtifactsRecord) -> None:
        for key in wanted:
            if key not in record.artifacts:
                raise NotFound("artifact", key, _listed(record))
        for key in wanted:
            record.artifacts.pop(key, None)

    _edit(store, task_id, change, guard)


def _listed(record: ArtifactsRecord) -> str:
    return f"the task has {', '.join(sorted(record.artifacts)[:20]) or 'none'}"


def find(paths: TaskPaths, key: str) -> Artifact:
    """Return one artifact. Raises NotFound, naming those that there are."""
    record = read(paths)
    if key not in record.artifacts:
        raise NotFound("artifact", key, _listed(record))
    return record.artifacts[key]


def _edit(store: Store, task_id: str, change: Callable[[TaskPaths, ArtifactsRecord], None], guard: Guard) -> None:
    def action(paths: TaskPaths) -> None:
        check_open(tasks.read(paths))
        previous = read_bytes(paths.artifacts) if paths.artifacts.exists() else b"{}"
        record = codec.decode(ArtifactsRecord, previous, paths.artifacts)
        before = _files(record)
        change(paths, record)
        record.rev += 1
        tasks.replace_part(paths.artifacts, record, previous)
        _remove(paths, before, _files(record))

    with guard():
        tasks.under_lock(store, task_id, action)


def _files(record: ArtifactsRecord) -> dict[str, FileRef]:
    return {item.file.path: item.file for item in record.artifacts.values() if item.file is not None}


def _remove(paths: TaskPaths, before: dict[str, FileRef], after: dict[str, FileRef]) -> None:
    for path, ref in before.items():
        if path not in after:
            with contextlib.suppress(OSError, RuntimeError):
                blobs.remove(paths, ref)


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


def delete_outputs(paths: TaskPaths) -> None:
    """Delete what a task produced of artifacts, and everything else below files/; the caller holds its lock."""
    record = read(paths)
    kept = {key: item for key, item in record.artifacts.items() if item.mode == INPUT}
    if len(kept) != len(record.artifacts):
        previous = read_bytes(paths.artifacts)
        record.artifacts = kept
        record.rev += 1
        tasks.replace_part(paths.artifacts, record, previous)
    if not paths.files.exists():
        return
    if not kept:
        shutil.rmtree(paths.files)
        return
    keep = {paths.home / item.file.path for item in kept.values() if item.file is not None}
    for path in sorted(paths.files.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()
        elif path not in keep:
            path.unlink()
