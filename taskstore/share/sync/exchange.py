"""Carrying out a plan: task by task, several at once; what fails is said of its task, and the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from ...core.errors import Damaged, NotFound, RemoteError, TaskstoreError
from ...store.store import Store
from ..merging.state import TaskState, conflicts, digest, join
from . import here
from .manifest import Entry, Manifest
from .peer import Moved, Peer, Stopped, Unfit, Watch
from .plan import Plan, Way, plan

_TASKS_AT_ONCE = 4
_PUBLISH_EVERY_S = 30.0
_MAX_ROUNDS = 5


@dataclass(frozen=True)
class Done:
    """What became of one task; `action` is pulled, pushed, merged (both ways), or nothing where no side was behind."""

    id: str
    project: str
    name: str
    action: str
    conflicts: tuple[str, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass
class Result:
    """Of each task that something was done about a line; and what failed, with the task's id or an empty text."""

    done: list[Done] = field(default_factory=list)
    failed: list[tuple[str, TaskstoreError]] = field(default_factory=list)
    same: int = 0
