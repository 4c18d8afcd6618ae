"""Projects: folders in a tree. Renaming one of any size is a single rename, under the store's lock."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..core.errors import BadName, Conflict, Damaged, NotFound, Refused
from ..core.ids import is_id
from ..core.names import decode, project_parts, split_project
from ..disk.atomic import make_folders, replace_record, staging_beside, sync_folder
from ..disk.layout import PROJECT, PURGE_PREFIX
from ..disk.lock import edit_lock
from ..disk.text import format_yaml, parse_yaml_object, read_bytes
from ..schema import codec
from ..schema.record import ProjectRecord
from . import places
from .store import Store, check_writable

_HINT = "`taskstore project ls` lists them"


@dataclass(frozen=True)
class Project:
    """A project and how many tasks stand in it (not in its subprojects)."""

    name: str
    folder: Path
    task_count: int


def ensure_folder(store: Store, parts: tuple[str, ...]) -> Path:
    """Return a project's folder, making it and its parents where they are missing."""
    folder = store.paths.project(parts)
    if folder.is_dir():
        return folder
    store.paths.projects.mkdir(exist_ok=True)
    for count, part in enumerate(parts, 1):
        part_folder = store.paths.project(parts[:count])
        if decode(part_folder.name) is not None:
            make_folders(part_folder, until=store.paths.projects)
        elif not part_folder.is_dir():
            # An abbreviated name is whole only in its record: the folder must not appear without it.
            _appear(part_folder, ProjectRecord(name=part))
    return folder


def drop_bare(store: Store, folder: Path) -> None:
    """Remove a project that nobody has made by name and in which nothing is left, and such ones above it.

    Whoever puts a task into it in that instant makes it again.
    """
    with contextlib.suppress(OSError):
        while folder != store.paths.projects:
            folder.rmdir()
            folder = folder.parent


def _appear(folder: Path, record: ProjectRecord) -> None:
    """Make a project's folder with its record in it, by one rename; does nothing where it holds something by now."""
    staging = staging_beside(folder)
    staging.mkdir()
    try:
        write(staging, record, {})
        staging.rename(folder)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    sync_folder(folder.parent)


def parts_of(store: Store, name: str) -> tuple[str, ...]:
    """Return the parts of a project's name; one that is not there yet must be fit to be made. Raises BadName."""
    parts = project_parts(name)
    try:
        return parts if store.paths.project(parts).is_dir() else split_project(name)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise BadName("project", f"{name[:40]}…", "its folder's path is longer than the system allows") from None


def find(store: Store, name: str) -> Path:
    """Return the folder of the project `name`, however short that is. Raises NotFound, BadName for an empty part."""
    folder = store.paths.project(project_parts(name))
    if not folder.is_dir():
        raise NotFound("project", name, _HINT)
    return folder


def create(store: Store, name: str, *, description: str = "", tags: tuple[str, ...] = ()) -> Path:
    """Make a project. Raises Conflict where there is one of that name."""
    parts = split_project(name)
    with _tree_lock(store):
        if store.paths.project(parts).exists():
            raise Conflict(f"there is a project '{'/'.join(parts)}' already")
        folder = store.paths.project(parts)
        store.paths.projects.mkdir(exist_ok=True)
        if len(parts) > 1:
            ensure_folder(store, parts[:-1])
        _appear(
            folder,
            ProjectRecord(name=parts[-1], description=description, tags=list(tags), created=store.clock.now()),
        )
    return folder


def read(folder: Path) -> ProjectRecord:
    """Return what people have said of a project. Raises Damaged."""
    path = folder / PROJECT
    try:
        return codec.convert(ProjectRecord, parse_yaml_object(path, read_bytes(path)), path)
    except FileNotFoundError:
        return ProjectRecord(name=decode(folder.name) or folder.name)


def edit(store: Store, name: str, change: Callable[[ProjectRecord], None]) -> ProjectRecord:
    """Let `change` set what is said of a project; its name is changed by `rename`."""
    with _tree_lock(store):
        folder = find(store, name)
        path = folder / PROJECT
        raw = parse_yaml_object(path, read_bytes(path)) if path.exists() else {}
        record = codec.convert(ProjectRecord, raw, path)
        change(record)
        record.name = project_parts(name)[-1]
        write(folder, record, raw)
    return record


def write(folder: Path, record: ProjectRecord, raw: dict[str, object]) -> None:
    """Replace what is said of a project, keeping the keys of `raw` that this program does not know."""
    known = {field.name for field in msgspec.structs.fields(ProjectRecord)}
    value = msgspec.to_builtins(record) | {key: item for key, item in raw.items() if key not in known}
    replace_record(folder / PROJECT, format_yaml(value))


def rename(store: Store, name: str, to: str) -> Path:
    """Rename or move a project with all that is in it; live runs in it go on writing.

    Of several callers at once one wins, the others get NotFound. Raises Conflict where `to` is taken.
    """
    parts = split_project(to)
    with _tree_lock(store):
        source = find(store, name)
        target = store.paths.project(parts)
        if target == source:
            return source
        if target.is_relative_to(source):
            raise Refused(f"project '{name}' cannot be moved into itself")
        if target.exists():
            raise Conflict(f"there is a project '{to}' already; move tasks one by one with `taskstore mv`")
        if len(parts) > 1:
            ensure_folder(store, parts[:-1])
        if decode(source.name) is None or decode(target.name) is None:
            _edit_names(source, places.part_name(source), parts[-1])
        _rename(source, target, name)
        try:
            _set_own_name(target, parts[-1])
        except (OSError, Damaged):
            _rename(target, source, to)  # as it was
            raise
    store.places.clear()
    return target


def _rename(source: Path, target: Path, name: str) -> None:
    try:
        source.rename(target)
    except PermissionError:
        if os.name == "nt":
            raise Refused(f"a task in '{name}' has open files, which Windows does not move; wait for its end") from None
        raise
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise Conflict(f"a project of the new name of '{name}' has just been made; nothing was moved") from None
    sync_folder(target.parent)
    sync_folder(source.parent)


def _set_own_name(folder: Path, part: str) -> None:
    path = folder / PROJECT
    if path.exists() or decode(folder.name) is None:
        _edit_names(folder, part, "")


def _edit_names(folder: Path, name: str, renaming_to: str) -> None:
    path = folder / PROJECT
    raw = parse_yaml_object(path, read_bytes(path)) if path.exists() else {}
    record = codec.convert(ProjectRecord, raw, path)
    record.name, record.renaming_to = name, renaming_to
    write(folder, record, raw)


def delete(store: Store, name: str, *, trash_task: Callable[[str], object] | None = None) -> None:
    """Remove a project that holds no task and no subproject; with `trash_task` its tasks go there first.

    Raises Refused, saying what is in it.
    """
    folder = find(store, name)
    task_ids, subprojects = contents(folder)
    if trash_task is None and (task_ids or subprojects):
        raise Refused(
            f"project '{name}' is not empty (tasks: {len(task_ids)}, subprojects: {len(subprojects)}); "
            "give --force to move its tasks to the trash and delete it"
        )
    if trash_task is not None:
        for task_id in task_ids:
            trash_task(task_id)
    with _tree_lock(store):
        folder = find(store, name)
        _check_empty(folder, name)
        # One rename first: a crash must not leave a project without what was said of it. What somebody has put in
        # since goes on existing, because only what is empty is removed.
        doomed = staging_beside(folder, PURGE_PREFIX)
        folder.rename(doomed)
        try:
            _check_empty(doomed, name)
        except Refused:
            doomed.rename(folder)
            raise
        remove_empty(doomed)
        sync_folder(folder.parent)


def _check_empty(folder: Path, name: str) -> None:
    for root, folders, files in os.walk(folder):
        left = [*(entry for entry in folders if entry[0] == "." or is_id(entry)), *(f for f in files if f != PROJECT)]
        if left:
            raise Refused(f"project '{name}' still holds {left[0]!r} in {root}; `taskstore doctor` says what it is")


def remove_empty(folder: Path) -> None:
    """Remove a project's folder and those in it, with their records. Raises OSError where one holds anything else."""
    for root, _, _ in os.walk(folder, topdown=False):
        (Path(root) / PROJECT).unlink(missing_ok=True)
        Path(root).rmdir()


def contents(folder: Path) -> tuple[list[str], list[Path]]:
    """Return the ids of all tasks below a project's folder, and its subprojects, parents first."""
    task_ids: list[str] = []
    folders: list[Path] = []
    pending = [folder]
    while pending:
        current = pending.pop()
        ids, names = places.entries(str(current))
        task_ids += ids
        children = [current / name for name in names]
        folders += children
        pending += children
    return task_ids, folders


def list_all(store: Store) -> list[Project]:
    """Return every project by name, parents before their children."""
    found = [
        Project(places.project_name(store, folder), folder, len(places.entries(str(folder))[0]))
        for folder in places.walk_projects(store)
    ]
    return sorted(found, key=lambda project: project.name.split("/"))


def _tree_lock(store: Store) -> AbstractContextManager[None]:
    check_writable(store)
    return edit_lock(store.paths.lock, store.locks)
