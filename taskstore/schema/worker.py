"""The record of a worker: an agent that takes tasks from queues, on whatever machine."""

from __future__ import annotations

import msgspec

from .record import Moment


class Running(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A task that a worker has in hand; `pid` is that of its process, once it has one."""

    task: str
    queue: str = ""
    slot: int = 0
    since: Moment | None = None
    pid: int | None = None


class WorkerRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """workers/<id>.json: which queues it takes from, and what it runs. `state` is `working` or `draining`."""

    rev: int = 0
    id: str
    host: str = ""
    pid: int = 0
    who: str = ""
    started: Moment | None = None
    queues: list[str] = []
    slots: int = 1
    state: str = "working"
    running: list[Running] = []
