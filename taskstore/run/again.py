"""Using the task of an earlier run again, or going on with it; docs/decisions/0015-reuse-is-asked-for.md."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from ..core.errors import Damaged, NotFound, Refused
from ..core.names import check_name
from ..core.states import ENDED, Status
from ..disk.beacon import is_alive
from ..disk.layout import TaskPaths
from ..schema.model import ModelsRecord
from ..schema.record import ARCHIVED, DEVELOPMENT, ParamsRecord, TaskRecord
from ..sections import clone
from ..store import artifacts, configuration, events, liveness, models, places, plots, projects, tasks
from ..store.store import Store

OFFSET = "iteration_offset"
"""The key among a task's runtime facts of what is added to each iteration."""
_CONTINUED = (ENDED - {Status.PUBLISHED}) | {Status.CREATED, Status.IN_PROGRESS}


@dataclass(frozen=True)
class Earlier:
    """What a program wants of an earlier run's task; by `id`, or of the last of that name."""

    reuse: bool | None = None
    """None: as the settings say."""
    continues: bool = False
    id: str = ""
    offset: int | None = None
    """What to add to each iteration; None: as many as there were."""


def earlier_of(reuse: bool | str | None, continued: bool | str | int) -> Earlier:
    """Tell apart what ClearML puts into one argument: whether, which task, and with which offset."""
    if isinstance(continued, str) and continued:
        return Earlier(continues=True, id=continued)
    if isinstance(continued, int) and not isinstance(continued, bool):
        return Earlier(continues=True, offset=continued)
    if continued:
        return Earlier(continues=True)
    if isinstance(reuse, str) and reuse:
        return Earlier(reuse=True, id=reuse)
    return Earlier(None if reuse is None else bool(reuse))


def last(store: Store, project: str, name: str, task_type: str) -> TaskPaths | None:
    """Return the newest task of that name and type that this user made on this machine; None where there is none."""
    for paths, record in _of_name(store, project, name):
        if (record.type, record.user, record.host) == (task_type, tasks.who().partition("@")[0], socket.gethostname()):
            return paths
    return None


def _of_name(store: Store, project: str, name: str) -> Iterator[tuple[TaskPaths, TaskRecord]]:
    wanted = check_name("task", name)
    try:
        folder = projects.find(store, project)
    except NotFound:
        return
    for task_id in reversed(places.entries(str(folder))[0]):  # ids are in order of creation
        paths = TaskPaths(folder / task_id)
        with contextlib.suppress(FileNotFoundError, Damaged):
            record = tasks.read(paths)
            if record.name == wanted:
                yield paths, record


def is_disposable(store: Store, paths: TaskPaths, *, window_hours: float) -> bool:
    """Tell whether a task may be used again: recent, unpublished, not put away or enqueued, nothing made by it."""
    record = liveness.settle(store, paths, tasks.read(paths))
    age = store.clock.now() - (record.started or record.created)
    return (
        age <= timedelta(hours=window_hours)
        and record.status not in (Status.PUBLISHED, Status.CLOSED, Status.QUEUED)
        and ARCHIVED not in record.system_tags
        and DEVELOPMENT in record.system_tags
        and not artifacts.read(paths).artifacts
        and not models.read(paths).output
        and not is_alive(paths.beacon, store.locks)
    )


def empty(store: Store, task_id: str, tags: tuple[str, ...]) -> None:
    """Make a task as a new one, but for its id, name, tags and parent. Raises BadTransition, Refused."""
    clone.reset(store, task_id)

    def forget(params: ParamsRecord) -> None:
        params.hyperparams = {}

    def change(record: TaskRecord) -> None:
        record.comment = record.output_destination = ""
        record.tags = list(dict.fromkeys([*record.tags, *tags]))

    tasks.edit_params(store, task_id, forget)
    tasks.edit(store, task_id, change)

    def forget_given(_: TaskPaths, found: ModelsRecord) -> None:
        found.input, found.labels, found.design = {}, {}, ""

    if models.read(places.locate(store, task_id)) != ModelsRecord():
        models.change(store, task_id, forget_given)
    # What ran is replaced as the new run begins.
    tasks.under_lock(store, task_id, configuration.clear)


def reopen(store: Store, task_id: str, tags: tuple[str, ...], offset: int | None) -> None:
    """Make an ended task go on: `offset` (else the last iteration and one) is added to iterations from now on.

    Raises BadTransition for a published one, Refused where it is running.
    """
    paths = places.locate(store, task_id)
    liveness.settle(store, paths, tasks.read(paths))
    reached = [events.read_summary(paths).last_iteration, plots.last_iteration(paths)]
    counted = max((one for one in reached if one is not None), default=-1)
    added = counted + 1 if offset is None else offset

    def check(paths: TaskPaths, record: TaskRecord) -> None:
        if is_alive(paths.beacon, store.locks):
            raise Refused(f"task {task_id[:12]} is running; it is continued once it has ended")
        paths.beacon.unlink(missing_ok=True)  # of the earlier run: a reader would find this one dead
        record.runtime = {**record.runtime, OFFSET: str(added)}
        record.tags = list(dict.fromkeys([*record.tags, *tags]))

    tasks.transition(
        store, task_id, Status.IN_PROGRESS, only_from=_CONTINUED, reason="continued", force=True, also=check
    )


def offset_of(record: TaskRecord) -> int:
    """Return what is added to each iteration of a task."""
    text = record.runtime.get(OFFSET, "0")
    return int(text) if text.lstrip("-").isdigit() else 0
