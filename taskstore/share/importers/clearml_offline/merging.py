"""Going on with a task that is there: what a session holds is built aside, and then moved into the task.

Files and logs are moved first, then the records that name them, and the task's own record last, which says that the
session is in it. After a crash before that it is imported again: its logs have the same names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from ....core.errors import ReadOnly, Refused
from ....core.states import Status
from ....disk.atomic import make_folders, staging_beside, sync_folder
from ....disk.layout import TaskPaths
from ....disk.text import read_bytes
from ....schema import codec
from ....schema.artifact import ArtifactsRecord
from ....schema.configuration import ConfigurationRecord
from ....schema.model import ModelsRecord
from ....schema.record import Change, FileRef, ParamsRecord, TaskRecord
from ....store import blobs, events, places, tasks
from .building import KIND, Build, Built

T = TypeVar("T", ParamsRecord, ConfigurationRecord, ArtifactsRecord, ModelsRecord)


def merge(build: Build, task_id: str) -> bool:
    """Put a session into a task that has ended, or is a draft; false where it is in there.

    Name, project, code and tags stay the task's own. Raises NotFound, ReadOnly for a published task, Refused for one
    that is queued or running.
    """
    home = places.locate(build.store, task_id).home
    if _is_in(build, _checked(tasks.read(TaskPaths(home)))):
        return False
    staging = TaskPaths(staging_beside(build.store.paths.projects / task_id))
    staging.home.mkdir()
    try:
        built = build.below(staging, beside=home)
        return tasks.under_lock(build.store, task_id, lambda paths: _enter(build, built, staging, paths))
    finally:
        shutil.rmtree(staging.home, ignore_errors=True)


def _checked(record: TaskRecord) -> TaskRecord:
    if record.status is Status.PUBLISHED:
        raise ReadOnly(f"task {record.id[:12]} is published; `taskstore clone {record.id[:12]}` makes a draft of it")
    if record.status in (Status.QUEUED, Status.IN_PROGRESS):
        raise Refused(f"task {record.id[:12]} is {record.status.label}; wait for its end, and import then")
    return record


def _is_in(build: Build, record: TaskRecord) -> bool:
    return any((item.kind, item.id) == (KIND, build.session.id) for item in record.imported)


def _enter(build: Build, built: Built, staging: TaskPaths, paths: TaskPaths) -> bool:
    previous = read_bytes(paths.record)
    record = _checked(codec.decode(TaskRecord, previous, paths.record))
    if _is_in(build, record):
        return False
    for folder in (staging.files, staging.config, staging.events):
        _move(folder, staging, paths)
    _merge_records(built, paths)
    events.refresh_summary(paths)
    ended = Change(status=Status.COMPLETED, time=build.store.clock.now(), reason="imported", who=tasks.who())
    record.imported = [*record.imported, build.mark()]
    record.status, record.status_reason, record.status_message = ended.status, ended.reason, ""
    record.status_changed = record.last_update = ended.time
    record.started = record.started or built.reports.began
    record.completed = built.reports.ended or ended.time
    record.history = [*record.history, ended]
    tasks.write(paths, record, previous)
    return True


def _move(folder: Path, staging: TaskPaths, paths: TaskPaths) -> None:
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        target = paths.home / source.relative_to(staging.home)
        make_folders(target.parent, until=paths.home)
        os.replace(source, target)  # noqa: PTH105 - crash tests hook the os module's calls
        sync_folder(target.parent)


def _merge_records(built: Built, paths: TaskPaths) -> None:
    def add_params(record: ParamsRecord) -> None:
        for section, items in built.params.hyperparams.items():
            record.hyperparams.setdefault(section, {}).update(items)

    def add_models(record: ModelsRecord) -> None:
        record.output.update(built.models.output)
        record.labels = built.models.labels or record.labels
        record.design = built.models.design or record.design

    _change(ParamsRecord, paths.params, add_params)
    _change(
        ConfigurationRecord, paths.configuration, lambda at: at.configuration.update(built.configuration.configuration)
    )
    before: list[FileRef] = []

    def add_artifacts(record: ArtifactsRecord) -> None:
        replaced = [record.artifacts.get(key) for key in built.artifacts.artifacts]
        before.extend(item.file for item in replaced if item is not None and item.file is not None)
        record.artifacts.update(built.artifacts.artifacts)

    _change(ArtifactsRecord, paths.artifacts, add_artifacts)
    kept = {item.file.path for item in built.artifacts.artifacts.values() if item.file is not None}
    for ref in before:
        if ref.path not in kept:
            blobs.remove(paths, ref)
    _change(ModelsRecord, paths.models, add_models)


def _change(kind: type[T], path: Path, action: Callable[[T], None]) -> None:
    previous = read_bytes(path) if path.exists() else b"{}"
    record = codec.decode(kind, previous, path)
    before = msgspec.json.encode(record)
    action(record)
    if msgspec.json.encode(record) != before:
        record.rev += 1
        tasks.replace_part(path, record, previous)
