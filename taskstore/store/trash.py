"""The trash: deleting a task moves it there; it comes back, or is purged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..core.clock import to_text
from ..core.errors import Ambiguous, Damaged, NotFound, ReadOnly, Refused
from ..core.ids import is_id
from ..core.names import project_parts
from ..core.states import Status
from ..disk.atomic import replace_record, staging_beside
from ..disk.layout import PURGE_PREFIX, TaskPaths
from ..disk.lock import edit_lock
from ..disk.text import parse_json_object, read_bytes
from ..schema import codec
from ..schema.ancestry import Tombstone, Unit, unit_from, unit_of
from ..schema.record import TaskRecord, Trashed
from . import ancestry, liveness, places, tasks, tickets
from .projects import ensure_folder
from .store import Store, check_writable


def put(store: Store, task_id: str, *, force: bool = False) -> TaskPaths:
    """Move a task to the trash. A running or a published one is refused unless `force` is given.

    One that waits in a queue is taken out of it.
    """

    def action(paths: TaskPaths) -> TaskPaths:
        previous = read_bytes(paths.record)
        record = codec.decode(TaskRecord, previous, paths.record)
        is_live = record.status is Status.IN_PROGRESS and liveness.is_running(store, paths, record)
        if (record.status is Status.PUBLISHED or is_live) and not force:
            label = record.status.label.lower()
            raise Refused(f"task {task_id[:12]} is {label}; give --force to delete it all the same")
        project = places.project_of(store, paths.home)
        record.trashed = Trashed(project=project, time=store.clock.now(), who=tasks.who())
        was_queued = record.status is Status.QUEUED
        if was_queued:
            tasks.take_back(store, record, "deleted while it waited")
        tasks.write(paths, record, previous)
        if was_queued:
            tickets.prune(store, record)
        store.paths.trash.mkdir(exist_ok=True)
        target = store.paths.trashed(task_id)
        tasks.rename_home(paths, target.home)
        return target

    target = tasks.under_lock(store, task_id, action)
    store.places.pop(task_id, None)
    return target


def listed(store: Store) -> list[TaskPaths]:
    """Return the tasks in the trash, oldest first."""
    try:
        names = sorted(entry.name for entry in store.paths.trash.iterdir())
    except FileNotFoundError:
        return []
    return [store.paths.trashed(name) for name in names if is_id(name)]


def find(store: Store, reference: str) -> TaskPaths:
    """Return the one task in the trash whose id begins with `reference`. Raises NotFound."""
    found = [paths for paths in listed(store) if paths.id.startswith(reference.lower())]
    if len(found) > 1 and reference:
        raise Ambiguous("task", reference, [paths.id for paths in found])
    if len(found) != 1:
        raise NotFound("task in the trash", reference, "`taskstore trash ls` lists them")
    return found[0]


def restore(store: Store, task_id: str) -> TaskPaths:
    """Bring a task back from the trash to the project that it came from."""
    check_writable(store)
    source = store.paths.trashed(task_id)
    if not source.record.is_file():
        raise NotFound("task in the trash", task_id, "`taskstore trash ls` lists them")
    try:
        target = _bring_back(store, source)
    except FileNotFoundError:
        if source.record.is_file():
            raise  # not the task is missing, but what it should go to
        raise NotFound("task in the trash", task_id, "somebody else has just taken it out") from None
    store.places[task_id] = target.home
    return target


def _bring_back(store: Store, source: TaskPaths) -> TaskPaths:
    with edit_lock(source.lock, store.locks), tasks.writable(source):
        previous = read_bytes(source.record)
        record = codec.decode(TaskRecord, previous, source.record)
        project = record.trashed.project if record.trashed else "restored"
        target = TaskPaths(ensure_folder(store, project_parts(project)) / source.id)
        # The rename comes first: a crash between the two must not forget which project it was.
        tasks.rename_home(source, target.home)
        record.trashed = None
        try:
            with tasks.writable(target):
                before = ancestry.of_fields(parse_json_object(source.record, previous))
                tasks.note(target, {ancestry.TRASHED: before.get(ancestry.TRASHED)}, {}, store)
                tasks.write(target, record, previous)
            store.paths.tombstone(target.id).unlink(missing_ok=True)
        except OSError:
            with tasks.writable(target):
                tasks.rename_home(target, source.home)
            raise
    return target


def purge(store: Store, task_id: str) -> None:
    """Remove a task in the trash for good; a tombstone stays, so that no copy of it brings it back.

    Raises NotFound, or ReadOnly where the store cannot be written.
    """
    check_writable(store)
    source = store.paths.trashed(task_id)
    if not source.home.is_dir():
        raise NotFound("task in the trash", task_id, "`taskstore trash ls` lists them")
    _remove(source, lambda: bury(store, task_id, deletion_of(source)))


def forget(store: Store, task_id: str, *, force: bool = False) -> None:
    """Remove a task for good from this store alone: there is no tombstone, and a copy that comes in is a new task.

    Raises as `put` does.
    """
    _remove(put(store, task_id, force=force), lambda: None)


def _remove(source: TaskPaths, before: Callable[[], None]) -> None:
    doomed = staging_beside(source.home, PURGE_PREFIX)
    # One rename first: a crash within the removal must not leave half a task to restore.
    try:
        before()
        source.home.rename(doomed)
    except FileNotFoundError:
        raise NotFound("task in the trash", source.id, "somebody else has just taken it out") from None
    except OSError as error:
        raise ReadOnly(f"task {source.id[:12]} cannot be removed from the trash: {error.strerror or error}") from None
    remove_tree(doomed)


def deletion_of(paths: TaskPaths) -> Unit:
    """Return the unit of a task's deletion by its records; where they say nothing of it, it is deleted all the same."""
    try:
        record = parse_json_object(paths.record, read_bytes(paths.record))
        trashed = codec.decode(TaskRecord, read_bytes(paths.record), paths.record).trashed
        known = ancestry.read(paths).units.get(ancestry.TRASHED)
    except (Damaged, FileNotFoundError):
        return unit_of({}, None, "")
    return unit_of(record.get(ancestry.TRASHED, {}), known, to_text(trashed.time) if trashed else "")


def bury(store: Store, task_id: str, deletion: Unit) -> None:
    """Leave a tombstone for a task, over the one that there may be."""
    record = tombstone(store, task_id) or Tombstone(id=task_id)
    joined = unit_from([*record.heads, *deletion.heads], {*record.past, *deletion.past})
    if [joined.heads, joined.past] != [record.heads, record.past]:
        record.heads, record.past, record.rev = joined.heads, joined.past, record.rev + 1
        replace_record(store.paths.tombstone(task_id), codec.encode(record))


def tombstone(store: Store, task_id: str) -> Tombstone | None:
    """Return what is left of a task that was removed for good; None where it was not. Raises Damaged."""
    path = store.paths.tombstone(task_id)
    try:
        return codec.decode(Tombstone, read_bytes(path), path)
    except FileNotFoundError:
        return None


def buried(store: Store) -> list[str]:
    """Return the ids of the tasks that were removed for good."""
    try:
        names = sorted(entry.name for entry in store.paths.trash.iterdir())
    except FileNotFoundError:
        return []
    stems = (name.partition(".")[0] for name in names)
    return [stem for stem in stems if is_id(stem) and store.paths.tombstone(stem).name in names]


def remove_tree(folder: Path) -> None:
    """Remove a folder, read-only files of published tasks included."""
    for root, _, _ in os.walk(folder):
        Path(root).chmod(0o700)
    shutil.rmtree(folder)
