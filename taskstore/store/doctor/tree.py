"""Checks of a store as a whole: its record, the tree of projects, the trash, what lies between. They change nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import Damaged
from ...core.ids import is_id
from ...core.names import decode, encode
from ...disk.atomic import is_abandoned, is_temporary
from ...disk.layout import PROJECT, PURGE_PREFIX, RECORD, StorePaths, TaskPaths
from ...disk.text import parse_yaml_object, read_bytes
from ...schema import codec
from ...schema.record import ProjectRecord, TaskRecord
from ...schema.remotes import RemotesRecord
from .. import index, places, settings, trash, views
from .. import store as stores
from ..store import Store
from . import contents, queues, strays
from .finding import Finding, Kind


@dataclass
class _Seen:
    """Folders of tasks on the way through the store: by id, and those whose name is none."""

    homes: dict[str, list[Path]] = field(default_factory=dict)
    misnamed: list[Path] = field(default_factory=list)


def check_record(root: Path) -> list[Finding]:
    """Return what is wrong with a store's own record, without which it does not open. Raises TooNew."""
    paths = StorePaths(root)
    try:
        stores.read_record(paths)
    except Damaged as error:
        why = error.why
    except (FileNotFoundError, NotADirectoryError):
        if not paths.projects.is_dir():
            return []
        why = "the file is missing"
    else:
        return []
    return [Finding(Kind.STORE, paths.record, why, "rebuild it from what can be read; the original goes to quarantine")]


def check(store: Store) -> Iterator[Finding]:
    """Yield everything that is wrong in a store."""
    seen = _Seen()
    yield from check_record(store.root)
    yield from contents.leases(store)
    yield from _settings(store)
    yield from _remotes(store)
    yield from _views(store)
    yield from _leftovers(store)
    if not index.is_sound(store):
        yield Finding(Kind.CACHE, store.paths.index, "the listing's memory cannot be read", "delete it: it is derived")
    yield from _project_tree(store, store.paths.projects, seen)
    yield from _trash(store, seen)
    for found in seen.homes.values():
        yield from _duplicates(found)
    yield from queues.check(store)
    yield from strays.in_queues(store)
    yield from _misnamed(seen)


def _settings(store: Store) -> Iterator[Finding]:
    try:
        settings.load(store, environ={settings.CONFIG_VARIABLE: os.devnull})
    except Damaged as error:
        yield Finding(Kind.CONFIG, error.path, error.why)


def _remotes(store: Store) -> Iterator[Finding]:
    path = store.paths.remotes
    try:
        codec.decode(RemotesRecord, read_bytes(path), path)
    except FileNotFoundError:
        pass
    except Damaged as error:
        yield Finding(Kind.REMOTES, path, error.why, "move it to quarantine; `taskstore remote add` names them again")


def _views(store: Store) -> Iterator[Finding]:
    try:
        views.listed(store)
    except Damaged as error:
        yield Finding(Kind.VIEWS, error.path, error.why, "move it to quarantine; the table of tasks keeps views anew")


def _leftovers(store: Store) -> Iterator[Finding]:
    """Look everywhere but where tasks are, and in what was taken out."""
    own = {store.paths.projects, store.paths.trash, store.paths.quarantine}
    now = store.clock.now().timestamp()
    for path in sorted(store.root.iterdir()):
        if path.is_dir() and not path.is_symlink() and path not in own:
            yield from contents.leftovers(store, path)
        elif is_temporary(path.name) and is_abandoned(path, now):
            yield Finding(Kind.LEFTOVER, path, "a crash left it unfinished", "move it to quarantine")


def _project_tree(store: Store, folder: Path, seen: _Seen) -> Iterator[Finding]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        yield _closed(folder)
        return
    if folder.stat().st_mode & 0o700 != 0o700:
        yield _closed(folder)
    now = store.clock.now().timestamp()
    for entry in entries:
        path = Path(entry.path)
        if is_temporary(entry.name):
            if is_abandoned(path, now):
                yield _unfinished(path, is_empty=_is_empty_project(path))
        elif not entry.is_dir(follow_symlinks=False):
            yield from strays.in_projects(store, path)
        elif is_id(entry.name):
            seen.homes.setdefault(entry.name, []).append(path)
            yield from contents.check(store, TaskPaths(path), is_in_trash=False)
        elif places.is_misnamed_task(entry.path):
            seen.misnamed.append(path)
        elif not entry.name.startswith("."):
            yield from _project(path)
            yield from _project_tree(store, path, seen)


def _closed(folder: Path) -> Finding:
    return Finding(Kind.PERMISSIONS, folder, "its owner cannot use it", "give its owner the permissions back")


def _unfinished(path: Path, *, is_empty: bool) -> Finding:
    if path.name.startswith(PURGE_PREFIX) and is_empty:
        return Finding(Kind.UNPURGED, path, "its removal was interrupted", "finish removing it")
    return Finding(Kind.LEFTOVER, path, "a crash left it unfinished", "move it to quarantine")


def _is_empty_project(folder: Path) -> bool:
    return all(name == PROJECT for _, _, files in os.walk(folder) for name in files)


def _project(folder: Path) -> Iterator[Finding]:
    own = decode(folder.name)
    path = folder / PROJECT
    record = ProjectRecord()
    try:
        record = codec.convert(ProjectRecord, parse_yaml_object(path, read_bytes(path)), path)
    except FileNotFoundError:
        pass
    except Damaged as error:
        yield Finding(Kind.PROJECT, path, error.why, "keep what can be read of it; the original goes to quarantine")
        return
    try:
        settings.check_project(folder)
    except Damaged as error:
        yield Finding(Kind.CONFIG, error.path, f"{settings.PROJECT_KEY}: {error.why}")
    names = [name for name in (record.name, record.renaming_to) if name and encode(name) == folder.name]
    if own is None and not names:
        yield _misspelt(folder)
    elif record.renaming_to or (record.name and record.name != (own or names[0])):
        yield Finding(
            Kind.PROJECT, path, f"its name is not {record.name!r}", f"write {own or names[0]!r}, as its folder says"
        )


def _misspelt(folder: Path) -> Finding:
    if "%+" in folder.name:
        why = f"the end of its long name is lost: write the whole name into {PROJECT}"
        return Finding(Kind.PROJECT_FOLDER, folder, why)
    target = folder.with_name(encode(folder.name))
    if target.exists():
        why = f"no project can be found by this folder's name, and there is {target.name!r} already"
        return Finding(Kind.PROJECT_FOLDER, folder, why)
    return Finding(
        Kind.PROJECT_FOLDER, folder, "no project can be found by this folder's name", f"rename it to {target.name!r}"
    )


def _trash(store: Store, seen: _Seen) -> Iterator[Finding]:
    try:
        names = sorted(path.name for path in store.paths.trash.iterdir())
    except FileNotFoundError:
        return
    now = store.clock.now().timestamp()
    for name in names:
        path = store.paths.trash / name
        if is_temporary(name):
            if is_abandoned(path, now):
                yield _unfinished(path, is_empty=True)
        elif is_id(name) and path.is_dir():
            seen.homes.setdefault(name, []).append(path)
            yield from contents.check(store, TaskPaths(path), is_in_trash=True)
        elif path.is_dir() and not path.is_symlink() and places.is_misnamed_task(str(path)):
            seen.misnamed.append(path)
        elif not _is_tombstone(store, name):
            yield from strays.in_trash(path)


def _is_tombstone(store: Store, name: str) -> bool:
    task_id = name.partition(".")[0]
    try:
        return is_id(task_id) and name == f"{task_id}.json" and trash.tombstone(store, task_id) is not None
    except Damaged:
        return False


def _duplicates(found: list[Path]) -> Iterator[Finding]:
    """Of several folders of one task the one last changed (by its count of revisions) is it."""
    found = [home for home in found if (home / RECORD).exists()]
    if len(found) < 2:
        return
    best = max(found, key=lambda home: (_revision(home), str(home)))
    for home in found:
        if home != best:
            yield Finding(
                Kind.DUPLICATE, home, f"the same task is in {best}, and is later there", "move this one to quarantine"
            )


def _revision(home: Path) -> int:
    record = _record(home)
    return record.rev if record else -1


def _record(home: Path) -> TaskRecord | None:
    path = TaskPaths(home).record
    try:
        return codec.decode(TaskRecord, read_bytes(path), path)
    except (Damaged, FileNotFoundError):
        return None


def _misnamed(seen: _Seen) -> Iterator[Finding]:
    """A task's folder under another name is the task, unless there is that task: then it is a copy of it.

    Of several the one last changed (by its count of revisions) is the task.
    """
    taken = {task_id: home for task_id, homes in seen.homes.items() for home in homes if (home / RECORD).exists()}
    for folder in sorted(seen.misnamed, key=lambda folder: (-_revision(folder), str(folder))):
        record = _record(folder)
        why = "no task is found by this name"
        if record is None or not is_id(record.id):
            why += ", and its record does not say which one it is: rename the folder to its id"
            yield Finding(Kind.TASK_FOLDER, folder, why)
        elif record.id in taken:
            why += f"; it is a copy of the one in {taken[record.id]}"
            yield Finding(Kind.DUPLICATE, folder, why, "move this one to quarantine")
        else:
            taken[record.id] = folder.with_name(record.id)
            yield Finding(Kind.TASK_FOLDER, folder, why, f"rename it to {record.id}, the id in its record")
