"""A run on several nodes: the master enqueues a clone of its task for each other node, and all end when one fails.

What a node is told (its rank, the master's address) stands in its parameters, section `launch_multi_node`, so that it
survives a reset. Master and nodes look at one another's tasks at each heartbeat: the files of the store are all that
they share besides the program's own network.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..core.errors import BadValue, NotFound, Refused, TaskstoreError
from ..core.names import MAX_LENGTH
from ..core.states import RECORDING, Status
from ..disk.layout import TaskPaths
from ..queues import queue as queues
from ..schema.record import ParamsRecord, TaskRecord
from ..sections import clone, parameters
from ..store import liveness, places, stopping, tasks
from ..store.store import Store
from . import abort, remote, trust
from .ending import Outcome
from .mode import Mode
from .session import Session
from .sink import warn

SECTION = "launch_multi_node"
TAG = "multi_node_instance"
"""The system tag of a node's task."""
JOINED = "node_joined"
"""The key among a node's runtime facts that says that its program has found its master."""
_HIDDEN = "hidden"
_POLL_S = 0.5
_GONE = frozenset({Status.FAILED, Status.STOPPED, Status.CREATED})
"""What a member of a run that goes on must not be."""


@dataclass(frozen=True)
class Wanted:
    """What a program asks for; see `Nodes.launch`."""

    total: int
    port: int = 29500
    queue: str | None = None
    wait: bool = False
    addr: str | None = None
    devices: int | Sequence[int] | None = None
    is_hidden: bool = False


def launch(session: Session, wanted: Wanted, *, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Make this process a node, and the others wait in a queue where it is the master; see `Nodes.launch`."""
    if wanted.total < 1:
        raise BadValue(f"total_num_nodes is {wanted.total}; it is a number from 1 on")
    per_node = _count(wanted.devices)
    conf = _of_master(wanted)
    if session.mode is Mode.HELPER:
        return {**conf, "node_rank": int(os.environ.get("NODE_RANK") or 0)}
    edited = {"total_num_nodes": wanted.total, "queue": wanted.queue}
    stored = dict(parameters.connect(edited, SECTION, session.sink, lambda: session.is_open))
    conf.update({name: stored[name] for name in conf if name in stored})
    if not session.is_rerun:
        return conf
    if stored.get("node_rank"):
        _join(session, stored)
    else:
        conf["queue"] = _queue_of(session, conf)
        conf["master_port"] = conf["master_port"] or _free_port()
        _begin(session, conf, is_hidden=wanted.is_hidden, sleep=sleep)
    rank, total = conf["node_rank"], conf["total_num_nodes"]
    os.environ.update(
        MASTER_ADDR=str(conf["master_addr"]),
        MASTER_PORT=str(conf["master_port"]),
        WORLD_SIZE=str(total * per_node),
        RANK=str(rank * per_node),
        NODE_RANK=str(rank),
    )
    return conf


def _of_master(wanted: Wanted) -> dict[str, Any]:
    port = os.environ.get("MASTER_PORT", str(wanted.port))
    if not port.isdigit() or int(port) > 65535:
        raise BadValue(f"the master's port is {port}; it is a number from 1 to 65535, or 0 for any that is free")
    return {
        "master_addr": os.environ.get("MASTER_ADDR") or wanted.addr or _own_address(),
        "master_port": int(port),
        "node_rank": 0,
        "wait": wanted.wait,
        "devices": list(wanted.devices) if isinstance(wanted.devices, Sequence) else wanted.devices,
        "total_num_nodes": wanted.total,
        "queue": wanted.queue,
    }


def _count(devices: object) -> int:
    """Return how many processes a node has: one for each of its devices, and one without."""
    if devices is None:
        return 1
    if isinstance(devices, Sequence) and not isinstance(devices, str) and devices:
        return len(devices)
    if isinstance(devices, int) and not isinstance(devices, bool) and devices > 0:
        return devices
    if devices == -1:
        try:
            torch = import_module("torch")
        except ImportError:
            return 1
        return int(torch.cuda.device_count()) or 1
    raise BadValue(f"devices is {devices!r}; it is how many, a list of them, or -1 for all")


def _own_address() -> str:
    """Return the address that other machines of the network reach this one by; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _queue_of(session: Session, conf: Mapping[str, Any]) -> str:
    record = tasks.read(session.paths())
    named = conf["queue"] or (record.execution.queue if record.execution is not None else "")
    if not named and conf["total_num_nodes"] > 1:
        raise BadValue("the other nodes need a queue to wait in, and this task came from none; give queue")
    return queues.find(session.store, named) if named else ""


# the master


def _begin(session: Session, conf: dict[str, Any], *, is_hidden: bool, sleep: Callable[[float], None]) -> None:
    """Enqueue the other nodes, watch them from now on, and wait for them where that is wanted."""
    store, own = session.store, tasks.read(session.paths())
    session.wait_for_code()
    launch_name = own.execution.launch if own.execution is not None else ""
    made = {rank: _clone(session, own, {**conf, "node_rank": rank, "launch": launch_name}, is_hidden=is_hidden)
            for rank in range(1, conf["total_num_nodes"])}  # fmt: skip
    master = _Master(session, made)
    session.sink.at_end(master.leave)
    for task_id in made.values():
        # The same program with the same arguments: who lets the master run lets it run.
        remote.enqueue(store, task_id, conf["queue"], is_trusted=not trust.is_needed(own))
    session.chores["nodes"] = master.look
    if made:
        warn(f"{len(made)} other node{'s' * (len(made) > 1)} of this task wait in queue '{conf['queue']}'")
    while conf["wait"] and master.waiting():
        sleep(_POLL_S)


def _clone(session: Session, own: TaskRecord, told: Mapping[str, Any], *, is_hidden: bool) -> str:
    def change(params: ParamsRecord) -> None:
        facts = {**told, "devices": json.dumps(told["devices"]), "master": own.id}
        section = {name: parameters.parameter_of(name, value, session.masker) for name, value in facts.items()}
        params.hyperparams[SECTION] = {**params.hyperparams.get(SECTION, {}), **section}

    def mark(_: TaskPaths, record: TaskRecord) -> None:
        record.system_tags = [*record.system_tags, TAG, *([_HIDDEN] if is_hidden else [])]

    name = f"{own.name[: MAX_LENGTH - 12]} node {told['node_rank']}"
    return clone.clone(session.store, session.paths(), name=name, parent=own.id, change=change, also=mark).id


class _Master:
    """Looks after the other nodes: where one fails all end."""

    def __init__(self, session: Session, nodes: Mapping[int, str]) -> None:
        self._session = session
        self._nodes = nodes

    def waiting(self) -> list[int]:
        """Return the ranks that have not begun. Raises Refused where one never will."""
        found = {rank: _settled(self._session.store, task_id) for rank, task_id in self._nodes.items()}
        for rank, record in found.items():
            if record is None or record.status in _GONE:
                raise Refused(f"{self._named(rank)} {_what_became(record)}")
        return [rank for rank, record in found.items() if record is not None and not _has_begun(record)]

    def look(self) -> None:
        """Look at each node, and end all where one is gone."""
        if not self._session.is_open:
            return
        for rank, task_id in self._nodes.items():
            record = _settled(self._session.store, task_id)
            if record is None or record.status in _GONE:
                told = f"{self._named(rank)} {_what_became(record)}"
                self._end_others(rank, told)
                _end(self._session, told, has_failed=record is not None and record.status is Status.FAILED)
                return

    def leave(self) -> None:
        """Take the nodes that have not begun out of their queue: they would find no master."""
        for task_id in self._nodes.values():
            record = _settled(self._session.store, task_id)
            if record is not None and record.status is Status.QUEUED:
                _drop(self._session.store, task_id, "its master has ended")

    def _named(self, rank: int) -> str:
        return f"node {rank} (task {self._nodes[rank][:12]})"

    def _end_others(self, gone: int, why: str) -> None:
        store = self._session.store
        for rank, task_id in self._nodes.items():
            record = _settled(store, task_id) if rank != gone else None
            if record is not None and record.status is Status.QUEUED:
                _drop(store, task_id, why)
            elif record is not None and record.status is Status.IN_PROGRESS:
                with contextlib.suppress(TaskstoreError):
                    stopping.ask(store, task_id, why, ends_itself=True)


def _has_begun(record: TaskRecord) -> bool:
    """Tell whether a node has come to where it joins: one that was only taken would find no master any more."""
    return record.status is not Status.QUEUED and (record.status is not Status.IN_PROGRESS or JOINED in record.runtime)


# the other nodes


def _join(session: Session, told: Mapping[str, Any]) -> None:
    """Be a node of the master's run; where that is over there is nothing to do, and the process ends."""
    master = str(told.get("master", ""))
    why = _why_over(session.store, master, str(told.get("launch", "")))
    if why:
        session.close(Outcome(Status.STOPPED, "its master has ended", f"it is node {told['node_rank']} of {master}"))
        warn(
            f"this is node {told['node_rank']} of task {master[:12]}, {why}: it is not run; a clone of that starts anew"
        )
        sys.exit(1)
    tasks.edit(
        session.store, session.task_id, lambda record: record.runtime.update({JOINED: "True"}), allowed=RECORDING
    )
    session.chores["nodes"] = lambda: _look_at_master(session, master, str(told.get("launch", "")))


def _look_at_master(session: Session, master: str, launch_name: str) -> None:
    if not session.is_open:
        return
    why = _why_over(session.store, master, launch_name, may_be_completed=True)
    if why:
        _end(session, f"the master, task {master[:12]}, {why.removeprefix('which ')}", has_failed=False)


def _why_over(store: Store, master: str, launch_name: str, *, may_be_completed: bool = False) -> str:
    record = _settled(store, master)
    if record is not None and record.execution is not None and record.execution.launch != launch_name:
        return "which was started again since"
    if record is not None and record.status is Status.IN_PROGRESS:
        return ""
    if record is not None and record.status is Status.COMPLETED and may_be_completed:
        return ""
    return f"which {_what_became(record)}"


# both


def _settled(store: Store, task_id: str) -> TaskRecord | None:
    """Read a member's record, where it is found dead as failed; None where it is deleted."""
    try:
        paths = places.locate(store, task_id)
        return liveness.settle(store, paths, tasks.read(paths))
    except (NotFound, FileNotFoundError):
        return None


def _what_became(record: TaskRecord | None) -> str:
    if record is None:
        return "is deleted"
    if record.status is Status.CREATED:
        return "was taken out of its queue"
    return f"is {record.status.label} ({record.status_reason})"


def _drop(store: Store, task_id: str, why: str) -> None:
    with contextlib.suppress(TaskstoreError):  # an agent has taken it in this moment; it finds no master
        abort.stop(store, task_id, frozenset({Status.QUEUED}), "aborted", why)


def _end(session: Session, why: str, *, has_failed: bool) -> None:
    """End this process's run, because the whole is over; its agent makes it where it hangs."""
    session.chores.pop("nodes", None)
    session.sink.note("nodes", f"{why}, so this run ends")
    with contextlib.suppress(TaskstoreError):
        stopping.ask(session.store, session.task_id, why, ends_itself=True)
        if has_failed:
            tasks.transition(
                session.store, session.task_id, Status.FAILED, only_from=frozenset({Status.IN_PROGRESS}), reason=why
            )
    session.stopping.look()
