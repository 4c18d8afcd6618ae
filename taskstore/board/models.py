"""All models of a store, one row each, read again only when something has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..schema.model import Model
from ..store import lineage, places
from ..store.store import Store


@dataclass(frozen=True)
class ModelRow:
    """A model, the task that made it, and that task's project."""

    model: Model
    task_id: str
    project: str


class WatchedModels:
    """The models that tasks have made, the newest first."""

    def __init__(self, store: Store, version_of: Callable[[], int]) -> None:
        self._store = store
        self._version_of = version_of
        self._version: int | None = None
        self._rows: tuple[ModelRow, ...] = ()

    def read(self) -> tuple[ModelRow, ...]:
        """Return them as they are now."""
        version = self._version_of()
        if version != self._version:
            self._rows = tuple(
                ModelRow(model, paths.id, places.project_of(self._store, paths.home))
                for paths, record in lineage.records(self._store)
                for model in record.output.values()
            )
            self._version = version
        return self._rows
