"""Copying a task into a new draft, and making a draft of a task again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..core.errors import BadTransition, NotFound, Refused
from ..core.names import MAX_LENGTH
from ..core.states import Status
from ..disk.atomic import chunks_of, is_temporary, replace_record, write_blob
from ..disk.beacon import is_alive
from ..disk.layout import CONFIG_FOLDER, CONFIGURATION, PARAMS, SCRIPT, TaskPaths
from ..disk.text import read_bytes
from ..schema.record import ParamsRecord, TaskRecord
from ..store import ancestry, artifacts, blobs, lineage, models, places, tasks
from ..store.store import Store

_DROPPED_SYSTEM_TAGS = frozenset({"development", "archived"})
_COPIED_FOLDERS = ("source", CONFIG_FOLDER)
_COPIED_RECORDS = (PARAMS, SCRIPT, CONFIGURATION)


def clone(
    store: Store,
    source: TaskPaths,
    *,
    name: str | None = None,
    project: str | None = None,
    comment: str | None = None,
    parent: str | None = None,
    change: Callable[[ParamsRecord], None] | None = None,
    also: Callable[[TaskPaths, TaskRecord], None] | None = None,
) -> TaskPaths:
    """Make a draft with everything that `source` was given, and nothing that it produced; return its paths.

    Copied are type, tags, comment, container, parameters, configuration and the captured code
    (docs/explanation/lifecycle.md). The name is 'Clone Of …' unless given; before the clone can be seen, `change` may
    set parameters, and `also` whatever a task's folder and record hold.
    """
    original = tasks.read(source)

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = original.type
        record.tags = list(original.tags)
        record.system_tags = [tag for tag in original.system_tags if tag not in _DROPPED_SYSTEM_TAGS]
        record.output_destination = original.output_destination
        record.comment = original.comment if comment is None else comment
        record.container = original.container
        record.imported = list(original.imported)  # its program is still somebody else's
        record.parent = parent or original.parent or original.id
        _copy_inputs(source, paths)
        if change is not None:
            _change_params(paths, change)
        if also is not None:
            also(paths, record)

    try:
        return tasks.create(
            store,
            places.project_of(store, source.home) if project is None else project,
            f"Clone Of {original.name}"[:MAX_LENGTH] if name is None else name,
            fill=fill,
        )
    except FileNotFoundError:
        raise NotFound("task", source.id, "it was moved or deleted while it was copied; try again") from None


def _copy_inputs(source: TaskPaths, target: TaskPaths) -> None:
    for name in _COPIED_RECORDS:
        if (source.home / name).exists():
            replace_record(target.home / name, read_bytes(source.home / name))
    for folder in _COPIED_FOLDERS:
        if (source.home / folder).is_dir():
            _copy_tree(source.home / folder, target.home / folder)
    artifacts.copy_inputs(source, target)
    models.copy_inputs(source, target)


def _copy_tree(source: Path, target: Path) -> None:
    """Copy files and links, durable, writable again where the source was published; a live run may be adding files."""
    target.mkdir()
    for entry in os.scandir(source):
        if is_temporary(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            _copy_tree(Path(entry.path), target / entry.name)
        elif entry.is_symlink():
            (target / entry.name).symlink_to(os.readlink(entry.path))  # noqa: PTH115 - as it is spelled
        elif entry.is_file():
            write_blob(target / entry.name, chunks_of(Path(entry.path)))


def _change_params(paths: TaskPaths, change: Callable[[ParamsRecord], None]) -> None:
    params = tasks.read_params(paths)
    change(params)
    previous = read_bytes(paths.params) if paths.params.exists() else b"{}"
    tasks.replace_params(paths, params, previous)


def reset(store: Store, task_id: str, *, force: bool = False, reason: str = "reset") -> TaskRecord:
    """Make a task a draft again: what it was given stays, what it produced (logs, files, times) is deleted.

    A published task, or one with a published model, is refused unless `force` is given; a running one always. Models
    stay that are published, or that other tasks were given.
    """
    made = _unpublished_models(places.locate(store, task_id), force=force)
    used = frozenset(key for key, tasks_of in lineage.users(store, made).items() if set(tasks_of) - {task_id})

    def clear(paths: TaskPaths, record: TaskRecord) -> None:
        if is_alive(paths.beacon, store.locks):
            raise Refused(f"task {task_id[:12]} is running; `taskstore abort {task_id[:12]}` ends it first")
        before = tasks.read(paths)
        if before.status is Status.IN_PROGRESS and ancestry.is_elsewhere(paths, before):
            raise Refused(f"task {task_id[:12]} is running in the store that it was copied from; end it there")
        record.started = record.completed = record.active_duration = None
        record.runtime = {}
        record.last_worker = ""
        if paths.manifest.exists() or not paths.record.stat().st_mode & 0o200:
            _give_write_bits(paths)
        for doomed in (paths.summary, paths.beacon, paths.manifest, paths.stop):
            doomed.unlink(missing_ok=True)
        blobs.clear(paths, artifacts.delete_outputs(paths) | models.delete_outputs(paths, used=used))
        if paths.events.exists():
            shutil.rmtree(paths.events)

    only_from = frozenset(Status) - ({Status.PUBLISHED} if not force else frozenset())
    try:
        record = tasks.transition(
            store, task_id, Status.CREATED, only_from=only_from, reason=reason, force=True, also=clear
        )
    except BadTransition as error:
        hint = f"`taskstore clone {task_id[:12]}` makes a draft of it, --force resets it all the same"
        raise BadTransition(task_id, error.current, error.wanted, hint) from None
    # A published task's folder was opened for the change only, and closed after it.
    home = places.locate(store, task_id).home
    home.chmod(home.stat().st_mode | 0o200)
    return record


def _unpublished_models(paths: TaskPaths, *, force: bool) -> set[str]:
    """Return the ids of the models that a reset is about. Raises Refused where a published one is in its way."""
    found = models.read(paths).output
    ready = [model.name for model in found.values() if model.ready]
    if ready and not force:
        raise Refused(
            f"task {paths.id[:12]} has published model {ready[0]!r}; `taskstore clone {paths.id[:12]}` makes a draft "
            "of it, --force resets it all the same, and the model stays"
        )
    return {key for key, model in found.items() if not model.ready}


def _give_write_bits(paths: TaskPaths) -> None:
    for folder, _, names in os.walk(paths.home):
        # Blobs have no write bits, published or not: another task may share them.
        files = [] if Path(folder).is_relative_to(paths.files) else names
        for path in (Path(folder), *(Path(folder) / name for name in files)):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)
