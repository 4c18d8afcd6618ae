"""Creating, reading and changing one task; every change of a record goes through here."""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ..core.errors import BadTransition, BadValue, Busy, Conflict, Damaged, ReadOnly, Refused
from ..core.ids import is_id, new_id
from ..core.names import check_name
from ..core.states import ALWAYS_EDITABLE, EDITABLE, ENDED, RECORDING, Status, is_allowed
from ..disk.atomic import replace_record, staging_beside, sync_folder
from ..disk.layout import TaskPaths
from ..disk.lock import EDIT_TIMEOUT_S, edit_lock
from ..disk.text import parse_json_object, read_bytes
from ..schema import codec
from ..schema.ancestry import parameters_of
from ..schema.record import MAX_HISTORY, PROGRESS, USER_PROPERTIES, Change, ParamsRecord, ScriptRecord, TaskRecord
from . import ancestry, places, tickets
from .entering import enter_project
from .projects import ensure_folder, parts_of
from .store import Store, writing

R = TypeVar("R")
T = TypeVar("T", bound=msgspec.Struct)
_MAX_MISSES = 3
_FREE_FIELDS = ALWAYS_EDITABLE | {"rev", "last_update"}


def who() -> str:
    """Return user@host of this process, for the history."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(getattr(os, "getuid", lambda: "user")())
    return f"{user}@{socket.gethostname()}"


def create(
    store: Store,
    project: str,
    name: str,
    *,
    fill: Callable[[TaskPaths, TaskRecord], None] | None = None,
    task_id: str | None = None,
) -> TaskPaths:
    """Make a draft, and its project where that is new; return its paths.

    `fill` may write more files into the new task's folder and set fields of its record, before anybody can see
    it: the task appears whole, by one rename. Raises BadName, or ReadOnly where the store cannot be written.
    """
    name = check_name("task", name)
    parts = parts_of(store, project)
    if task_id is not None and not is_id(task_id):
        raise BadValue(f"{task_id!r} is not a task id: 32 lower-case hex digits")
    now = store.clock.now()
    identity = who()
    record = TaskRecord(
        id=task_id or new_id(),
        rev=1,
        name=name,
        type="training",
        status=Status.CREATED,
        created=now,
        status_changed=now,
        last_update=now,
        user=identity.partition("@")[0],
        host=socket.gethostname(),
        history=[Change(status=Status.CREATED, time=now, who=identity)],
    )
    with writing(store):
        return _appear(store, parts, record, fill)


def _appear(
    store: Store,
    parts: tuple[str, ...],
    record: TaskRecord,
    fill: Callable[[TaskPaths, TaskRecord], None] | None,
) -> TaskPaths:
    # Built outside of every project, so that renaming one does not take it away.
    store.paths.projects.mkdir(exist_ok=True)
    staging = TaskPaths(staging_beside(store.paths.projects / record.id))
    staging.home.mkdir()
    try:
        if fill is not None:
            fill(staging, record)
        replace_record(staging.record, codec.encode(record))
        return enter_project(store, parts, record.id, staging)
    except BaseException:
        shutil.rmtree(staging.home, ignore_errors=True)
        raise


def read(paths: TaskPaths) -> TaskRecord:
    """Return a task's record as it is now. Raises FileNotFoundError where it has moved, Damaged where it is broken."""
    return codec.decode(TaskRecord, read_bytes(paths.record), paths.record)


def read_params(paths: TaskPaths) -> ParamsRecord:
    """Return a task's hyperparameters; none is an empty record."""
    try:
        return codec.decode(ParamsRecord, read_bytes(paths.params), paths.params)
    except FileNotFoundError:
        return ParamsRecord()


def read_script(paths: TaskPaths) -> ScriptRecord:
    """Return what ran; none is an empty record."""
    try:
        return codec.decode(ScriptRecord, read_bytes(paths.script), paths.script)
    except FileNotFoundError:
        return ScriptRecord()


def under_lock(store: Store, task_id: str, action: Callable[[TaskPaths], R]) -> R:
    """Run `action` on a task's paths under its edit lock, wherever it has been moved to meanwhile.

    `action` may be run again when the task moves during it: its last step is the rename of the record.
    Raises NotFound, Busy, ReadOnly, and Damaged where the task's folder has no record.
    """
    deadline = time.monotonic() + EDIT_TIMEOUT_S
    misses = halves = 0
    while True:
        paths = places.locate(store, task_id)
        try:
            with edit_lock(paths.lock, store.locks):
                paths.record.stat()  # FileNotFoundError where it has just been moved away
                with writable(paths):
                    return action(paths)
        except FileNotFoundError:
            store.places.pop(task_id, None)
            if paths.home.is_dir() and not paths.record.exists():
                # A move is one rename: a folder that stays without its record is what somebody has left half deleted.
                halves += 1
                if halves > _MAX_MISSES:
                    raise Damaged(paths.record, "the file is missing") from None
            misses = misses + 1 if paths.record.exists() else 0
            if misses > _MAX_MISSES:
                raise  # it does not move: the action misses a file of its own
            if time.monotonic() >= deadline:
                raise Busy(paths.home, EDIT_TIMEOUT_S) from None
        except PermissionError as error:
            raise ReadOnly(f"task {task_id[:12]} cannot be written: {error.strerror or error}") from None


@contextlib.contextmanager
def writable(paths: TaskPaths) -> Iterator[None]:
    """Open a published task's folder for the instant of a change that is allowed even there."""
    mode = paths.home.stat().st_mode
    if mode & 0o200:
        yield
        return
    paths.home.chmod(mode | 0o200)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            paths.home.chmod(mode)


def write(paths: TaskPaths, record: TaskRecord, previous: bytes) -> None:
    """Replace a task's record, keeping its mode; the caller holds the lock and has read `previous` under it."""
    record.rev += 1
    replace(paths.record, codec.encode_over(record, previous, paths.record))


def replace(path: Path, data: bytes, *, is_durable: bool = True) -> None:
    """Replace one of a task's files, keeping its mode; a new one of a published task is read-only, too."""
    owner = path if path.exists() else TaskPaths(path.parent).record
    is_frozen = owner.exists() and not owner.stat().st_mode & 0o200
    replace_record(path, data, is_durable=is_durable)
    if is_frozen:
        with contextlib.suppress(FileNotFoundError):  # moved since: the change is made, and must not be made twice
            path.chmod(path.stat().st_mode & ~0o222)


def edit(
    store: Store, task_id: str, change: Callable[[TaskRecord], None], *, allowed: frozenset[Status] = EDITABLE
) -> TaskRecord:
    """Let `change` set fields of a task's record, and return it.

    Only drafts may be edited (`allowed` says otherwise for the run itself), except the fields in
    ALWAYS_EDITABLE. Status and id are not edited. Raises ReadOnly naming the field, and leaves the file as it was.
    """

    def action(paths: TaskPaths) -> TaskRecord:
        previous = read_bytes(paths.record)
        record = codec.decode(TaskRecord, previous, paths.record)
        before = msgspec.to_builtins(record)
        change(record)
        if record.name != before["name"]:
            record.name = check_name("task", record.name)
        after = msgspec.to_builtins(record)
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        if changed & {"id", "status"}:
            raise BadValue("a task's id and status are not edited")
        if record.status not in allowed and changed - _FREE_FIELDS:
            raise not_editable(record, sorted(changed - _FREE_FIELDS)[0])
        if changed:
            record.last_update = store.clock.now()
            if any(key in before for key in changed):
                _note_edit(paths, previous, record, ancestry.of_fields, store)
            write(paths, record, previous)
        return record

    return under_lock(store, task_id, action)


def _note_edit(
    paths: TaskPaths,
    previous: bytes,
    record: TaskRecord | ParamsRecord,
    units_of: Callable[[Mapping[str, Any]], dict[str, Any]],
    store: Store,
    *,
    is_durable: bool = True,
) -> None:
    """Note which versions of its units an edit goes on from, before it is made."""
    before = parse_json_object(paths.record, previous)
    after = parse_json_object(paths.record, codec.encode_over(record, previous, paths.record))
    note(paths, units_of(before), units_of(after), store, is_durable=is_durable)


def note(
    paths: TaskPaths, before: Mapping[str, Any], after: Mapping[str, Any], store: Store, *, is_durable: bool = True
) -> None:
    """Note in ancestry.json which values by unit others take the place of; the caller holds the task's lock."""
    noted = ancestry.edited(paths, before, after, store.clock.now())
    if noted is not None:
        replace_part(paths.ancestry, *noted, is_durable=is_durable)


def not_editable(record: TaskRecord, what: str) -> ReadOnly:
    """Return the error for a change of `what` in a task that is not a draft."""
    return ReadOnly(
        f"task {record.id[:12]} is {record.status.label}, and only a draft's {what} can be edited; "
        f"`taskstore clone {record.id[:12]}` makes a draft of it"
    )


def edit_params(
    store: Store,
    task_id: str,
    change: Callable[[ParamsRecord], None],
    *,
    allowed: frozenset[Status] = EDITABLE,
    is_durable: bool = True,
) -> ParamsRecord:
    """Let `change` set hyperparameters; user properties may be set in every status. Raises ReadOnly.

    Not `is_durable` is for a run that syncs the file soon: until then a power cut may take what has changed.
    """

    def action(paths: TaskPaths) -> ParamsRecord:
        owner = read(paths)
        previous = read_bytes(paths.params) if paths.params.exists() else b"{}"
        record = codec.decode(ParamsRecord, previous, paths.params)
        before = _without_properties(record)
        change(record)
        if owner.status not in allowed and _without_properties(record) != before:
            raise not_editable(owner, "parameters")
        # A run that nobody has a copy of, as far as is known here, writes its parameters as often as it likes.
        if previous != b"{}" and (owner.status is not Status.IN_PROGRESS or paths.ancestry.exists()):
            _note_edit(paths, previous, record, parameters_of, store, is_durable=is_durable)
        replace_params(paths, record, previous, is_durable=is_durable)
        return record

    return under_lock(store, task_id, action)


def replace_params(paths: TaskPaths, record: ParamsRecord, previous: bytes, *, is_durable: bool = True) -> None:
    """Replace a task's parameters; the caller holds the lock, or alone knows the task."""
    record.rev += 1
    replace_part(paths.params, record, previous, is_durable=is_durable)


def replace_part(path: Path, record: msgspec.Struct, previous: bytes, *, is_durable: bool = True) -> None:
    """Replace one of a task's records, keeping its mode and what of `previous` is unknown; under the lock."""
    replace(path, codec.encode_over(record, previous, path), is_durable=is_durable)


def _without_properties(record: ParamsRecord) -> dict[str, object]:
    return {key: msgspec.to_builtins(value) for key, value in record.hyperparams.items() if key != USER_PROPERTIES}


def edit_script(
    store: Store, task_id: str, change: Callable[[ScriptRecord], None], *, allowed: frozenset[Status] = RECORDING
) -> ScriptRecord:
    """Let the run that records it, or the editor of a draft, set fields of what ran. Raises ReadOnly."""

    def action(paths: TaskPaths) -> ScriptRecord:
        owner = read(paths)
        if owner.status not in allowed:
            raise not_editable(owner, "script")
        previous = read_bytes(paths.script) if paths.script.exists() else b"{}"
        record = codec.decode(ScriptRecord, previous, paths.script)
        change(record)
        record.rev += 1
        replace_part(paths.script, record, previous)
        return record

    return under_lock(store, task_id, action)


def transition(
    store: Store,
    task_id: str,
    to: Status,
    *,
    only_from: frozenset[Status] | None = None,
    reason: str = "",
    message: str = "",
    force: bool = False,
    also: Callable[[TaskPaths, TaskRecord], None] | None = None,
) -> TaskRecord:
    """Move a task to a status, or raise BadTransition and leave the file as it was.

    Check and write happen under one lock: of two racing callers with the same `only_from` exactly one wins.
    `force` skips the table (not `only_from`). `also` may do more to the task before the record is written.
    """

    def action(paths: TaskPaths) -> TaskRecord:
        previous = read_bytes(paths.record)
        record = codec.decode(TaskRecord, previous, paths.record)
        if only_from is not None and record.status not in only_from:
            raise BadTransition(record.id, record.status.value, to.value, _hint(record, to))
        if not force and not is_allowed(record.status, to):
            raise BadTransition(record.id, record.status.value, to.value, _hint(record, to))
        was = record.status
        _enter(record, to, Change(status=to, time=store.clock.now(), reason=reason, message=message, who=who()))
        if also is not None:
            also(paths, record)
        write(paths, record, previous)
        if Status.QUEUED in (was, to):
            tickets.prune(store, record)
        return record

    return under_lock(store, task_id, action)


def take_back(store: Store, record: TaskRecord, reason: str) -> None:
    """Give a queued task the status back that it had before, with its times; the caller writes the record."""
    before = record.enqueue_status or Status.CREATED
    tickets.mark_left(record, before)
    _note(record, Change(status=before, time=store.clock.now(), reason=reason, who=who()))


def _hint(record: TaskRecord, to: Status) -> str:
    if record.status is Status.PUBLISHED:
        return f"a published task is final; `taskstore clone {record.id[:12]}` makes a draft of it"
    if record.status is Status.IN_PROGRESS and to in (Status.IN_PROGRESS, Status.QUEUED):
        return f"wait for its end, or end it with `taskstore abort {record.id[:12]}`"
    if to in (Status.IN_PROGRESS, Status.QUEUED) and record.status in ENDED:
        return f"`taskstore reset {record.id[:12]}` makes it a draft again, `taskstore clone` a copy"
    if to is Status.PUBLISHED:
        return "a task is published once it has ended"
    return ""


def _enter(record: TaskRecord, to: Status, change: Change) -> None:
    """Set what ClearML's server sets along with a status."""
    if to is Status.IN_PROGRESS and record.status is not Status.IN_PROGRESS:
        record.started = change.time
        record.completed = None
        record.active_duration = None
    elif to in ENDED and to is not Status.PUBLISHED and record.status not in ENDED:
        record.completed = change.time
        if record.started is not None:
            record.active_duration = max(0.0, (change.time - record.started).total_seconds())
    if to is Status.COMPLETED and PROGRESS in record.runtime:
        record.runtime = {**record.runtime, PROGRESS: "100"}
    tickets.mark_left(record, to)
    _note(record, change)


def _note(record: TaskRecord, change: Change) -> None:
    record.status = change.status
    record.status_reason = change.reason
    record.status_message = change.message
    record.status_changed = record.last_update = change.time
    record.history = [*record.history, change]
    if len(record.history) > MAX_HISTORY:
        # The first entry says who made the task; the oldest after it goes.
        record.history = [record.history[0], *record.history[-(MAX_HISTORY - 1) :]]


def move(store: Store, task_id: str, project: str) -> TaskPaths:
    """Move a task to another project, which is made where it is new; a live run goes on writing into it."""
    parts = parts_of(store, project)

    def action(paths: TaskPaths) -> TaskPaths:
        folder = ensure_folder(store, parts)
        target = folder / paths.id
        if target == paths.home:
            return paths
        name = places.project_of(store, paths.home)
        note(paths, {ancestry.PROJECT: name}, {ancestry.PROJECT: "/".join(parts)}, store)
        rename_home(paths, target)
        return TaskPaths(target)

    moved = under_lock(store, task_id, action)
    store.places[task_id] = moved.home
    return moved


def rename_home(paths: TaskPaths, target: Path) -> None:
    """Move a task's folder, durably; the caller holds its lock. Raises Refused where the system cannot."""
    source = paths.home.parent
    try:
        paths.home.rename(target)
    except PermissionError:
        if os.name == "nt":
            raise Refused(
                f"task {paths.id[:12]} has open files, which Windows does not move; wait for its end"
            ) from None
        raise
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise Conflict(f"there is a task {paths.id} in {target.parent} already; nothing was moved") from None
    if not TaskPaths(target).record.stat().st_mode & 0o200:
        # Published: the folder was opened for the rename only.
        target.chmod(target.stat().st_mode & ~0o222)
    sync_folder(target.parent)
    sync_folder(source)
