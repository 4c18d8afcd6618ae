"""A run that was imported before: its task gets what the run has logged since, and loses nothing.

What is new is built aside, then moved into the task under its lock: files, log, records, the task's own record last.
Each step looks at what is there, so that an import which was killed between two of them is gone on with by the next.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import msgspec

from ....core.states import Status
from ....disk.atomic import make_folders, sha256_of, staging_beside, sync_folder
from ....disk.layout import TaskPaths
from ....disk.text import read_bytes
from ....schema import codec
from ....schema.artifact import Artifact, ArtifactsRecord
from ....schema.model import Model, ModelsRecord
from ....schema.record import FileRef, Parameter, ParamsRecord, TaskRecord
from ....store import artifacts, blobs, events, models, places, tasks
from .. import base
from ..base import Imported, Notes
from . import building, content, taking
from .files import Found
from .runs import Run
from .scalars import Lines, counted, writer_of

T = TypeVar("T", ParamsRecord, ArtifactsRecord, ModelsRecord)
_GROWING = frozenset({Status.CREATED, Status.IN_PROGRESS, Status.COMPLETED, Status.FAILED, Status.STOPPED})
_SPOOLED_BYTES = 8 << 20


@dataclass
class News:
    """What a run has that its task has not. `covered` is how long the task's log was when this was found out.

    `stays` says what is another in MLflow now, and stays as it is here.
    """

    state: content.State
    lines: BinaryIO
    covered: int
    parent: str | None = None
    params: dict[str, dict[str, Parameter]] = field(default_factory=dict)
    stays: list[str] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)

    def is_any(self, record: TaskRecord) -> bool:
        """Tell whether anything is new."""
        has_parts = bool(self.params or self.artifacts or self.models or (self.parent and not record.parent))
        return has_parts or self.lines.tell() > 0 or _has_moved_on(self.state, record)


def grow(batch: building.Batch, run: Run, task_id: str) -> Imported:
    """Add to a task what its run has got since it was imported.

    A task that was published, reset, enqueued or run again is left as it is. Raises Damaged, Refused, ReadOnly, Busy.
    """
    source = f"run {run.id}"
    paths = places.locate(batch.store, task_id)
    record = tasks.read(paths)
    if record.status not in _GROWING or not content.is_untouched(record):
        return Imported(task_id, is_new=False, source=source)
    notes = base.Notes()
    for text in run.notes.texts():
        notes.add(text)
    staging = TaskPaths(staging_beside(batch.store.paths.projects / task_id))
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(tempfile.SpooledTemporaryFile(_SPOOLED_BYTES))
        stack.callback(shutil.rmtree, staging.home, ignore_errors=True)
        news = _news(batch, run, paths, record, staging, cast(BinaryIO, lines), notes)
        if not news.is_any(record):
            return Imported(task_id, is_new=False, notes=tuple(news.stays), source=source)
        for text in news.stays:
            notes.add(text)
        enter = lambda at: _enter(batch, run, news, staging, at, notes)  # noqa: E731 - a name for the call below
        has_grown = tasks.under_lock(batch.store, task_id, enter)
    return Imported(task_id, is_new=False, has_grown=has_grown, notes=tuple(notes.texts()), source=source)


def _news(
    batch: building.Batch,
    run: Run,
    paths: TaskPaths,
    record: TaskRecord,
    staging: TaskPaths,
    lines: BinaryIO,
    notes: Notes,
) -> News:
    there, covered = counted(paths, run.id)
    read = Lines(run, there)
    for line in read.read(notes):
        lines.write(line)
    # What cannot be read of a run was said when it was imported, and stands in the task.
    state = content.state_of(run, read.last, batch.store.clock.now(), notes)
    parent = batch.parent(run, base.Notes())
    news = News(state, lines, covered, parent)
    _add_params(news, batch, run, paths)
    whole = building.contents(batch, run, notes)
    imported = max((mark.time for mark in record.imported if mark.kind == building.KIND), default=run.began)
    known = artifacts.read(paths).artifacts
    files = tuple(found for found in whole.found if not _is_there(found, known.get(found.key), imported))
    kept = models.read(paths).output
    weights = tuple((found, model) for found, model in whole.models if model.id not in kept)
    if files or weights:
        staging.home.mkdir()
    taken = taking.Taken(batch.store, staging)
    part = building.Contents(found=files, models=weights)
    for key, item in building.artifacts_of(part, taken, notes).items():
        before = known.get(key)
        if item.file is not None and before is not None and before.hash == item.hash:
            (staging.home / item.file.path).unlink()  # its files were touched, and are the same
        else:
            news.artifacts[key] = item
    news.models = building.models(part, taken, notes).output
    for data in run.datasets:
        given = content.dataset(data, {})
        if not any(item.display_data == given.display_data for item in known.values()):
            given = content.dataset(data, known | news.artifacts)
            news.artifacts[given.key] = given
    return news


def _add_params(news: News, batch: building.Batch, run: Run, paths: TaskPaths) -> None:
    known = tasks.read_params(paths).hyperparams
    for section, items in content.params(run, batch.masker, base.Notes()).items():
        for name, item in items.items():
            there = known.get(section, {}).get(name)
            if there is None:
                news.params.setdefault(section, {})[name] = item
            elif there.value != item.value:
                news.stays.append(f"{section}/{name} is another in MLflow now, and stays as it is here")


def _is_there(found: Found, artifact: Artifact | None, imported: datetime) -> bool:
    """Tell whether the task has a file as it is now; one that is older than the import is not read to see it."""
    if artifact is None or artifact.file is None:
        return False
    if found.is_folder:
        newest = max(path.lstat().st_mtime for _, path in found.files)
        return newest < imported.timestamp()
    facts = found.path.lstat()
    if facts.st_size != artifact.file.size:
        return False
    return facts.st_mtime < imported.timestamp() or taking.sha256_of_file(found.path) == artifact.file.hash


def _has_moved_on(state: content.State, record: TaskRecord) -> bool:
    last_sign = state.last_sign if state.status is Status.IN_PROGRESS else None
    return state.status is not record.status or (last_sign is not None and last_sign != record.last_update)


def _enter(batch: building.Batch, run: Run, news: News, staging: TaskPaths, paths: TaskPaths, notes: Notes) -> bool:
    previous = read_bytes(paths.record)
    record = codec.decode(TaskRecord, previous, paths.record)
    if record.status not in _GROWING or counted(paths, run.id)[1] != news.covered:
        return False  # somebody has run it, or imported the same, in this moment
    moved = dict(_moved(staging, paths))
    _append(paths, run, news)
    _merge_records(news, paths, moved)
    events.refresh_summary(paths)
    record.parent = record.parent or news.parent
    now = batch.store.clock.now()
    if _has_moved_on(news.state, record):
        content.set_state(record, news.state, record.created, now)
    record.last_update = news.state.last_sign if news.state.status is Status.IN_PROGRESS else now
    mark = base.mark(batch.store, building.KIND, run.id, batch.path, notes)
    before = [item for item in record.imported if (item.kind, item.id) == (mark.kind, mark.id)]
    mark.notes = list(dict.fromkeys([*(note for item in before for note in item.notes), *mark.notes]))
    record.imported = [*(item for item in record.imported if item not in before), mark]
    tasks.write(paths, record, previous)
    return True


def _moved(staging: TaskPaths, paths: TaskPaths) -> Iterator[tuple[str, str]]:
    """Move files into the task; yield where each was to be, and where it is: no other bytes are replaced."""
    if not staging.files.is_dir():
        return
    for source in sorted(path for path in staging.files.rglob("*") if path.is_file()):
        wanted = source.relative_to(staging.home)
        target, count = paths.home / wanted, 1
        while os.path.lexists(target) and sha256_of(target) != sha256_of(source):
            count += 1
            target = (paths.home / wanted).parent / str(count) / source.name
        make_folders(target.parent, until=paths.home)
        os.replace(source, target)  # noqa: PTH105 - crash tests hook the os module's calls
        sync_folder(target.parent)
        yield wanted.as_posix(), target.relative_to(paths.home).as_posix()


def _append(paths: TaskPaths, run: Run, news: News) -> None:
    """Append the new lines to the run's log, behind its last whole line: what is torn there was never counted."""
    if not news.lines.tell():
        return
    news.lines.seek(0)
    log = paths.scalars(writer_of(run.id))
    make_folders(log.parent, until=paths.home)
    with log.open("r+b" if log.exists() else "xb") as stream:
        stream.truncate(news.covered)
        stream.seek(news.covered)
        shutil.copyfileobj(news.lines, stream)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(log.parent)


def _merge_records(news: News, paths: TaskPaths, moved: dict[str, str]) -> None:
    replaced: list[FileRef] = []

    def add_params(record: ParamsRecord) -> None:
        for section, items in news.params.items():
            record.hyperparams[section] = {**items, **record.hyperparams.get(section, {})}

    def add_artifacts(record: ArtifactsRecord) -> None:
        for key, item in news.artifacts.items():
            before = record.artifacts.get(key)
            replaced.extend([before.file] if before is not None and before.file is not None else [])
            record.artifacts[key] = msgspec.structs.replace(item, file=_ref(item.file, moved))

    def add_models(record: ModelsRecord) -> None:
        for key, item in news.models.items():
            record.output[key] = msgspec.structs.replace(item, file=_ref(item.file, moved))

    _change(ParamsRecord, paths.params, add_params, is_needed=bool(news.params))
    _change(ArtifactsRecord, paths.artifacts, add_artifacts, is_needed=bool(news.artifacts))
    _change(ModelsRecord, paths.models, add_models, is_needed=bool(news.models))
    for ref in replaced:
        blobs.remove(paths, ref)


def _ref(ref: FileRef | None, moved: dict[str, str]) -> FileRef | None:
    return msgspec.structs.replace(ref, path=moved.get(ref.path, ref.path)) if ref is not None else None


def _change(kind: type[T], path: Path, action: Callable[[T], None], *, is_needed: bool) -> None:
    if not is_needed:
        return
    previous = read_bytes(path) if path.exists() else b"{}"
    record = codec.decode(kind, previous, path)
    action(record)
    record.rev += 1
    tasks.replace_part(path, record, previous)
