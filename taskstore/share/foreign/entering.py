"""A run becomes a task, once; when it has grown since, the task gets the rest.

What is there of a run is written anew, aside, and each log is compared with the task's: what the task's lacks at its
end is appended. So it does not matter where an import was killed, and nothing that is in a task is written over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Protocol

from ...core.errors import Damaged, ReadOnly, Refused, TaskstoreError
from ...core.names import MAX_LENGTH, MIN_LENGTH
from ...core.states import ENDED, Status
from ...core.task_types import TASK_TYPES
from ...disk.atomic import chunks_of, make_folders, sha256_of, staging_beside, sync_folder
from ...disk.layout import TaskPaths
from ...disk.text import read_bytes
from ...schema import codec
from ...schema.artifact import ArtifactsRecord
from ...schema.record import USER_PROPERTIES, Change, ParamsRecord, TaskRecord
from ...store import blobs, events, places, settings, tasks
from ...store.progress import counted
from ...store.store import Store
from ..importers import base
from .draft import Draft
from .logs import text_of

_SPARE_BYTES = 16 << 20
_LARGE_BYTES = 8 << 20
_STATUSES = {"failed": Status.FAILED, "stopped": Status.STOPPED}


class Run(Protocol):
    """A run that another program has recorded."""

    kind: str
    source_id: str
    """What it is called, wherever it lies."""
    source: str
    """Which one it is at the path that was given."""
    path: Path
    project: str
    name: str
    began: datetime
    size_bytes: int
    state: str
    """A hash of what there is of it now."""
    notes: base.Notes

    def fill(self, draft: Draft) -> None:
        """Write all of it. Raises Damaged where nothing can be made of it."""
        ...


def bring_all(
    store: Store, runs: Iterable[Run | base.LeftOut], options: base.Options, *, total: int
) -> Iterator[base.Imported | base.LeftOut]:
    """Bring in runs; what is wrong with one does not stop the others. Raises ReadOnly, Refused."""
    if options.task_id is not None:
        raise Refused("a run of this kind becomes a task of its own, and cannot go on in another")
    known = base.Known(store)

    def brought(run: Run | base.LeftOut) -> base.Imported | base.LeftOut:
        return run if isinstance(run, base.LeftOut) else _brought(store, known, run, options)

    with counted("import", total) as done:
        for is_large, group in groupby(_once(runs), _is_large):
            for found in map(brought, group) if is_large else base.several(brought, group):
                done(1)
                yield found


def _once(runs: Iterable[Run | base.LeftOut]) -> Iterator[Run | base.LeftOut]:
    """Leave out copies of a run that is there already."""
    seen: dict[str, str] = {}
    for run in runs:
        if isinstance(run, base.LeftOut):
            yield run
        elif run.source_id in seen:
            yield base.LeftOut(f"{run.source}: it is the same run as {seen[run.source_id]}, and was left out")
        else:
            seen[run.source_id] = run.source
            yield run


def _is_large(run: Run | base.LeftOut) -> bool:
    """Tell of a run that comes in alone, and in this thread: the memory for its records is each thread's own."""
    return not isinstance(run, base.LeftOut) and run.size_bytes > _LARGE_BYTES


def _brought(store: Store, known: base.Known, run: Run, options: base.Options) -> base.Imported | base.LeftOut:
    try:
        return bring(store, known, run, options)
    except ReadOnly:
        raise
    except TaskstoreError as error:
        return base.LeftOut(run.source or text_of(str(run.path)), error)
    except OSError as error:
        place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else store.root
        if place.is_relative_to(store.root):
            raise  # it is the store that fails
        why = Damaged(place, f"it went away, or cannot be read: {error.strerror}")
        return base.LeftOut(run.source or text_of(str(run.path)), why)


def bring(store: Store, known: base.Known, run: Run, options: base.Options) -> base.Imported:
    """Make a task of a run, whole or not at all, or bring the one up to date that there is."""
    task_id = known.find(run.kind, run.source_id)
    if task_id is None:
        task_id = base.task_id_of(run.kind, run.source_id, run.began)
        _check_room(store, run)
        project = _named(run, options.project or run.project, "project")
        is_new = base.create(
            store,
            project,
            _named(run, run.name, "run"),
            task_id,
            lambda paths, record: _fill(store, run, paths, record),
        )
        known.add(task_id)
        return base.Imported(task_id, is_new, tuple(run.notes.texts()), source=run.source)
    has_grown = _grow(store, run, task_id)
    return base.Imported(task_id, False, tuple(run.notes.texts()), has_grown=has_grown, source=run.source)


def _named(run: Run, name: str, what: str) -> str:
    name = "/".join(part for each in text_of(name).split("/") if (part := each.strip()))
    if len(name) < MIN_LENGTH:
        run.notes.add(f"{name!r} is too short for a name, and became '{what} {name}'")
        return f"{what} {name}".strip()
    return name[:MAX_LENGTH].strip()


def _check_room(store: Store, run: Run) -> None:
    if run.size_bytes + _SPARE_BYTES > shutil.disk_usage(store.root).free:
        raise Refused(f"{run.path} holds {run.size_bytes:,} bytes, more than is free at {store.root}")


def _written(store: Store, run: Run, paths: TaskPaths) -> Draft:
    draft = Draft(store, paths, run.source_id, settings.masker(store), run.notes)
    try:
        run.fill(draft)
        draft.finish()
    finally:
        draft.abandon()
    return draft


def _fill(store: Store, run: Run, paths: TaskPaths, record: TaskRecord) -> None:
    draft = _written(store, run, paths)
    events.refresh_summary(paths)
    facts = draft.facts
    if facts.type in TASK_TYPES:
        record.type = facts.type
    record.tags = list(dict.fromkeys(facts.tags))
    record.comment, record.host, record.user = facts.comment, facts.host, facts.user
    record.runtime = facts.runtime
    record.imported = [base.mark(store, run.kind, run.source_id, run.path, run.notes)]
    record.imported[0].state = run.state
    record.created = record.started = run.began
    record.history = [Change(status=each, time=run.began) for each in (Status.CREATED, Status.IN_PROGRESS)]
    _end(run, draft, record)
    record.last_update = record.imported[0].time


def _end(run: Run, draft: Draft, record: TaskRecord) -> None:
    """Set how and when the run has ended."""
    facts = draft.facts
    status = _STATUSES.get(facts.status, Status.COMPLETED)
    ended = facts.ended or datetime.fromtimestamp(draft.latest, timezone.utc)
    record.status = status
    record.status_reason = facts.reason or ("completed" if status is Status.COMPLETED else "")
    record.status_message = facts.message
    record.completed = record.status_changed = ended = max(ended, run.began)
    record.active_duration = (ended - run.began).total_seconds()
    last = Change(status=status, time=ended, reason=record.status_reason, message=facts.message)
    record.history = [*(each for each in record.history if each.status not in ENDED), last]


def _grow(store: Store, run: Run, task_id: str) -> bool:
    """Give a task what its run has got since; false where that is nothing."""
    home = places.locate(store, task_id).home
    if not _may_grow(run, tasks.read(TaskPaths(home))):
        return False
    _check_room(store, run)
    staging = TaskPaths(staging_beside(store.paths.projects / task_id))
    staging.home.mkdir(parents=True)
    try:
        draft = _written(store, run, staging)
        return tasks.under_lock(store, task_id, lambda paths: _enter(store, run, draft, paths))
    finally:
        shutil.rmtree(staging.home, ignore_errors=True)


def _may_grow(run: Run, record: TaskRecord) -> bool:
    mark = _mark_of(run, record)
    if mark is None or record.imported[mark].state == run.state:
        return False
    if record.status not in ENDED or record.status is Status.PUBLISHED or record.started != run.began:
        run.notes.add(
            f"there is more of it than was imported, but its task is {record.status.label.lower()} now, or was run "
            "again; it is left as it is"
        )
        return False
    return True


def _mark_of(run: Run, record: TaskRecord) -> int | None:
    marks = ((each.kind, each.id) for each in record.imported)
    return next((at for at, mark in enumerate(marks) if mark == (run.kind, run.source_id)), None)


def _enter(store: Store, run: Run, draft: Draft, paths: TaskPaths) -> bool:
    """Move what is new into a task, files first and its record last; the caller holds the lock."""
    previous = read_bytes(paths.record)
    record = codec.decode(TaskRecord, previous, paths.record)
    mark = _mark_of(run, record)
    if mark is None or not _may_grow(run, record):
        return False
    staged, before = draft.paths, (record.status, record.completed)
    changes = [_move_missing(folder, staged, paths) for folder in (staged.samples, staged.source)]
    changes += [_append_rest(run, log, paths.events / log.name, paths) for log in sorted(staged.events.glob("*"))]
    changes += [_update_params(draft, paths), _take_artifacts(draft, paths)]
    if staged.script.exists() and not paths.script.exists():
        os.replace(staged.script, paths.script)  # noqa: PTH105 - crash tests hook the os module's calls
        sync_folder(paths.home)
        changes.append(True)
    events.refresh_summary(paths)
    _end(run, draft, record)
    said = base.mark(store, run.kind, run.source_id, run.path, run.notes)
    record.imported[mark].notes, record.imported[mark].state = said.notes, run.state
    record.imported[mark].path = said.path
    record.last_update = said.time
    tasks.write(paths, record, previous)
    return any(changes) or before != (record.status, record.completed)


def _move_missing(folder: Path, staged: TaskPaths, paths: TaskPaths) -> bool:
    is_changed = False
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        target = paths.home / source.relative_to(staged.home)
        if not os.path.lexists(target):
            make_folders(target.parent, until=paths.home)
            os.replace(source, target)  # noqa: PTH105 - crash tests hook the os module's calls
            sync_folder(target.parent)
            is_changed = True
    return is_changed


def _append_rest(run: Run, source: Path, target: Path, paths: TaskPaths) -> bool:
    make_folders(target.parent, until=paths.home)
    if not target.exists():
        os.replace(source, target)  # noqa: PTH105 - crash tests hook the os module's calls
        sync_folder(target.parent)
        return True
    size = target.stat().st_size
    if not _begins_with(source, target, size):
        run.notes.add(f"what is there now is not what was imported and more; {target.name} is left as it is")
        return False
    with target.open("ab") as stream, source.open("rb") as rest:
        rest.seek(size)
        shutil.copyfileobj(rest, stream)
        stream.flush()
        os.fsync(stream.fileno())
    return source.stat().st_size > size


def _begins_with(source: Path, target: Path, size_bytes: int) -> bool:
    if source.stat().st_size < size_bytes:
        return False
    with source.open("rb") as stream:
        return all(stream.read(len(chunk)) == chunk for chunk in chunks_of(target))


def _update_params(draft: Draft, paths: TaskPaths) -> bool:
    previous = read_bytes(paths.params) if paths.params.exists() else b"{}"
    record = codec.decode(ParamsRecord, previous, paths.params)
    before = codec.encode(record)
    for section, found in draft.params.hyperparams.items():
        if section != USER_PROPERTIES:
            record.hyperparams.setdefault(section, {}).update(found)
    is_changed = codec.encode(record) != before
    if is_changed:
        tasks.replace_params(paths, record, previous)
    return is_changed


def _take_artifacts(draft: Draft, paths: TaskPaths) -> bool:
    """Put artifacts into the task, and what has replaced one of the same name beside that, before the old one goes."""
    previous = read_bytes(paths.artifacts) if paths.artifacts.exists() else b"{}"
    record = codec.decode(ArtifactsRecord, previous, paths.artifacts)
    changed = {
        key: item
        for key, item in draft.artifacts.artifacts.items()
        if key not in record.artifacts or record.artifacts[key].hash != item.hash
    }
    replaced = [found.file for key in changed if (found := record.artifacts.get(key)) and found.file is not None]
    for item in changed.values():
        if item.file is None:
            continue  # it is elsewhere, and only its address is kept
        source = draft.paths.home / item.file.path
        target = paths.home / item.file.path
        if os.path.lexists(target) and sha256_of(target) != item.file.hash:
            target = target.parent / item.file.hash[:12] / target.name
        make_folders(target.parent, until=paths.home)
        os.replace(source, target)  # noqa: PTH105 - crash tests hook the os module's calls
        sync_folder(target.parent)
        item.file.path = target.relative_to(paths.home).as_posix()
    if changed:
        record.artifacts.update(changed)
        record.rev += 1
        tasks.replace_part(paths.artifacts, record, previous)
    kept = {item.file.path for item in record.artifacts.values() if item.file is not None}
    for file in replaced:
        if file.path not in kept:
            blobs.remove(paths, file)
    return bool(changed)
