"""Workers as files: who takes tasks from queues, what they run, and whether they live (docs/reference/format.md).

A worker holds a beacon as a run does, so of a killed one everybody on its machine knows at once, and others when its
heartbeat has been silent for long enough.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import Busy, Conflict, Damaged, NotFound, Refused
from ..core.names import check_name
from ..disk.atomic import replace_record
from ..disk.beacon import LEASE_S, HeldBeacon, hold_beacon, is_alive, read_beacon
from ..disk.layout import WorkerPaths
from ..disk.lock import LockKind
from ..disk.process import is_gone, is_here, is_owner_gone
from ..disk.text import read_bytes
from ..schema import codec
from ..schema.worker import WorkerRecord
from . import tasks
from .store import Store, writing
from .tickets import Ticket


@dataclass(frozen=True)
class Seen:
    """A worker as it was found, and whether it lives."""

    record: WorkerRecord
    is_alive: bool
    last_sign: float | None
    """When it last gave a sign of life, in seconds since 1970."""


class Registered:
    """This process as a worker. `change` says what it does, `beat` that it lives, `leave` ends it."""

    def __init__(self, paths: WorkerPaths, record: WorkerRecord, beacon: HeldBeacon, locks: LockKind) -> None:
        self.record = record
        self._paths = paths
        self._beacon = beacon
        self._locks = locks

    @property
    def id(self) -> str:
        """The worker's name."""
        return self.record.id

    def change(self, change: Callable[[WorkerRecord], None]) -> None:
        """Set fields of the record, and write it. Raises OSError."""
        change(self.record)
        self.record.rev += 1
        replace_record(self._paths.record, codec.encode(self.record), is_durable=False)

    def beat(self) -> None:
        """Renew the heartbeat; where this worker was taken for lost, say again that it lives. Raises OSError."""
        try:
            self._beacon.beat(self._paths.beacon)
        except FileNotFoundError:
            lost, self._beacon = self._beacon, hold_beacon(self._paths.beacon, self._locks)
            lost.release()
            self.change(lambda _: None)

    def leave(self) -> None:
        """Take this worker out of the store."""
        with contextlib.suppress(OSError):
            self._paths.record.unlink(missing_ok=True)
        self._beacon.release()
        with contextlib.suppress(OSError):
            self._paths.beacon.unlink(missing_ok=True)


def fresh_name() -> str:
    """Return a name for a worker that was given none: its host and a nonce."""
    return f"{socket.gethostname().partition('.')[0] or 'worker'}-{secrets.token_hex(3)}"


def register(store: Store, name: str, queues: list[str], slots: int) -> Registered:
    """Make this process a worker of that name. Raises BadName, ReadOnly, Conflict where one of it lives."""
    paths = store.paths.worker(check_name("worker", name))
    with writing(store):
        paths.folder.mkdir(exist_ok=True)
        try:
            beacon = hold_beacon(paths.beacon, store.locks)
        except Busy:
            raise Conflict(f"there is a worker '{name}' already; `taskstore agent ls` shows it") from None
        record = WorkerRecord(
            id=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            who=tasks.who(),
            started=store.clock.now(),
            queues=queues,
            slots=slots,
        )
        registered = Registered(paths, record, beacon, store.locks)
        registered.change(lambda _: None)
    return registered


def listed(store: Store) -> list[Seen]:
    """Return the workers that are there, and those that were killed, by name; what cannot be read is left out."""
    found = []
    try:
        names = sorted(os.listdir(store.paths.workers))  # noqa: PTH208 - names only
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in names:
        if name.endswith(".json") and not name.startswith("."):
            with contextlib.suppress(FileNotFoundError, Damaged):
                found.append(_seen(store, WorkerPaths(store.paths.workers, name[: -len(".json")])))
    return sorted(found, key=lambda seen: seen.record.id)


def find(store: Store, name: str) -> Seen:
    """Return one worker. Raises NotFound, Damaged."""
    try:
        return _seen(store, store.paths.worker(name))
    except FileNotFoundError:
        raise NotFound("worker", name, "`taskstore agent ls` lists them") from None


def _seen(store: Store, paths: WorkerPaths) -> Seen:
    record = codec.decode(WorkerRecord, read_bytes(paths.record), paths.record)
    try:
        sign = paths.beacon.stat().st_mtime
    except OSError:
        sign = None
    return Seen(record, is_alive(paths.beacon, store.locks), sign)


def is_alive_by_name(store: Store, name: str) -> bool:
    """Tell whether the worker of that name lives."""
    return is_alive(store.paths.worker(name).beacon, store.locks)


def process_of(store: Store, name: str) -> int:
    """Return the pid of a live worker of this machine. Raises NotFound, Refused where it runs elsewhere or is gone."""
    seen = find(store, name)
    beacon = read_beacon(store.paths.worker(name).beacon)
    if not seen.is_alive or beacon is None:
        raise Refused(f"worker '{name}' is gone already; `taskstore doctor --fix` clears up after it")
    if not is_here(beacon.process) or is_gone(beacon.process) is None:
        where = f"{beacon.process.host} (process {beacon.process.pid} there, or of a container)"
        raise Refused(f"worker '{name}' runs on {where}; stop it there")
    return beacon.process.pid


def forget_lost(store: Store) -> list[str]:
    """Remove the records of workers that are gone; return their names."""
    lost = [seen.record.id for seen in listed(store) if not seen.is_alive]
    for name in lost:
        paths = store.paths.worker(name)
        with contextlib.suppress(OSError):
            paths.record.unlink(missing_ok=True)
            paths.beacon.unlink(missing_ok=True)
    return lost


def is_abandoned(store: Store, ticket: Ticket, *, now: float | None = None) -> bool:
    """Tell whether the worker that has taken a ticket is gone, and knows so: of another machine, when it is silent."""
    try:
        stat = ticket.path.stat()
        worker = ticket.read().worker
    except FileNotFoundError:
        return False
    except Damaged:
        worker = ""
    touched = max(stat.st_mtime, stat.st_ctime)
    gone = is_owner_gone(ticket.place.owner, touched) if ticket.place.owner else None
    if gone is not None:
        return gone
    beacon = store.paths.worker(worker).beacon if worker else None
    if beacon is not None and is_alive(beacon, store.locks):
        return False
    # Not signed yet, or of a worker that was killed and whose record somebody has removed.
    return (time.time() if now is None else now) - touched > LEASE_S
