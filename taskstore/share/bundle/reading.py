"""Tasks out of a bundle and into a store: each whole or not at all, and one that is there already is merged."""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from ...core import portable
from ...core.errors import Damaged, NotFound, Refused, TaskstoreError
from ...disk.layout import CONFIG_FOLDER, CONFIGURATION, PROJECT, TaskPaths
from ...disk.text import read_bytes
from ...schema import codec
from ...schema.ancestry import unit_name
from ...schema.bundle import PREFIXES
from ...schema.record import OWN_KIND, Imported, TaskRecord
from ...store import left_out, places, projects, tasks
from ...store.progress import bar
from ...store.store import Store
from ..merging import NEW, File, Origin, Outcome, TaskState, bring_in, known_ids, read_state, shown
from ..merging.exchange import checked
from ..merging.reading import files_of_value
from ..merging.units import aside
from .contents import Contents, Held, HeldSource

_SPARE_BYTES = 16 << 20
_MAX_DESCRIPTION_CHARS = 65_536


@dataclass(frozen=True)
class Brought:
    """What has become of one task of a bundle: `outcome`, or the error for which it is as it was before."""

    task_id: str
    outcome: Outcome | None = None
    error: TaskstoreError | None = None


def read(store: Store, path: Path, *, into: str | None = None) -> Iterator[Brought]:
    """Bring in the tasks of a zip, an unpacked one, a store's folder or that of a single task, one after the other.

    They keep their ids and their projects; `into` puts those that are new into another one. What is wrong with the
    whole raises before any task comes in: NotFound, Damaged with the name of the entry, Refused, TooNew. What is wrong
    with a task is its error, and the others come in. BadName for an `into` that can be no project.
    """
    if not path.exists():
        raise NotFound("file or folder", str(path))
    with Contents(path) as contents:
        _check(store, contents, into)
        known = set(known_ids(store))
        total_bytes = sum(sum(held.sizes.values()) for held in contents.tasks)
        with bar(f"import {path.name}", total_bytes) as progress:
            for held in contents.tasks:
                counted = _Counted(progress)
                yield _brought(store, contents.source(held, counted.add), into, contents, is_new=held.id not in known)
                progress(max(0, sum(held.sizes.values()) - counted.bytes))


def _check(store: Store, contents: Contents, into: str | None) -> None:
    if into is not None:
        projects.parts_of(store, into)
    if not contents.tasks:
        raise NotFound("task in", str(contents.path), "it holds nothing of `taskstore zip`'s, and no task's folder")
    for held in contents.tasks:
        if held.project is None and into is None:
            raise Refused(f"nothing says which project task {held.id[:12]} of {contents.path} is of; --into names one")


def _check_room(store: Store, held: Held) -> None:
    size_bytes = sum(held.sizes.values())
    if size_bytes + _SPARE_BYTES > shutil.disk_usage(store.root).free:
        raise Refused(f"task {held.id[:12]} has {size_bytes:,} bytes, more than is free at {store.root}")


class _Counted:
    """Counts what was read of a task: what it is spared to read is done, too."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self.bytes = 0
        self._progress = progress

    def add(self, count: int) -> None:
        self.bytes += count
        self._progress(count)


def _brought(store: Store, source: HeldSource, into: str | None, contents: Contents, *, is_new: bool) -> Brought:
    held = source.held
    address = str(contents.path.absolute())
    origin = Origin(store_id=contents.store_id, address=address, without=contents.without)
    project = "/".join(held.project) if held.project else str(into)
    try:
        if is_new:
            _check_room(store, held)
        state = _without(read_state(source, held.id, project), contents.without, held)
        _check_files(contents, held, checked(state, contents.path / held.folder))
        with _described(store, contents, held) if is_new and into is None else contextlib.nullcontext():
            outcome = bring_in(store, state, source, origin, project=into)
        if outcome.kind != NEW and contents.without:
            _note(store, state, origin)
        prefixes = tuple(PREFIXES[kind] for kind in contents.without)
        missing = tuple(name for name in outcome.missing if not name.startswith(prefixes))
        return Brought(held.id, replace(outcome, missing=missing))
    except Damaged as error:
        is_within = error.path.parts[:1] == (held.id,)  # as the source of one task names its files
        path = (contents.path / held.folder).parent / error.path if is_within else error.path
        return Brought(held.id, error=Damaged(path, error.why))
    except TaskstoreError as error:
        return Brought(held.id, error=error)


@contextlib.contextmanager
def _described(store: Store, contents: Contents, held: Held) -> Iterator[None]:
    """Make the projects that a task is to come into, as far as there is anything to say of them; undone on failure.

    Where their files go, and their settings, are not for others to say.
    """
    made: list[Path] = []
    parts = held.project or ()
    try:
        for name in (parts[:count] for count in range(1, len(parts) + 1)):
            if not store.paths.project(name).is_dir():
                said = contents.said_of(name)
                if said.description or said.tags:
                    about, tags = said.description[:_MAX_DESCRIPTION_CHARS], tuple(said.tags)
                    made.append(projects.create(store, "/".join(name), description=about, tags=tags))
        yield
    except BaseException:
        for folder in reversed(made):
            (folder / PROJECT).unlink(missing_ok=True)
            projects.drop_bare(store, folder)
        raise


def _without(state: TaskState, kinds: Collection[str], held: Held) -> TaskState:
    """Forget loose files that were left out: that they are not in the bundle does not say that they were deleted."""
    prefixes = tuple(unit_name("file", PREFIXES[kind]) for kind in kinds)
    units = {
        name: unit
        for name, unit in state.units.items()
        if not name.startswith(prefixes) or name.removeprefix("file/") in held.sizes
    }
    return msgspec.structs.replace(state, units=units)


def _named(state: TaskState) -> Iterator[tuple[str, File]]:
    for name, unit in state.units.items():
        yield from files_of_value(name, shown(unit).value)


def _check_files(contents: Contents, held: Held, state: TaskState) -> None:
    """Raise Damaged for a file that no system can have by its name, or whose size is not what its record says."""
    place = contents.path / held.folder
    _check_configuration(place, state)
    for name, file in _named(state):
        if why := portable.why_not(name):
            raise Damaged(place, f"a record names a file of it, and {why}: {name!r}")
        sizes = [held.sizes[each] for each in (name, aside(name, file.hash)) if each in held.sizes]
        if sizes and file.size not in sizes:
            raise Damaged(place / name, f"it has {sizes[0]:,} bytes, and its record says {file.size:,}")


def _check_configuration(place: Path, state: TaskState) -> None:
    for name, unit in state.units.items():
        value = shown(unit).value if name.startswith("configuration/") else None
        if value is not None and ("/" in value["file"] or portable.why_not(value["file"])):
            raise Damaged(place / CONFIGURATION, f"it names a file that is not in {CONFIG_FOLDER}/: {value['file']!r}")


def _note(store: Store, state: TaskState, origin: Origin) -> None:
    """Say of a task that was here already that what it misses now was left out."""
    try:
        paths = places.locate(store, state.id)
    except NotFound:
        return
    gone = [name for name, _ in _named(state) if not (paths.home / name).exists()]
    record = tasks.read(paths)
    if any(not left_out.may_miss(record, name) for name in gone):
        tasks.under_lock(store, state.id, functools.partial(_add_note, store, origin))


def _add_note(store: Store, origin: Origin, paths: TaskPaths) -> None:
    previous = read_bytes(paths.record)
    record = codec.decode(TaskRecord, previous, paths.record)
    found = next((mark for mark in record.imported if (mark.kind, mark.id) == (OWN_KIND, origin.store_id)), None)
    if found is None:
        time, who = store.clock.now(), tasks.who()
        found = Imported(kind=OWN_KIND, id=origin.store_id, path=origin.address, time=time, who=who)
        record.imported = [*record.imported, found]
    found.without = sorted({*found.without, *origin.without})
    tasks.write(paths, record, previous)
