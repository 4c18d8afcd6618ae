"""What a store itself knows of a task: where it lies, in the trash, or as the tombstone of one that was removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from ...core.errors import Damaged, NotFound
from ...disk.layout import TaskPaths
from ...schema import codec
from ...schema.ancestry import Unit, Version, version_id
from ...store import ancestry, liveness, places, tasks, trash
from ...store.store import Store
from ..source import FolderSource
from .reading import Survey, is_shared, survey
from .spelling import known_units
from .state import TRASHED, TaskState, join_units


@dataclass(frozen=True)
class Here:
    """A task as a store has it. Of one that was removed for good there are no `paths`; `files` tell a later change."""

    state: TaskState
    paths: TaskPaths | None = None
    survey: Survey | None = None
    files: tuple[object, ...] = ()


class _OwnSource(FolderSource):
    """A task's folder of this store. Links are the user's own, and stay here."""

    def sizes(self) -> dict[str, int]:
        return {name: size for name, (size, _, _) in facts(self.home).items()}


def facts(home: Path) -> dict[str, tuple[int, int, int]]:
    """Return size, time of change and inode of every shared file of a folder: what is the same has not been changed."""
    found: dict[str, tuple[int, int, int]] = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        for entry in sorted((home / prefix).iterdir(), key=lambda path: path.name):
            name = f"{prefix}{entry.name}"
            if not is_shared(name) or entry.is_symlink():
                continue
            if entry.is_dir():
                pending.append(f"{name}/")
            elif entry.is_file():
                stat = entry.stat()
                found[name] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def look(store: Store, task_id: str) -> Here | None:
    """Return what a store knows of a task; None where it has never heard of it. Raises Damaged.

    Of a run that is found dead the end is written first.
    """
    try:
        paths = places.locate(store, task_id)
    except NotFound:
        return _in_trash(store, task_id)
    liveness.settle(store, paths, tasks.read(paths))
    here = _surveyed(paths, places.project_of(store, paths.home))
    grave = trash.tombstone(store, task_id)
    return here if grave is None else _risen(here, Unit(heads=grave.heads, past=grave.past))


def _risen(here: Here, grave: Unit) -> Here:
    """Return what is known of a task that was removed for good, and that somebody has brought back by hand."""
    past = sorted({*grave.past, *(version.id for version in grave.heads)})
    restored = Unit(heads=[Version(id=version_id(None, past))], past=past)
    units = {**here.state.units, TRASHED: join_units(TRASHED, here.state.units.get(TRASHED, Unit()), restored)}
    return replace(here, state=msgspec.structs.replace(here.state, units=units))


def _in_trash(store: Store, task_id: str) -> Here | None:
    paths = store.paths.trashed(task_id)
    if paths.record.is_file():
        return _surveyed(paths, "restored")
    found = trash.tombstone(store, task_id)
    if found is None:
        return None
    if not found.heads:
        raise Damaged(store.paths.tombstone(task_id), "it says nothing of a deletion")
    return Here(TaskState(id=task_id, units={TRASHED: Unit(heads=found.heads, past=found.past)}))


def _surveyed(paths: TaskPaths, project: str) -> Here:
    files = tuple(facts(paths.home).items())
    try:
        found = survey(_OwnSource(paths.home), paths.id, project)
    except Damaged as error:
        raise Damaged(paths.home.parent / error.path, error.why) from None
    return Here(found.state, paths, found, files)


def own_state(store: Store, task_id: str) -> TaskState | None:
    """Return what a store knows of a task, be it in the trash or removed for good; None: nothing. Raises Damaged."""
    here = look(store, task_id)
    return here.state if here is not None else None


def known_ids(store: Store) -> Iterator[str]:
    """Yield the ids of all tasks that a store knows of: those that are deleted are known, too."""
    seen = set()
    for task_id in (found for _, found in places.walk(store, [])):
        seen.add(task_id)
        yield task_id
    for task_id in [*(paths.id for paths in trash.listed(store)), *trash.buried(store)]:
        if task_id not in seen:
            seen.add(task_id)
            yield task_id


def stamp(store: Store, task_id: str) -> TaskState:
    """Note in a task that what is in it now has been shared, and return its state.

    What is edited by hand from then on is known to come after it. Nothing is written where that is known already.
    Raises NotFound, ReadOnly, Damaged.
    """

    def action(paths: TaskPaths) -> TaskState:
        here = _surveyed(paths, places.project_of(store, paths.home))
        assert here.survey is not None  # noqa: S101 - a folder was surveyed
        known, units = here.survey.known, known_units(here.state)
        if known.units != units:
            previous = codec.encode(known)
            record = ancestry.read(paths)
            record.rev, record.units = record.rev + 1, units
            tasks.replace_part(paths.ancestry, record, previous)
        return here.state

    return tasks.under_lock(store, task_id, action)
