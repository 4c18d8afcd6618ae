"""Where a task is: walking the project tree, and finding one task by what a person calls it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import Ambiguous, BadValue, Busy, Damaged, NotFound, ReadOnly
from ..core.ids import is_id
from ..core.names import decode, encode
from ..disk import mounts
from ..disk.layout import PROJECT, RECORD, TaskPaths
from ..disk.lock import edit_lock
from ..disk.text import parse_yaml_object, read_bytes
from ..schema import codec
from ..schema.record import TaskRecord
from .store import Store

_MIN_PREFIX = 4
_LONGEST_SHOWN = 200
_SURE_S = 2.0
_LS_HINT = "`taskstore ls` lists them"


def walk(store: Store, damaged: list[Damaged] | None = None) -> Iterator[tuple[str, str]]:
    """Yield (project folder, task id) of every task in the tree, folder by folder, ids of each in order.

    A folder that cannot be read goes to `damaged` where that is given; otherwise it raises Damaged.
    """
    yield from _walk(str(store.paths.projects), damaged)


def _walk(folder: str, damaged: list[Damaged] | None) -> Iterator[tuple[str, str]]:
    try:
        ids, folders = entries(folder)
    except Damaged as error:
        if damaged is None:
            raise
        damaged.append(error)
        return
    for task_id in ids:
        yield folder, task_id
    for name in folders:
        yield from _walk(f"{folder}{os.sep}{name}", damaged)


def walk_projects(store: Store) -> Iterator[Path]:
    """Yield the folder of every project, parents before their children."""
    pending = [str(store.paths.projects)]
    while pending:
        folder = pending.pop()
        names = [f"{folder}{os.sep}{name}" for name in entries(folder)[1]]
        yield from (Path(name) for name in names)
        pending.extend(reversed(names))


def entries(folder: str) -> tuple[list[str], list[str]]:
    """Return the task ids and the project components in a folder, each sorted."""
    packed = mounts.entries(folder)
    if packed is not None:
        return packed
    ids, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if is_id(name):
                    if entry.is_dir():
                        ids.append(name)
                elif name[0] != "." and entry.is_dir(follow_symlinks=False) and not is_misnamed_task(entry.path):
                    folders.append(name)
    except (FileNotFoundError, NotADirectoryError):
        return [], []  # renamed or deleted while we walked
    except PermissionError as error:
        raise Damaged(Path(folder), error.strerror or "cannot be read") from None
    return sorted(ids), sorted(folders)


def is_misnamed_task(folder: str) -> bool:
    """Tell whether a folder whose name is no id holds a task all the same: somebody has renamed or copied it.

    A project among whose tasks somebody has put a task.json is a project: it holds tasks, or a record of its own.
    """
    if not os.path.isfile(f"{folder}/{RECORD}"):  # noqa: PTH113 - one for each project of every listing
        return False
    with contextlib.suppress(OSError):
        return not any(name == PROJECT or is_id(name) for name in os.listdir(folder))  # noqa: PTH208 - names only
    return False


def locate(store: Store, task_id: str) -> TaskPaths:
    """Return where a task is now. Raises NotFound."""
    if not is_id(task_id):  # it may be anything that somebody has typed: no name of a file, nor worth a search
        raise NotFound("task", task_id[:_LONGEST_SHOWN], _LS_HINT)
    hint = store.places.get(task_id)
    if hint is not None and (hint / RECORD).is_file():
        return TaskPaths(hint)
    if task_id in store.absent:
        raise NotFound("task", task_id, _LS_HINT)
    home = _find(store, task_id) or _find(store, task_id) or _find_for_sure(store, task_id)
    if home is not None:
        mounts.bring_task(home)
        store.places[task_id] = home
        return TaskPaths(home)
    store.places.pop(task_id, None)
    hint_text = (
        f"it is in the trash: `taskstore trash restore {task_id[:12]}`" if _is_trashed(store, task_id) else _LS_HINT
    )
    raise NotFound("task", task_id, hint_text)


def _find(store: Store, task_id: str) -> Path | None:
    return next((Path(folder) / found for folder, found in walk(store, []) if found == task_id), None)


def _find_for_sure(store: Store, task_id: str) -> Path | None:
    """Look once more while no project can be renamed: one that moves from before the walk to behind it hides its tasks.

    A store that cannot be locked is one that nobody here can rename in.
    """
    try:
        with edit_lock(store.paths.lock, store.locks, timeout_s=_SURE_S):
            return _find(store, task_id)
    except (Busy, ReadOnly, FileNotFoundError):
        return _find(store, task_id)


def _is_trashed(store: Store, task_id: str) -> bool:
    return store.paths.trashed(task_id).record.is_file()


def project_of(store: Store, home: Path) -> str:
    """Return the name of the project whose folder holds the task at `home`."""
    return project_name(store, home.parent)


def project_name(store: Store, folder: Path) -> str:
    """Return a project's full name by its folder."""
    parts = []
    projects = store.paths.projects
    while folder != projects and folder != folder.parent:
        parts.append(part_name(folder))
        folder = folder.parent
    return "/".join(reversed(parts))


def part_name(folder: Path) -> str:
    """Return a project's own part of its name by its folder."""
    name = decode(folder.name)
    if name is not None:
        return name
    # Abbreviated: its record knows.
    path = folder / PROJECT
    try:
        record = parse_yaml_object(path, read_bytes(path))
    except (FileNotFoundError, Damaged):
        return folder.name
    for key in ("name", "renaming_to"):
        value = record.get(key)
        if isinstance(value, str) and value and encode(value) == folder.name:
            return value
    return folder.name


def id_of(store: Store, reference: str) -> str:
    """Return the id that a reference means, a whole one as it is: it may be of another store. Raises NotFound."""
    return reference if is_id(reference) else resolve(store, reference).id


def resolve(store: Store, reference: str) -> TaskPaths:
    """Find the task that a person means: an id, a unique prefix of one, `project/name`, or `@last`.

    Of several tasks of one name the last modified; `@last` is the task that was made last. Raises NotFound,
    Ambiguous with the candidates, BadValue where nothing was given.
    """
    paths = _resolved(store, reference.strip())
    mounts.bring_task(paths.home)
    return paths


def _resolved(store: Store, reference: str) -> TaskPaths:
    if not reference:
        raise BadValue(f"no task given; name one by id, id prefix, project/name or @last ({_LS_HINT})")
    if reference == "@last":
        return _last(store)
    if is_id(reference.lower()):
        return locate(store, reference.lower())
    by_prefix = _by_prefix(store, reference.lower())
    by_name = _by_name(store, reference) if "/" in reference else []
    if len(by_prefix) == 1 and not by_name:
        return by_prefix[0]
    if by_name:
        return by_name[-1]
    if by_prefix:
        raise Ambiguous("task", reference, [_describe(store, paths) for paths in by_prefix[:20]])
    raise NotFound("task", reference, _LS_HINT)


def _last(store: Store) -> TaskPaths:
    newest = max(((task_id, folder) for folder, task_id in walk(store)), default=None)
    if newest is None:
        raise NotFound("task", "@last", "this store holds no task yet")
    return TaskPaths(Path(newest[1]) / newest[0])


def _by_prefix(store: Store, prefix: str) -> list[TaskPaths]:
    if len(prefix) < _MIN_PREFIX or not all(char in "0123456789abcdef" for char in prefix):
        return []
    return [TaskPaths(Path(folder) / task_id) for folder, task_id in walk(store) if task_id.startswith(prefix)]


def _by_name(store: Store, reference: str) -> list[TaskPaths]:
    """Tasks of this project/name, the last modified last; either part may hold a slash."""
    found = []
    parts = reference.split("/")
    for cut in range(1, len(parts)):
        project = tuple(part.strip() for part in parts[:cut])
        name = "/".join(parts[cut:]).strip()
        if not all(project) or not name:
            continue
        folder = store.paths.project(project)
        for task_id in entries(str(folder))[0]:
            paths = TaskPaths(folder / task_id)
            try:
                record = codec.decode(TaskRecord, read_bytes(paths.record), paths.record)
            except (FileNotFoundError, Damaged):
                continue
            if record.name == name:
                found.append((record.last_update or record.created, task_id, paths))
    return [paths for _, _, paths in sorted(found, key=lambda item: item[:2])]


def _describe(store: Store, paths: TaskPaths) -> str:
    try:
        name = codec.decode(TaskRecord, read_bytes(paths.record), paths.record).name
    except (FileNotFoundError, Damaged) as error:
        name = f"({type(error).__name__})"
    return f"{paths.id}  {project_of(store, paths.home)}/{name}"
