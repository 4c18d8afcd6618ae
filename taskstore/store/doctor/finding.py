"""What doctor finds: one thing that is not as it must be, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Kind(str, Enum):
    """Which law is broken; it decides which repair is made."""

    STORE = "store record"
    RECORD = "task record"
    PART = "record"
    ID = "id"
    DUPLICATE = "duplicate"
    TASK_FOLDER = "task folder"
    TRASHED = "trashed"
    DEAD_RUN = "dead run"
    BLOB = "blob"
    ORPHAN = "orphan"
    SAMPLE = "sample"
    LOG = "log"
    SUMMARY = "summary"
    MANIFEST = "manifest"
    WRITE_BITS = "write bits"
    PUBLISHED = "published"
    CONFLICT = "conflict"
    BEACON = "beacon"
    LEASE = "lease"
    LEFTOVER = "leftover"
    UNPURGED = "unpurged"
    GHOST = "ghost"
    STRAY = "stray"
    PERMISSIONS = "permissions"
    PROJECT = "project record"
    PROJECT_FOLDER = "project folder"
    QUEUE = "queue"
    TICKET = "ticket"
    CLAIM = "claim"
    UNQUEUED = "unqueued"
    CONFIG = "settings"
    REMOTES = "remotes"
    VIEWS = "views"
    CACHE = "cache"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be. `repair` says what `--fix` does; None where it can only be reported."""

    kind: Kind
    path: Path
    message: str
    repair: str | None = None
    is_repaired: bool = False
