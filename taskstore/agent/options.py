"""What a person chooses for an agent."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import BadValue, Refused
from ..disk.lock import has_flock
from ..store import settings
from .container import Engine
from .environment import Mode

Tell = Callable[[str], None]

GRACE_S = 10.0
IN_USE = ".lock"
"""In the folder that a task is run in: what its process holds locked."""
_MAX_SLOTS = 1000
_GPUS = re.compile(r"(\d+(:\d+)?|(GPU|MIG)-[\w/-]+)(,(\d+(:\d+)?|(GPU|MIG)-[\w/-]+))*")


@dataclass(frozen=True)
class Options:
    """How an agent works. `gpus` holds what each slot's CUDA_VISIBLE_DEVICES is; none leaves that as it is."""

    queues: tuple[str, ...]
    slots: int = 1
    gpus: tuple[str, ...] = ()
    name: str = ""
    once: bool = False
    """End when nothing waits and nothing runs."""
    env: Mode = Mode.REUSE
    """Which packages a task is run with."""
    in_place: bool = False
    """Run the recorded command where the code is, in the agent's own environment; nothing is rebuilt."""
    time_limit_s: float | None = None
    grace_s: float = GRACE_S
    containers: Engine | None = None
    """What runs each task in a container; none runs them as processes of this machine."""

    def __post_init__(self) -> None:
        if not self.queues:
            raise BadValue("an agent takes tasks from one queue or more; name one")
        if not 1 <= self.slots <= _MAX_SLOTS:
            raise BadValue(f"slots is {self.slots}; it is a number from 1 to {_MAX_SLOTS}")
        if self.gpus and len(self.gpus) != self.slots:
            raise BadValue(f"{len(self.gpus)} sets of GPUs were given for {self.slots} slots; give one for each")
        for part in self.gpus:
            if not _GPUS.fullmatch(part) and not (part == "all" and self.containers is not None):
                raise BadValue(f"{part!r} is no set of GPUs; write --gpus 0,1 for one each, or 0+1,2+3 for two each")
        if self.in_place and self.env is Mode.VENV:
            raise BadValue("what is run in place has this environment: --in-place does not go with --env venv")
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise BadValue(f"the time limit is {self.time_limit_s:g}; it is a number of seconds above 0")
        if not self.grace_s >= 0:
            raise BadValue(f"the time of grace is {self.grace_s:g}; it is a number of seconds from 0 on")
        if self.containers is not None and (self.in_place or self.env is Mode.VENV):
            raise BadValue(
                "in a container the code is a rebuilt one and the packages are the image's: --docker goes with "
                "neither --in-place nor --env venv"
            )


def work_folder(configured: settings.Agent) -> Path:
    """Return where this machine's agents rebuild the code of tasks, and keep their output."""
    if configured.work:
        return Path(configured.work).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_path("taskstore")) / "work"


def ready_work(configured: settings.Agent) -> Path:
    """Make that folder, and return it; what has not been touched there for some days goes. Raises Refused, OSError."""
    folder = work_folder(configured)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stat = folder.stat()
    if os.name == "posix" and (stat.st_uid != os.getuid() or stat.st_mode & 0o022):
        raise Refused(f"{folder} is another user's, or others can write there; set agent.work to a folder of your own")
    now = time.time()
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            is_old = now - entry.stat(follow_symlinks=False).st_mtime > configured.work_days * 86400
            if is_old and not (os.name == "posix" and has_flock(Path(entry.path, IN_USE))):
                shutil.rmtree(entry.path, ignore_errors=True)
    return folder
