"""The life of a task: its statuses, the one table of allowed changes, and what may be edited when.

Names and table are ClearML's (`closed` and `publishing` are its legacy and transient states; they are known
so that imported data reads, and nothing here moves a task into them).
"""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """A task's status as stored; `label` is what people are shown."""

    CREATED = "created"
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    STOPPED = "stopped"
    CLOSED = "closed"
    FAILED = "failed"
    COMPLETED = "completed"
    PUBLISHING = "publishing"
    PUBLISHED = "published"

    @property
    def label(self) -> str:
        """The word that people are shown: Draft, Pending, Running, …"""
        return _LABELS[self]

    def __str__(self) -> str:
        return self.value


_LABELS = {
    Status.CREATED: "Draft",
    Status.QUEUED: "Pending",
    Status.IN_PROGRESS: "Running",
    Status.STOPPED: "Aborted",
    Status.CLOSED: "Closed",
    Status.FAILED: "Failed",
    Status.COMPLETED: "Completed",
    Status.PUBLISHING: "Publishing",
    Status.PUBLISHED: "Published",
}

_S = Status
NEXT: dict[Status, frozenset[Status]] = {
    _S.CREATED: frozenset({_S.QUEUED, _S.IN_PROGRESS}),
    _S.QUEUED: frozenset({_S.CREATED, _S.IN_PROGRESS, _S.STOPPED}),
    _S.IN_PROGRESS: frozenset({_S.STOPPED, _S.FAILED, _S.CREATED, _S.COMPLETED}),
    _S.STOPPED: frozenset(
        {
            _S.CLOSED,
            _S.CREATED,
            _S.FAILED,
            _S.QUEUED,
            _S.IN_PROGRESS,
            _S.PUBLISHED,
            _S.PUBLISHING,
            _S.COMPLETED,
        }
    ),
    _S.CLOSED: frozenset({_S.CREATED, _S.FAILED, _S.PUBLISHED, _S.PUBLISHING, _S.STOPPED}),
    _S.FAILED: frozenset({_S.CREATED, _S.STOPPED, _S.PUBLISHED, _S.QUEUED}),
    _S.COMPLETED: frozenset({_S.PUBLISHED, _S.IN_PROGRESS, _S.CREATED}),
    _S.PUBLISHING: frozenset({_S.PUBLISHED}),
    _S.PUBLISHED: frozenset(),
}

ENDED = frozenset({_S.STOPPED, _S.CLOSED, _S.FAILED, _S.COMPLETED, _S.PUBLISHED})
"""Statuses of a task that has run and no longer does."""

EDITABLE = frozenset({_S.CREATED})
"""Statuses in which a person may edit everything."""

RECORDING = frozenset({_S.CREATED, _S.IN_PROGRESS})
"""Statuses in which the run itself may write its parameters, configuration and outputs."""

FINISHING = RECORDING | {_S.STOPPED, _S.FAILED, _S.COMPLETED}
"""Statuses in which a run that is still there writes what it has captured: it may have been marked before its end."""

ALWAYS_EDITABLE = frozenset({"name", "comment", "tags", "system_tags", "runtime"})
"""Fields of the task record that stay editable in every status, as do its project and its user properties."""


def is_allowed(current: Status, wanted: Status) -> bool:
    """Tell whether a task may go from one status to another; staying is always allowed."""
    return current is wanted or wanted in NEXT[current]


def parse(text: str) -> Status | None:
    """Read a status by its stored name or its label, in any case; None where it is neither."""
    wanted = text.strip().lower().replace(" ", "_").replace("-", "_")
    for status in Status:
        if wanted in (status.value, status.label.lower()):
            return status
    return None


MAY_BE_MISSING = "what was reported from then on may be missing"
"""How the reason of a status ends where a run could not write all that it reported."""


def has_gaps(reason: str) -> bool:
    """Tell by the reason of a status whether something of the run may be missing."""
    return reason.endswith(MAY_BE_MISSING)
