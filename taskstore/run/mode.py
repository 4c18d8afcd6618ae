"""What this process is to its task: decided once, from the environment, and handed on as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

TASK_VARIABLE = "TASKSTORE_TASK_ID"
"""Set by whoever launches a task: the process is to run that one."""

MASTER_VARIABLE = "TASKSTORE_PROC_MASTER_ID"
"""Set by a run for its children, as pid:task id:root of the store; they report into the same task."""

NO_REUSE_VARIABLE = "TASKSTORE_TASK_NO_REUSE"
"""Where it is set, no task of an earlier run is used again, whatever the program and the settings say."""

OFFSET_VARIABLE = "TASKSTORE_SET_ITERATION_OFFSET"
"""What a run that is continued adds to each iteration, whatever the program says."""


class Mode(str, Enum):
    """What a process is to its task."""

    FRESH = "fresh"
    ATTACHED = "attached"
    HELPER = "helper"


@dataclass(frozen=True)
class Role:
    """A mode, with the task and the store that go with it; empty where the process is to choose."""

    mode: Mode
    task_id: str = ""
    root: str = ""


def decide(environ: Mapping[str, str], *, pid: int | None = None) -> Role:
    """Read a process's role from its environment."""
    attached = environ.get(TASK_VARIABLE)
    if attached:
        return Role(Mode.ATTACHED, attached)
    master_pid, _, rest = environ.get(MASTER_VARIABLE, "").partition(":")
    task_id, _, root = rest.partition(":")
    if task_id and root and master_pid != str(os.getpid() if pid is None else pid):
        return Role(Mode.HELPER, task_id, root)
    return Role(Mode.FRESH)


def master_text(task_id: str, root: str) -> str:
    """Return what MASTER_VARIABLE is set to for the children of this process."""
    return f"{os.getpid()}:{task_id}:{root}"
