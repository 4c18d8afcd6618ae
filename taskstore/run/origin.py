"""Which task a process's session is of: a new one, the one it was launched for, or its parent's."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..capture import git, source
from ..core.errors import BadName, BadValue, NotFound, Refused, TaskstoreError
from ..core.names import MIN_LENGTH, check_name, project_parts
from ..core.states import RECORDING, Status
from ..disk.layout import TaskPaths
from ..schema.record import TaskRecord
from ..store import destination, places, projects, settings, tasks
from ..store.store import Store, open_at, open_default
from . import again
from .mode import NO_REUSE_VARIABLE, OFFSET_VARIABLE, Mode, Role
from .sink import warn

_DEFAULT_PROJECT = "Untitled"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a program asks for when it begins a task; None where it leaves the choice."""

    project: str | None = None
    name: str | None = None
    type: str | None = None
    tags: Sequence[str] = ()
    output_uri: str | bool | None = None
    with_streams: bool | Mapping[str, object] = True
    with_arguments: bool | Mapping[str, object] = True
    with_frameworks: bool | Mapping[str, object] = True
    with_resources: bool | Mapping[str, float] = True
    earlier: again.Earlier = again.Earlier()

    def fits(self, project: str, name: str) -> bool:
        """Tell whether this names a task, or leaves the choice. Raises BadName."""
        return (self.name is None or check_name("task", self.name) == name) and (
            self.project is None or "/".join(project_parts(self.project)) == project
        )


@dataclass(frozen=True)
class Origin:
    """A task and this process's part in it; `failure` says why nothing can be recorded, `warning` what is amiss."""

    store: Store
    task_id: str
    mode: Mode
    settings: settings.Settings
    failure: Exception | None = None
    warning: str = ""
    verb: str = "created"
    offset: int = 0
    """What is added to each iteration."""
    launch: str = ""
    """The launch that the task's record must name; empty where nobody has launched this process."""
    rebuilt: str = ""
    """The root of the tree that the task's own code was built into; empty where the code is to be captured."""


def attached(role: Role, find_store: Callable[[], Store]) -> Origin:
    """Return the task that this process was launched for. Raises NotFound where there is none."""
    store = find_store()
    paths = places.locate(store, role.task_id)
    configured, warning = settings.load_sound(store, project=paths.home.parent)
    return Origin(
        store,
        role.task_id,
        Mode.ATTACHED,
        configured,
        warning=warning,
        launch=role.launch,
        rebuilt=role.rebuilt,
    )


def fresh(wanted: Wanted, entry: source.Entry, find_store: Callable[[], Store], *, parent: str) -> Origin:
    """Create a task. Raises BadName and BadValue; a store that cannot be used is the origin's `failure`."""
    stem = entry.path.stem if entry.path else "interactive"
    name = wanted.name if wanted.name is not None else (stem if len(stem) >= MIN_LENGTH else f"{stem} run")

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = wanted.type or record.type
        record.tags = list(dict.fromkeys(wanted.tags))
        record.system_tags = ["development"]
        record.parent = parent or None
        record.output_destination = place

    store: Store | None = None
    try:
        store = find_store()
        project = wanted.project if wanted.project is not None else _default_project(entry)
        folder = store.paths.project(project_parts(project))
        configured, warning = settings.load_sound(store, project=folder)
        place = output_destination(store, wanted.output_uri, project, configured)
        earlier = _earlier(store, wanted, configured.reuse, project, name)
        if earlier is not None:
            if place:
                tasks.edit(store, earlier.id, partial(_put_outputs_at, place), allowed=RECORDING)
            return Origin(store, earlier.id, Mode.FRESH, configured, None, warning, *_begun_again(wanted, earlier))
        paths = tasks.create(store, project, name, fill=fill)
    except (BadName, BadValue):
        raise
    except (OSError, TaskstoreError) as error:
        return nowhere(error, store)
    return Origin(store, paths.id, Mode.FRESH, configured, warning=warning)


def _put_outputs_at(place: str, record: TaskRecord) -> None:
    record.output_destination = place


def output_destination(store: Store, wanted: str | bool | None, project: str, configured: settings.Settings) -> str:
    """Return where the files of a new task go besides its folder: as the program says, the project, the settings."""
    if wanted is False:
        return ""
    if isinstance(wanted, str) and wanted:
        return wanted
    said = ""
    with contextlib.suppress(OSError, TaskstoreError):
        said = projects.read(projects.find(store, project)).default_output_destination
    try:
        return destination.recorded(said or configured.output.uri) if said or configured.output.uri else ""
    except (BadValue, Refused) as error:  # a slip in the settings must not keep a program from running
        warn(f"files stay in the task's folder: {error}")
        return ""


def _earlier(store: Store, wanted: Wanted, reuse: settings.Reuse, project: str, name: str) -> TaskPaths | None:
    """Return the task of an earlier run, made ready to be used again or continued; None for a new task.

    Raises BadValue where the very task to continue cannot be; all else that is in the way makes a new one.
    """
    if os.environ.get(NO_REUSE_VARIABLE) and not wanted.earlier.continues:
        return None
    is_wanted = wanted.earlier.continues or (reuse.by_default if wanted.earlier.reuse is None else wanted.earlier.reuse)
    if not is_wanted:
        return None
    try:
        return _taken(store, wanted, reuse, project, name)
    except (OSError, TaskstoreError) as error:
        if wanted.earlier.continues and wanted.earlier.id and isinstance(error, (NotFound, Refused)):
            raise BadValue(f"continue_last_task: {error}") from None
        warn(f"a new task is made, for the earlier one cannot be taken: {error}")
        return None


def _taken(store: Store, wanted: Wanted, reuse: settings.Reuse, project: str, name: str) -> TaskPaths | None:
    if wanted.earlier.id:
        found: TaskPaths | None = places.resolve(store, wanted.earlier.id)
    else:
        found = again.last(store, project, name, wanted.type or "training")
    if found is None:
        return None
    if wanted.earlier.continues:
        again.reopen(store, found.id, tuple(wanted.tags), _offset(wanted))
    elif wanted.earlier.id or again.is_disposable(store, found, window_hours=reuse.window_hours):
        again.empty(store, found.id, tuple(wanted.tags))
    else:
        return None
    return places.locate(store, found.id)


def _offset(wanted: Wanted) -> int | None:
    """Return what is to be added to iterations, by the environment or else the program; None where neither says."""
    given = os.environ.get(OFFSET_VARIABLE, "")
    try:
        return int(given) if given else wanted.earlier.offset
    except ValueError:
        warn(f"{OFFSET_VARIABLE} is {given!r}, which is no whole number; it is not followed")
        return wanted.earlier.offset


def _begun_again(wanted: Wanted, paths: TaskPaths) -> tuple[str, int]:
    if not wanted.earlier.continues:
        return "reusing", 0
    return "continuing", again.offset_of(tasks.read(paths))


def _default_project(entry: source.Entry) -> str:
    """Return the name of the repository that the program lies in, as ClearML does, or Untitled."""
    name = git.root_name(entry.own_path, entry.working_directory) or ""
    return name if len(name) >= MIN_LENGTH else _DEFAULT_PROJECT


def nowhere(error: Exception, store: Store | None = None) -> Origin:
    """Return the origin of a run that cannot be recorded: the training matters more than the record of it."""
    from pathlib import Path

    from ..core.ids import new_id
    from ..disk.layout import StorePaths
    from ..disk.lock import LockKind

    at = store or Store(StorePaths(Path(os.devnull)), "", LockKind.FLOCK)
    return Origin(at, new_id(), Mode.FRESH, settings.Settings(), error)


def joined(role: Role, wanted: Wanted) -> Origin | None:
    """Return the parent's task for a helper; None where another task is asked for, or the parent's has ended.

    A child of multiprocessing runs the parent's program again, and a rank that of rank 0, whatever name that makes up:
    they ask for no other. A rank may come when rank 0 has ended already. Raises BadName.
    """
    try:
        store = open_at(role.root) if role.root else open_default()
        paths = places.locate(store, role.task_id)
        record = tasks.read(paths)
        project = places.project_of(store, paths.home)
        configured, _ = settings.load_sound(store, project=paths.home.parent)
    except (OSError, TaskstoreError):
        return None
    is_over = record.status is Status.PUBLISHED if role.is_rank else record.status is not Status.IN_PROGRESS
    if is_over or not (role.is_rank or is_of_multiprocessing() or wanted.fits(project, record.name)):
        return None
    return Origin(store, role.task_id, Mode.HELPER, configured, offset=again.offset_of(record))


def is_of_multiprocessing() -> bool:
    """Tell whether multiprocessing has started this process."""
    module = sys.modules.get("multiprocessing.process")
    if module is None:
        return False
    # The second holds while the parent's program is run again, before the worker knows its parent.
    return module.parent_process() is not None or getattr(module.current_process(), "_inheriting", False)
