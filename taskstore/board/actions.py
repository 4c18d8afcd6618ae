"""What a person may do to a task, by its status: the same library calls as the commands of the same names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..core import states
from ..core.errors import BadValue, ReadOnly
from ..core.names import check_tag
from ..core.states import Status
from ..details import archive
from ..run import abort, given, remote, trust
from ..schema.record import ParamsRecord, TaskRecord
from ..sections import clone as cloning
from ..sections import parameters
from ..sections.configuration import edited
from ..store import liveness, places, published, settings, tasks, tickets, trash
from ..store.query import Row
from ..store.store import Store, check_writable


@dataclass(frozen=True)
class Action:
    """One thing to do to tasks; `asks` is what a person is asked first, empty where nothing is lost by it."""

    key: str
    label: str
    asks: str = ""


@dataclass(frozen=True)
class Done:
    """What was done, in words; `task_id` is of the task that was made, or the one itself; `undo` is an action's key."""

    text: str
    task_id: str
    undo: str = ""
    notes: tuple[str, ...] = field(default=())


ACTIONS = {
    action.key: action
    for action in (
        Action("clone", "Clone"),
        Action("enqueue", "Enqueue"),
        Action("dequeue", "Dequeue"),
        Action("abort", "Abort", "Its process is ended."),
        Action("reset", "Reset", "What it has produced is deleted for good: logs, metrics, plots, artifacts."),
        Action("publish", "Publish", "It is read-only from then on, for good."),
        Action("rename", "Rename"),
        Action("tag", "Tags"),
        Action("comment", "Comment"),
        Action("move", "Move to project"),
        Action("archive", "Archive"),
        Action("unarchive", "Bring back from the archive"),
        Action("delete", "Delete", "It goes to the trash, from which it can be restored."),
    )
}
"""By key, in the order of a menu."""


def allowed(row: Row) -> list[Action]:
    """Return what may be done to a task in its status, in the order of a menu."""
    status = row.task.status
    refused = {
        "enqueue": status is Status.QUEUED or not states.is_allowed(status, Status.QUEUED),
        "dequeue": status is not Status.QUEUED,
        "abort": status not in (Status.QUEUED, Status.IN_PROGRESS),
        "reset": status in (Status.CREATED, Status.QUEUED, Status.IN_PROGRESS)
        or not states.is_allowed(status, Status.CREATED),
        "publish": status is Status.PUBLISHED or not states.is_allowed(status, Status.PUBLISHED),
        "archive": row.is_archived,
        "unarchive": not row.is_archived,
        "delete": status is Status.IN_PROGRESS,
    }
    return [action for key, action in ACTIONS.items() if not refused.get(key, False)]


def check(store: Store, *, is_read_only: bool = False) -> None:
    """Raise ReadOnly, with the reason, where nothing may be done to the store's tasks."""
    if is_read_only:
        raise ReadOnly("this page was opened with --read-only; nothing is changed from here")
    check_writable(store)
    if not os.access(store.root, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise ReadOnly(f"{store.root} can only be read here; copy it to where you may write to change its tasks")


def do(store: Store, task_id: str, key: str, **values: object) -> Done:
    """Do one thing to one task; what else it needs are `values`, by the names that its function has.

    Raises TaskstoreError, as the library's call does; BadValue for what is no action.
    """
    function = _FUNCTIONS.get(key)
    if function is None:
        raise BadValue(f"no action {key!r}; there are {', '.join(_FUNCTIONS)}")
    return function(store, task_id, **values)


def clone(  # noqa: PLR0913 - each is a field of the dialog
    store: Store,
    task_id: str,
    *,
    name: str | None = None,
    project: str | None = None,
    comment: str | None = None,
    assignments: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    unset: Sequence[str] = (),
    queue: str | None = None,
    is_trusted: bool = False,
) -> Done:
    """Copy a task into a draft, with other parameters (`Section/name=value`), and enqueue that if a queue is named.

    `values` are parameters too, by `Section/name`: such a name may hold a `=`.

    Nothing is made where a parameter cannot be read, there is no such queue, or the task is from elsewhere and is not
    trusted.
    """
    source = places.locate(store, task_id)
    parsed = _parsed(assignments, values)
    removed = [parameters.split_name(text) for text in unset]
    if queue is not None:
        from ..queues import queue as queues

        queue = queues.find(store, queue)
        trust.check(store, task_id, is_trusted=is_trusted)
    notes: list[str] = []

    def change(params: ParamsRecord) -> None:
        notes.extend(_assigned(store, params, parsed, removed, source_id=task_id))

    made = cloning.clone(
        store, source, name=name, project=project, comment=comment, change=change if parsed or removed else None
    )
    if queue is None:
        return Done(f"a draft, cloned from {task_id[:12]}", made.id, notes=tuple(notes))
    put = enqueue(store, made.id, queue=queue, is_trusted=is_trusted)
    return Done(f"cloned from {task_id[:12]}, {put.text}", made.id, notes=(*notes, *put.notes))


def edit_parameters(
    store: Store,
    task_id: str,
    *,
    assignments: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    unset: Sequence[str] = (),
) -> Done:
    """Set and remove parameters of a draft, and user properties of any task: all of them or none."""
    parsed = _parsed(assignments, values)
    removed = [parameters.split_name(text) for text in unset]
    notes: list[str] = []

    def change(params: ParamsRecord) -> None:
        notes[:] = _assigned(store, params, parsed, removed, source_id=task_id)

    tasks.edit_params(store, task_id, change)
    return Done(f"{len(parsed)} set, {len(removed)} removed", task_id, notes=tuple(notes))


def _parsed(assignments: Sequence[str], values: Mapping[str, str] | None) -> list[tuple[str, str, str]]:
    named = [(*parameters.split_name(name), value) for name, value in (values or {}).items()]
    return [*(parameters.parse_assignment(text) for text in assignments), *named]


def edit_configuration(store: Store, task_id: str, *, name: str, before: bytes, text: str) -> Done:
    """Give a configuration object of a draft another text; `before` is what it held when the person began."""
    masked = edited.replace(store, task_id, name, before=before, text=text)
    notes = (f"what looks like a credential is stored masked: {', '.join(masked)}",) if masked else ()
    return Done(f"configuration {name} changed", task_id, notes=notes)


def _assigned(
    store: Store,
    params: ParamsRecord,
    parsed: Sequence[tuple[str, str, str]],
    removed: Sequence[tuple[str, str]],
    *,
    source_id: str,
) -> list[str]:
    masker = settings.masker(store, project=places.locate(store, source_id).home.parent)
    notes: list[str] = []
    for section, name, value in parsed:
        notes.extend(parameters.assign(params, section, name, value, masker=masker))
    for section, name in removed:
        parameters.remove(params, section, name)
    return notes


def enqueue(
    store: Store, task_id: str, *, queue: str = tickets.DEFAULT, priority: int = 0, is_trusted: bool = False
) -> Done:
    """Put a task into a queue; the notes name the secrets that its agent must be given."""
    remote.enqueue(store, task_id, queue, priority=priority, is_trusted=is_trusted)
    needed = [each for each in given.of_task(places.locate(store, task_id)) if each.is_needed]
    notes = tuple(f"the agent needs {each.name} in {each.variable}: it is masked in the task" for each in needed)
    return Done(f"waits in queue {queue}", task_id, undo="dequeue", notes=notes)


def dequeue(store: Store, task_id: str) -> Done:
    """Take a task out of its queue."""
    record = remote.dequeue(store, task_id)
    return Done(f"waits no more: {record.status.label.lower()}", task_id)


def end(store: Store, task_id: str, *, grace_s: float = abort.GRACE_S) -> Done:
    """End a task's process; returns when it has ended."""
    done = abort.abort(store, task_id, grace_s=grace_s)
    status = done.record.status
    text = "aborted" if status is Status.STOPPED else f"ended by itself: {status.label.lower()}"
    return Done("killed, because it had not ended in time" if done.is_killed else text, task_id)


def reset(store: Store, task_id: str) -> Done:
    """Make a task a draft again."""
    cloning.reset(store, task_id)
    return Done("a draft again", task_id)


def publish(store: Store, task_id: str, *, message: str = "") -> Done:
    """Make a task read-only, for good."""
    published.publish(store, task_id, message=message)
    return Done("published", task_id)


def rename(store: Store, task_id: str, *, name: str) -> Done:
    """Give a task another name."""
    return _edited(store, task_id, "renamed", lambda record: setattr(record, "name", name))


def tag(store: Store, task_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Done:
    """Add and take off tags."""
    added, removed = [check_tag(text) for text in add], {check_tag(text) for text in remove}

    def change(record: TaskRecord) -> None:
        record.tags = list(dict.fromkeys(text for text in [*record.tags, *added] if text not in removed))

    return _edited(store, task_id, "tags changed", change)


def comment(store: Store, task_id: str, *, text: str) -> Done:
    """Set a task's comment."""
    return _edited(store, task_id, "comment set", lambda record: setattr(record, "comment", text))


def move(store: Store, task_id: str, *, project: str) -> Done:
    """Move a task to another project."""
    tasks.move(store, task_id, project)
    return Done(f"moved to {project}", task_id)


def put_away(store: Store, task_id: str) -> Done:
    """Archive a task."""
    _edited(store, task_id, "", lambda record: archive(record, True))
    return Done("archived", task_id, undo="unarchive")


def bring_back(store: Store, task_id: str) -> Done:
    """Bring a task back from the archive."""
    _edited(store, task_id, "", lambda record: archive(record, False))
    return Done("back from the archive", task_id, undo="archive")


def delete(store: Store, task_id: str) -> Done:
    """Put a task into the trash."""
    paths = places.locate(store, task_id)
    liveness.settle(store, paths, tasks.read(paths))
    trash.put(store, task_id)
    return Done("in the trash", task_id, undo="restore")


def restore(store: Store, task_id: str) -> Done:
    """Bring a task back from the trash."""
    trash.restore(store, task_id)
    return Done("restored from the trash", task_id, undo="delete")


def purge(store: Store, task_id: str) -> Done:
    """Delete a task in the trash for good."""
    trash.purge(store, task_id)
    return Done("deleted for good", task_id)


def _edited(store: Store, task_id: str, text: str, change: Callable[[TaskRecord], None]) -> Done:
    tasks.edit(store, task_id, change)
    return Done(text, task_id)


_FUNCTIONS: dict[str, Callable[..., Done]] = {
    "clone": clone,
    "enqueue": enqueue,
    "dequeue": dequeue,
    "abort": end,
    "reset": reset,
    "publish": publish,
    "rename": rename,
    "tag": tag,
    "comment": comment,
    "move": move,
    "archive": put_away,
    "unarchive": bring_back,
    "delete": delete,
    "restore": restore,
    "purge": purge,
    "set": edit_parameters,
    "configure": edit_configuration,
}
