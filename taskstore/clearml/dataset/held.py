"""What every part of the Dataset stands on: taskstore's own."""

from __future__ import annotations

from ...datasets import Dataset as Native


class HeldDataset:
    """Holds taskstore's own dataset."""

    def __init__(self, dataset: Native) -> None:
        self._dataset = dataset
        self._task = dataset.task

    def __repr__(self) -> str:
        return f"Dataset({self.id!r})"

    @property
    def id(self) -> str:
        """The version's id."""
        return self._dataset.id
