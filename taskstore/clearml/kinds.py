"""Kinds of task and statuses, as ClearML's enumerations."""

from __future__ import annotations

from enum import Enum


class TaskTypes(Enum):
    """What a task is for; where one is wanted its name, as text, does too."""

    training = "training"
    testing = "testing"
    inference = "inference"
    data_processing = "data_processing"
    application = "application"
    monitor = "monitor"
    controller = "controller"
    optimizer = "optimizer"
    service = "service"
    qc = "qc"
    custom = "custom"

    def __str__(self) -> str:
        return self.value


class TaskStatusEnum(str, Enum):
    """Statuses; each is equal to its text."""

    created = "created"
    queued = "queued"
    in_progress = "in_progress"
    stopped = "stopped"
    published = "published"
    publishing = "publishing"
    closed = "closed"
    failed = "failed"
    completed = "completed"
    unknown = "unknown"

    def __str__(self) -> str:
        return self.value


def text_of(kind: object) -> str:
    """Return the text of a type or a status that may be a member of an enumeration."""
    return str(kind.value) if isinstance(kind, Enum) else str(kind)
