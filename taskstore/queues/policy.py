"""What a queue says of its tasks: what becomes of those that are lost with their worker, and how long each may run."""

from __future__ import annotations

from ..core.errors import BadValue, Damaged
from ..disk.atomic import replace_record
from ..disk.lock import edit_lock
from ..schema import codec
from ..schema.queue import OnLost, QueueRecord
from ..store import tickets
from ..store.store import Store, writing
from . import queue


def read(store: Store, name: str) -> QueueRecord:
    """Return what a queue says of its tasks: what happens when their worker is lost, how long they may run."""
    try:
        return tickets.read_queue(store.paths.queue(name))
    except (FileNotFoundError, Damaged):
        return QueueRecord(name=name)


def change(store: Store, name: str, *, on_lost: OnLost | None = None, time_limit_s: float | None = None) -> QueueRecord:
    """Change what a queue says of its tasks; None leaves it, a time limit of 0 takes it away. Raises NotFound."""
    name = queue.find(store, name)
    if time_limit_s is not None and not 0 <= time_limit_s < float("inf"):
        raise BadValue(f"a time limit is a number of seconds, 0 for none, not {time_limit_s}")
    home = store.paths.queue(name)
    with writing(store):
        queue.ensure(store, name)  # the default queue may not be there yet
        with edit_lock(store.paths.lock, store.locks):
            record = read(store, name)
            record.rev += 1
            record.name = name
            record.on_lost = record.on_lost if on_lost is None else on_lost
            if time_limit_s is not None:
                record.time_limit_s = time_limit_s or None
            replace_record(home.record, codec.encode(record))
    return record
