"""stop.json: what asks a run to stop, and the run's answer. A file, so that hosts that share the store can ask too."""

from __future__ import annotations

from collections.abc import Callable

from ..core.errors import Damaged
from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.record import StopRecord
from . import tasks
from .store import Store


def read(paths: TaskPaths) -> StopRecord | None:
    """Return what was asked of a run, or that it wants to be asked; None where there is neither. Raises Damaged."""
    try:
        return codec.decode(StopRecord, read_bytes(paths.stop), paths.stop)
    except FileNotFoundError:
        return None


def who_asked(paths: TaskPaths) -> str:
    """Return who has asked a run to stop, and why, as a sentence; empty where nobody has, or it cannot be read."""
    try:
        record = read(paths)
    except (OSError, Damaged):
        return ""
    return sentence(record) if record is not None and record.requested is not None else ""


def sentence(record: StopRecord) -> str:
    """Say who has asked, and why."""
    return f"asked to stop by {record.who}" + (f": {record.message}" if record.message else "")


def listen(store: Store, task_id: str, timeout_s: float | None) -> None:
    """Say, for the run, that it wants to be asked before it is ended and given so long; None takes that back."""
    _edit(store, task_id, lambda record: setattr(record, "timeout_s", timeout_s))


def ask(store: Store, task_id: str, message: str, *, ends_itself: bool, grace_s: float | None = None) -> StopRecord:
    """Ask a run to stop; return what the record then says. One that was asked already is not asked again.

    `grace_s` is for its agent: how long to wait after SIGTERM.
    """

    def change(record: StopRecord) -> None:
        if record.requested is None:
            record.requested = store.clock.now()
            record.who, record.message = tasks.who(), message
        record.ends_itself = record.ends_itself or ends_itself
        record.grace_s = record.grace_s if grace_s is None else grace_s

    return _edit(store, task_id, change)


def answer(store: Store, task_id: str) -> StopRecord:
    """Say, for the run, that it has done what it wanted to do before its end."""
    return _edit(store, task_id, lambda record: setattr(record, "answered", store.clock.now()), is_made=False)


def _edit(store: Store, task_id: str, change: Callable[[StopRecord], None], *, is_made: bool = True) -> StopRecord:
    def action(paths: TaskPaths) -> StopRecord:
        if not is_made and not paths.stop.exists():
            return StopRecord()  # the run has ended meanwhile
        previous = read_bytes(paths.stop) if paths.stop.exists() else b"{}"
        record = codec.decode(StopRecord, previous, paths.stop)
        change(record)
        record.rev += 1
        tasks.replace_part(paths.stop, record, previous)
        return record

    return tasks.under_lock(store, task_id, action)
