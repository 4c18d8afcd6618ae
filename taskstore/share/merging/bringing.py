"""Bringing a task's state in from elsewhere: afterwards the store's task is the join of both.

Everything is fetched aside first, without a lock, and checked. Then it goes into the task under its lock: blobs, logs,
ancestry.json, which says of each value what was known of it before, the records, and ancestry.json without that. After
a crash each value is either the old one or the new one, and known as that: the next attempt finishes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.errors import Busy, Conflict
from ...core.names import project_parts
from ...core.states import Status
from ...disk.atomic import staging_beside
from ...disk.layout import LOCK, TaskPaths
from ...disk.lock import edit_lock
from ...schema.ancestry import Unit, shown
from ...store import liveness, tasks, trash
from ...store.entering import adopt
from ...store.projects import ensure_folder
from ...store.published import take_write_bits
from ...store.store import Store, writing
from ..source import Source
from .applying import Applied, apply, fill, settle
from .frozen import check_published, is_published, manifest_of
from .own import Here, facts, look
from .planning import Planner, lacks
from .reading import Survey
from .staging import Fetcher
from .state import PROJECT, STATUS, TRASHED, TaskState, conflicts, digest, is_trashed, join

NEW = "new"
MERGED = "merged"
UNCHANGED = "unchanged"
DELETED = "deleted"
SKIPPED = "skipped"
_MAX_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a task comes from: the store's id and its address without credentials. Is it trusted, no mark is made.

    `without` says what was left out there on purpose, in words of `schema.bundle.KINDS`.
    """

    store_id: str
    address: str
    is_trusted: bool = False
    without: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has become of a task: `kind` is new, merged, unchanged, deleted, or skipped, of which `reason` says why.

    `conflicts` are the units that a person has to decide; `missing` the files that the source has not either.
    """

    task_id: str
    kind: str
    reason: str = ""
    conflicts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class ChangedMeanwhile(Exception):
    """The task is not as it was when the merge was worked out."""


def bring_in(store: Store, state: TaskState, source: Source, origin: Origin, *, project: str | None = None) -> Outcome:
    """Make the store's task the join of what it is and of a state whose files the source has.

    A new task appears whole by one rename, in `project` where that is given. One that runs here is left alone, and
    skipped. Raises Damaged where a file is not what the state says, Refused where a published task would change; the
    store's task is then as it was. Busy where somebody else goes on changing it.
    """
    for _ in range(_MAX_TRIES):
        try:
            with contextlib.suppress(ChangedMeanwhile, FileNotFoundError), writing(store):
                return _bring(store, state, source, origin, project)
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise Conflict(f"task {state.id[:12]} has a file and a folder of one name: {error.filename}") from None
    raise Busy(store.paths.projects / state.id, 0)


def _bring(store: Store, state: TaskState, source: Source, origin: Origin, project: str | None) -> Outcome:
    here = look(store, state.id)
    joined = join(here.state, state) if here is not None else state
    if is_trashed(joined):
        return _delete(store, here, joined)
    if here is None or here.paths is None or here.survey is None:
        return _add(store, joined, state, source, origin, project)
    if _is_in_trash(store, here):
        _take_out(store, here, joined)
        return _bring(store, state, source, origin, project)
    if _is_in(here.survey, joined) and not lacks(here.survey, here.paths, state, source):
        _finish(store, here)
        return Outcome(task_id=state.id, kind=UNCHANGED, conflicts=tuple(sorted(conflicts(joined))))
    reason = why_not(store, here)
    if reason:
        return Outcome(task_id=state.id, kind=SKIPPED, reason=reason)
    return _merge(store, here, joined, state, source, origin)


def _is_in(here: Survey, joined: TaskState) -> bool:
    """Tell whether a task knows all that is brought; the digest does not say when it was changed last."""
    return digest(joined) == digest(here.state) and joined.last_update == here.state.last_update


def _take_out(store: Store, here: Here, joined: TaskState) -> None:
    """Move a task from the trash to its project, before its record forgets which that was."""
    with unchanged(store, here) as paths:
        target = place_of(store, joined, paths)
        tasks.rename_home(paths, target)
        store.places[paths.id] = target
        store.paths.tombstone(paths.id).unlink(missing_ok=True)


def _is_in_trash(store: Store, here: Here) -> bool:
    return here.paths is not None and here.paths.home.parent == store.paths.trash


def why_not(store: Store, here: Here) -> str:
    """Say why a task is not to be touched now: its own run writes it. Empty: it may be."""
    if here.paths is None:
        return ""
    record = tasks.read(here.paths)
    if liveness.is_held(store, here.paths, record):
        return "it is running here, and is merged when it has ended"
    return ""


def _delete(store: Store, here: Here | None, joined: TaskState) -> Outcome:
    """Put a task into the trash, as it is; of one that is not here note that it is deleted."""
    deletion = joined.units[TRASHED]
    is_there = here is not None and (here.paths is None or _is_in_trash(store, here))
    if is_there and here is not None and here.state.units.get(TRASHED) == deletion:
        return Outcome(task_id=joined.id, kind=UNCHANGED)
    if here is None or here.paths is None or here.survey is None:
        store.paths.trash.mkdir(exist_ok=True)
        trash.bury(store, joined.id, deletion)
        return Outcome(task_id=joined.id, kind=DELETED)
    reason = why_not(store, here)
    if reason:
        return Outcome(task_id=joined.id, kind=SKIPPED, reason=reason)
    wanted = TaskState(
        id=joined.id,
        generation=here.state.generation,
        units={**here.state.units, TRASHED: deletion, **_status_of(here.state, joined)},
        logs=here.state.logs,
        last_update=here.state.last_update,
        samples=here.state.samples,
    )
    planned = Planner(wanted, here.survey, here.paths, Fetcher(Nothing(), joined.id, here.paths.home)).plan(wanted, {})
    with unchanged(store, here) as paths:
        leave(store, paths, apply(store, paths, here.survey, planned, None), store.paths.trashed(joined.id).home)
    return Outcome(task_id=joined.id, kind=DELETED)


def _status_of(mine: TaskState, joined: TaskState) -> dict[str, Unit]:
    """Return the status that a task has when it is deleted, such as of one that was taken out of its queue for that."""
    is_same_run = mine.generation == joined.generation and STATUS in joined.units
    return {STATUS: joined.units[STATUS]} if is_same_run else {}


class Nothing:
    """The source of a merge that needs no files."""

    def sizes(self) -> dict[str, int]:
        """Return nothing."""
        return {}

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Raise FileNotFoundError."""
        raise FileNotFoundError(name)


def _add(
    store: Store, joined: TaskState, theirs: TaskState, source: Source, origin: Origin, project: str | None
) -> Outcome:
    missing: list[str] = []

    def build(paths: TaskPaths) -> None:
        with _fetching(source, joined.id, paths.home) as fetcher:
            frozen = replace(check_published(None, joined, theirs, fetcher), without=origin.without)
            planned = Planner(joined, None, None, fetcher).plan(theirs, frozen.places)
            fill(store, paths, planned, _mark(store, origin), frozen)
            missing.extend(planned.missing)

    place = project if project is not None else str(shown(joined.units[PROJECT]).value)
    try:
        paths = adopt(store, place, joined.id, build)
    except Conflict:
        if look(store, joined.id) is None:
            raise
        raise ChangedMeanwhile from None  # somebody else has just brought it in
    if shown(joined.units[STATUS]).value.get("status") == Status.PUBLISHED.value:
        tasks.under_lock(store, paths.id, take_write_bits)
    store.paths.tombstone(joined.id).unlink(missing_ok=True)
    return _outcome(joined, NEW, missing)


def _merge(store: Store, here: Here, joined: TaskState, theirs: TaskState, source: Source, origin: Origin) -> Outcome:
    assert here.paths is not None  # noqa: S101 - a task that is merged is here
    assert here.survey is not None  # noqa: S101 - and was surveyed
    staging = staging_beside(store.paths.projects / joined.id)
    staging.mkdir()
    try:
        with _fetching(source, joined.id, staging) as fetcher:
            frozen = check_published(here.survey, joined, theirs, fetcher, manifest_of(here.paths))
            frozen = replace(frozen, without=origin.without)
            planned = Planner(joined, here.survey, here.paths, fetcher).plan(theirs, frozen.places)
            settle(store, planned, staging)
            mark = _mark(store, origin) if _is_other_program(here.state, joined) else None
            with unchanged(store, here) as paths:
                applied = apply(store, paths, here.survey, planned, mark, frozen)
                leave(store, paths, applied, place_of(store, joined, paths))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _outcome(joined, MERGED, planned.missing)


def place_of(store: Store, joined: TaskState, paths: TaskPaths) -> Path:
    """Return where a task belongs, in a project that is made where it is new. Raises BadName."""
    return ensure_folder(store, project_parts(str(shown(joined.units[PROJECT]).value))) / paths.id


def leave(store: Store, paths: TaskPaths, applied: Applied, target: Path) -> None:
    """Move a task to where it now belongs, and finish it there."""
    if target != paths.home:
        target.parent.mkdir(exist_ok=True)
        tasks.rename_home(paths, target)
        store.places.pop(paths.id, None)
        if target.is_relative_to(store.paths.projects):
            store.places[paths.id] = target
            store.paths.tombstone(paths.id).unlink(missing_ok=True)
    with tasks.writable(TaskPaths(target)):
        applied.finish(TaskPaths(target))


@contextlib.contextmanager
def unchanged(store: Store, here: Here) -> Iterator[TaskPaths]:
    """Hold a task's lock, where it is as it was. Raises ChangedMeanwhile."""
    assert here.paths is not None  # noqa: S101 - a task without a folder has no lock
    with edit_lock(here.paths.home / LOCK, store.locks), tasks.writable(here.paths):
        if tuple(facts(here.paths.home).items()) != here.files:
            raise ChangedMeanwhile
        if why_not(store, here):
            raise ChangedMeanwhile
        yield here.paths


def _finish(store: Store, here: Here) -> None:
    """Clear up after an attempt that was killed when all was in place but this."""
    assert here.survey is not None  # noqa: S101 - a task that is merged was surveyed
    assert here.paths is not None  # noqa: S101 - as above
    is_open = is_published(here.state) and here.paths.home.stat().st_mode & 0o200
    if not is_open and all(entry.before is None for entry in here.survey.known.units.values()):
        return
    with unchanged(store, here) as paths:
        Applied(store, here.survey, here.state, set(here.survey.files)).finish(paths)


@contextlib.contextmanager
def _fetching(source: Source, task_id: str, folder: Path) -> Iterator[Fetcher]:
    aside = folder / ".fetched.tmp"
    aside.mkdir()
    yield Fetcher(source, task_id, aside)
    shutil.rmtree(aside)


def _mark(store: Store, origin: Origin) -> dict[str, Any] | None:
    if origin.is_trusted:
        return None
    return {
        "kind": "taskstore",
        "id": origin.store_id,
        "path": origin.address,
        "time": store.clock.now(),
        "who": tasks.who(),
        **({"without": list(origin.without)} if origin.without else {}),
    }


def _is_other_program(mine: TaskState, joined: TaskState) -> bool:
    """Tell whether a merge changes what would run: then it is somebody else's program."""
    names = {name for name in joined.units if name in ("script", "container") or name.startswith("file/source/")}
    return any(name not in mine.units or shown(mine.units[name]) != shown(joined.units[name]) for name in names)


def _outcome(joined: TaskState, kind: str, missing: list[str]) -> Outcome:
    return Outcome(
        task_id=joined.id, kind=kind, conflicts=tuple(sorted(conflicts(joined))), missing=tuple(sorted(missing))
    )
