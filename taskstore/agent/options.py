"""What a person chooses for an agent."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import BadValue
from ..store import settings

Tell = Callable[[str], None]

GRACE_S = 10.0
_MAX_SLOTS = 1000


@dataclass(frozen=True)
class Options:
    """How an agent works. `gpus` holds what each slot's CUDA_VISIBLE_DEVICES is; none leaves that as it is."""

    queues: tuple[str, ...]
    slots: int = 1
    gpus: tuple[str, ...] = ()
    name: str = ""
    once: bool = False
    """End when nothing waits and nothing runs."""
    in_place: bool = False
    """Run the recorded command where the code is, in the agent's own environment; nothing is rebuilt."""
    time_limit_s: float | None = None
    grace_s: float = GRACE_S

    def __post_init__(self) -> None:
        if not self.queues:
            raise BadValue("an agent takes tasks from one queue or more; name one")
        if not 1 <= self.slots <= _MAX_SLOTS:
            raise BadValue(f"slots is {self.slots}; it is a number from 1 to {_MAX_SLOTS}")
        if self.gpus and len(self.gpus) != self.slots:
            raise BadValue(f"{len(self.gpus)} sets of GPUs were given for {self.slots} slots; give one for each")
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise BadValue(f"the time limit is {self.time_limit_s:g}; it is a number of seconds above 0")
        if not self.grace_s >= 0:
            raise BadValue(f"the time of grace is {self.grace_s:g}; it is a number of seconds from 0 on")


def work_folder(configured: settings.Agent) -> Path:
    """Return where this machine's agents rebuild the code of tasks, and keep their output."""
    if configured.work:
        return Path(configured.work).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_path("taskstore")) / "work"


def is_private(folder: Path) -> bool:
    """Tell whether nobody else may change what is in a folder."""
    stat = folder.stat()
    return os.name != "posix" or (stat.st_uid == os.getuid() and not stat.st_mode & 0o022)
