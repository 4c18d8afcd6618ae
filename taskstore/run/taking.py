"""A process takes a task into its hands: it holds the beacon, puts the task in progress, and gives it its names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..core.errors import BadTransition
from ..core.names import check_name
from ..core.states import RECORDING, Status
from ..disk.atomic import replace_record
from ..disk.beacon import HeldBeacon, hold_beacon
from ..disk.layout import TaskPaths
from ..schema import codec
from ..schema.record import ScriptRecord, TaskRecord
from ..store import places, projects, tasks
from . import origin
from .code import KEPT_OF_REBUILT
from .mode import Mode
from .origin import Origin, Wanted
from .sink import warn

_STARTABLE = frozenset({Status.CREATED, Status.QUEUED, Status.IN_PROGRESS})


def hold(given: Origin, paths: TaskPaths) -> HeldBeacon:
    """Hold the task's beacon, before the task is in progress: who sees it so must find it alive.

    Raises Busy, and BadTransition where the task was given to another launch.
    """
    _check_launch(given, paths, tasks.read(paths))
    beacon = hold_beacon(paths.beacon, given.store.locks)
    if not given.launch:
        paths.stop.unlink(missing_ok=True)  # of an earlier run that was killed
    return beacon


def begin(given: Origin, paths: TaskPaths, script: ScriptRecord) -> None:
    """Put the task in progress, and record what runs; what a rebuilt program has recorded of its code stays."""
    kept = KEPT_OF_REBUILT if given.rebuilt else frozenset({"rev"})

    def change(record: ScriptRecord) -> None:
        notes = [*record.notes, *script.notes] if given.rebuilt else script.notes
        for field in ScriptRecord.__struct_fields__:
            if field not in kept:
                setattr(record, field, getattr(script, field))
        record.notes = list(dict.fromkeys(notes))

    if given.mode is not Mode.ATTACHED:
        replace_record(paths.script, codec.encode(script))
    tasks.transition(
        given.store,
        given.task_id,
        Status.IN_PROGRESS,
        only_from=_STARTABLE,
        reason="started",
        also=partial(_check_launch, given),
    )
    if given.mode is Mode.ATTACHED:
        tasks.edit_script(given.store, given.task_id, change)


def _check_launch(given: Origin, _: TaskPaths, record: TaskRecord) -> None:
    """Raise BadTransition where the task was given to another launch since this process was started for it."""
    named = record.execution.launch if record.execution is not None else ""
    if given.launch and named != given.launch:
        hint = "it was given to another worker; this process is not to run it"
        raise BadTransition(record.id, record.status.value, Status.IN_PROGRESS.value, hint)


def name_of(wanted: Wanted, begun_as: Wanted) -> str:
    """Return the name that a program gives its task; "" where its launcher was told one. Raises BadName."""
    return check_name("task", wanted.name) if wanted.name is not None and begun_as.name is None else ""


def take_names(given: Origin, wanted: Wanted, begun_as: Wanted, name: str, paths: Callable[[], TaskPaths]) -> None:
    """Name the task as its program does, but for what its launcher was told; `paths` says where it is now.

    Raises BadName, BadValue.
    """
    if wanted.earlier.continues or wanted.earlier.id:
        asked = "continue_last_task" if wanted.earlier.continues else "reuse_last_task_id"
        warn(f"a new task was begun for the program, and its {asked} is not followed; run it with plain python")
    if wanted.project is not None and begun_as.project is None:
        before = paths().home
        tasks.move(given.store, given.task_id, wanted.project)
        if paths().home != before:  # where the launcher has said that it is
            projects.drop_bare(given.store, before.parent)
            warn(f"task {given.task_id[:12]} is in {paths().home} now")
    project = places.project_of(given.store, paths().home)
    place = origin.output_destination(given.store, wanted.output_uri, project, given.settings)

    def change(record: TaskRecord) -> None:
        record.name = name or record.name
        record.type = wanted.type or record.type
        record.tags = list(dict.fromkeys([*record.tags, *wanted.tags]))
        record.output_destination = place

    tasks.edit(given.store, given.task_id, change, allowed=RECORDING)


def put_outputs(given: Origin, wanted: str | bool | None) -> None:
    """Put a task's outputs where its program wants them, unless its own record says where."""

    def change(record: TaskRecord) -> None:
        if isinstance(wanted, str):
            record.output_destination = record.output_destination or wanted

    tasks.edit(given.store, given.task_id, change, allowed=RECORDING)
