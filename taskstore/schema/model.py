"""models.json: the models that a task made and was given. Field names are ClearML's where it has them."""

from __future__ import annotations

import msgspec

from .record import FileRef, Moment


class Metadatum(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One entry of a model's metadata: its value as text, and what the caller says that it is."""

    value: str
    type: str = ""


class Snapshot(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The weights of one iteration. Where they are is said as by a Model."""

    iteration: int
    file: FileRef | None = None
    uri: str = ""
    uri_size: int = 0
    uri_hash: str = ""
    timestamp: Moment | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the weights in hex; empty where nobody has read them."""
        return self.file.hash if self.file else self.uri_hash


class Model(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One model. Its weights are in `file`, or elsewhere at `uri`, or both.

    `slot` is what the task calls it, `source` where the program has written its weights, `parent` the id of the model
    that it began from. `uri_hash` is there where taskstore has put or read what is at `uri`.
    """

    id: str
    name: str
    slot: str = ""
    framework: str = ""
    labels: dict[str, int] = {}
    design: str = ""
    tags: list[str] = []
    system_tags: list[str] = []
    comment: str = ""
    metadata: dict[str, Metadatum] = {}
    file: FileRef | None = None
    uri: str = ""
    uri_size: int = 0
    uri_hash: str = ""
    is_package: bool = False
    iteration: int | None = None
    source: str = ""
    parent: str = ""
    ready: bool = False
    created: Moment | None = None
    last_update: Moment | None = None
    snapshots: list[Snapshot] = []

    @property
    def size(self) -> int:
        """Bytes of the weights; 0 where nobody has read them."""
        return self.file.size if self.file else self.uri_size

    @property
    def hash(self) -> str:
        """SHA-256 of the weights in hex; empty where nobody has read them."""
        return self.file.hash if self.file else self.uri_hash


class ModelInput(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A model that a task was given: which one, of which task, and what it is where no task of the store made it."""

    slot: str
    model: str
    task: str = ""
    source: str = ""
    timestamp: Moment | None = None
    about: Model | None = None


class ModelsRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """models.json: what the task was given, by slot, and what it made, by id, each in the order in which it came.

    `labels` and `design` are the task's own, which its models have where they say nothing else.
    """

    rev: int = 0
    input: dict[str, ModelInput] = {}
    output: dict[str, Model] = {}
    labels: dict[str, int] = {}
    design: str = ""
