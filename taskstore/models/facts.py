"""What is known of a model: as it was when it was looked up."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ..core.errors import BadValue
from ..core.values import from_text
from ..schema import model as records
from ..schema.record import ARCHIVED
from .owner import Owner


class Facts:
    """A model's attributes are of the moment in which it was looked up, or last changed by this object."""

    def __init__(
        self,
        owner: Owner,
        record: records.Model,
        *,
        project: str = "",
        is_published: bool = False,
        slot: str = "",
        user: str = "",
        maker: str | None = None,
    ) -> None:
        self._owner = owner
        self._record = record
        self._project = project
        self._is_published = is_published or record.ready
        self._slot = slot or record.slot
        self._user = user
        """The task that was given it, where it was looked up as one of that task's."""
        self._maker = owner.task_id if maker is None else maker

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, id={self.id!r})"

    @property
    def id(self) -> str:
        """The model's id: 32 hex digits."""
        return self._record.id

    @property
    def name(self) -> str:
        """The model's name."""
        return self._record.name

    @property
    def slot(self) -> str:
        """What the task calls it: of an automatically kept one the stem of its file's name."""
        return self._slot

    @property
    def project(self) -> str:
        """The name of the project of its task."""
        return self._project

    @property
    def task(self) -> str:
        """The id of the task that it was looked up in, else of the one that made it; empty where that is unknown."""
        return self._user or self._maker

    @property
    def original_task(self) -> str:
        """The id of the task that made it; empty where no task of the store did."""
        return self._maker

    @property
    def framework(self) -> str:
        """What its weights are of: PyTorch, Keras, XGBoost, …"""
        return self._record.framework

    @property
    def labels(self) -> dict[str, int]:
        """Its labels, and the number that stands for each."""
        return dict(self._record.labels)

    @property
    def config_text(self) -> str:
        """Its design, as text."""
        return self._record.design

    @property
    def config_dict(self) -> dict[str, Any] | None:
        """Its design, as a dictionary; None where it is no JSON object."""
        try:
            value = json.loads(self._record.design) if self._record.design else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    @property
    def comment(self) -> str:
        """What is said of it."""
        return self._record.comment

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self._record.tags)

    @property
    def system_tags(self) -> list[str]:
        """Its system tags, of which `archived` says that it was put away."""
        return list(self._record.system_tags)

    @property
    def is_archived(self) -> bool:
        """Whether it was put away: queries leave it out."""
        return ARCHIVED in self._record.system_tags

    @property
    def published(self) -> bool:
        """Whether it is final, by itself or because its task is."""
        return self._is_published

    @property
    def url(self) -> str:
        """The address of its weights elsewhere; of a file of the task, its path relative to the task's folder."""
        return self._record.uri or (self._record.file.path if self._record.file else "")

    @property
    def size(self) -> int:
        """Bytes of its weights."""
        return self._record.size

    @property
    def hash(self) -> str:
        """SHA-256 of its weights, in hex."""
        return self._record.hash

    @property
    def iteration(self) -> int | None:
        """The iteration of its weights, where that is known."""
        return self._record.iteration

    @property
    def snapshots(self) -> list[int]:
        """The iterations whose weights are kept, in the order in which they came."""
        return [item.iteration for item in self._record.snapshots]

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return self._record.created

    @property
    def last_update(self) -> datetime | None:
        """When it was last changed."""
        return self._record.last_update

    def get_metadata(self, key: str) -> str | None:
        """Return one entry of its metadata, as text; None where there is none."""
        item = self._record.metadata.get(key)
        return None if item is None else item.value

    def get_metadata_casted(self, key: str) -> object:
        """Return one entry as what its type says; as text where that cannot be."""
        item = self._record.metadata.get(key)
        return None if item is None else _cast(item)

    def get_all_metadata(self) -> dict[str, dict[str, str]]:
        """Return its metadata: {key: {"value": text, "type": text}}."""
        return {key: {"value": item.value, "type": item.type} for key, item in self._record.metadata.items()}

    def get_all_metadata_casted(self) -> dict[str, dict[str, object]]:
        """Return its metadata with each value as what its type says."""
        return {key: {"value": _cast(item), "type": item.type} for key, item in self._record.metadata.items()}


def _cast(item: records.Metadatum) -> object:
    try:
        return from_text(item.value, item.type) if item.type else item.value
    except BadValue:
        return item.value
