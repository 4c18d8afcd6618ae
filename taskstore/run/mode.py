"""What this process is to its task: decided once, from the environment, and handed on as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ..store.store import ROOT_VARIABLE

TASK_VARIABLE = "TASKSTORE_TASK_ID"
"""Set by whoever launches a task: the process is to run that one."""

LAUNCH_VARIABLE = "TASKSTORE_LAUNCH"
"""Set with TASK_VARIABLE: the launch that the task's record must name, or else another one runs it."""

REBUILT_VARIABLE = "TASKSTORE_REBUILT"
"""Set with TASK_VARIABLE where the program runs in a tree that was built from the task's own code: that tree's root."""

MASTER_VARIABLE = "TASKSTORE_PROC_MASTER_ID"
"""Set by a run for its children, as pid:task id:root of the store; they report into the same task."""

STREAMS_VARIABLE = "TASKSTORE_PROC_STREAMS"
"""Set to 0 by a run for its children where the program wants no console recorded."""

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
class Group:
    """The ranks of a distributed run, as their launcher's environment tells of them."""

    key: str
    """The same in all ranks of the run, and different in another that runs at the same time."""
    rank: int
    is_one_program: bool = True
    """The ranks train one model, whatever names they make up for a task; a scheduler's may be tasks of any kind."""
    is_on_one_host: bool = False


@dataclass(frozen=True)
class Role:
    """A mode, with the task and the store that go with it; empty where the process is to choose."""

    mode: Mode
    task_id: str = ""
    root: str = ""
    group: Group | None = None
    launch: str = ""
    """Names the launch that this process comes from; the task's record must name it too."""
    rebuilt: str = ""
    """The root of the tree that was built from the task's code; what was captured of that stands."""

    @property
    def is_rank(self) -> bool:
        """Whether this process is one of a run's other ranks: it joins the task whatever names it is given."""
        return self.group is not None and self.group.is_one_program and self.group.rank > 0


def decide(environ: Mapping[str, str], *, pid: int | None = None) -> Role:
    """Read a process's role from its environment. What its ranks know of each other is for `ranks.meet` to find out."""
    group = group_of(environ)
    attached = environ.get(TASK_VARIABLE)
    if attached:
        # The launcher of a task may be told to start several ranks: the first runs it, the others help.
        if group is not None and group.is_one_program and group.rank > 0:
            return Role(Mode.HELPER, attached, environ.get(ROOT_VARIABLE, ""), group)
        launch, rebuilt = environ.get(LAUNCH_VARIABLE, ""), environ.get(REBUILT_VARIABLE, "")
        return Role(Mode.ATTACHED, attached, launch=launch, rebuilt=rebuilt)
    master_pid, _, rest = environ.get(MASTER_VARIABLE, "").partition(":")
    task_id, _, root = rest.partition(":")
    if task_id and root and master_pid != str(os.getpid() if pid is None else pid):
        return Role(Mode.HELPER, task_id, root, group)
    return Role(Mode.FRESH, group=group)


def group_of(environ: Mapping[str, str]) -> Group | None:
    """Return the distributed run that this process is a rank of; None of one with a single process, or of none.

    Known are torchrun and what sets the same variables (DeepSpeed, Accelerate), Lightning, srun, and Open MPI.
    """
    return _torch(environ) or _slurm(environ) or _open_mpi(environ)


def _torch(environ: Mapping[str, str]) -> Group | None:
    size, port = _number(environ, "WORLD_SIZE"), environ.get("MASTER_PORT", "")
    rank = _number(environ, "RANK")
    if rank is None and not _number(environ, "NODE_RANK"):
        rank = _number(environ, "LOCAL_RANK")  # Lightning's ranks; its other nodes are started by hand
    if rank is None or size is None or size < 2 or not port:
        return None
    names = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE")
    return Group(
        "torch " + " ".join(environ.get(name, "") for name in names),
        rank,
        is_on_one_host=_number(environ, "LOCAL_WORLD_SIZE") == size,
    )


def _slurm(environ: Mapping[str, str]) -> Group | None:
    rank, size = _number(environ, "SLURM_PROCID"), _number(environ, "SLURM_STEP_NUM_TASKS")
    step = environ.get("SLURM_STEP_ID", "")
    if rank is None or size is None or size < 2 or not step:
        return None  # a batch script itself is process 0, of no step
    names = ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURM_STEP_ID")
    key = "slurm " + " ".join(environ.get(name, "") for name in names)
    return Group(key, rank, is_one_program=False)


def _open_mpi(environ: Mapping[str, str]) -> Group | None:
    rank, size = _number(environ, "OMPI_COMM_WORLD_RANK"), _number(environ, "OMPI_COMM_WORLD_SIZE")
    job = environ.get("PMIX_NAMESPACE") or environ.get("OMPI_MCA_orte_hnp_uri") or ""
    if rank is None or size is None or size < 2 or not job:
        return None
    return Group(f"openmpi {job}", rank, is_one_program=False)


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def master_text(task_id: str, root: str) -> str:
    """Return what MASTER_VARIABLE is set to for the children of this process."""
    return f"{os.getpid()}:{task_id}:{root}"
