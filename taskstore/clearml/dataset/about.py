"""What is said of a version: name, project, tags, description, metadata, parents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...datasets import Dataset as Native
from ..errors import as_value_error
from ..logger import Logger, logger_of
from .held import HeldDataset


class Described(HeldDataset):
    """Reads and changes what is said of the version."""

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self._task.get_name()

    @property
    def project(self) -> str:
        """The dataset's project."""
        return self._task.get_project_name()

    @property
    def version(self) -> str:
        """The version, such as 1.0.0."""
        return self._dataset.version

    @property
    def tags(self) -> list[str]:
        """The tags."""
        return self._task.get_tags()

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        self._task.details.set_tags(tags)

    def add_tags(self, tags: str | Sequence[str]) -> None:
        """Add tags."""
        self._task.details.add_tags(tags)

    def set_description(self, description: str) -> None:
        """Say what it is."""
        self._task.details.set_comment(description)

    def set_metadata(self, metadata: object, metadata_name: str = "metadata", ui_visible: bool = True) -> None:
        """Keep an object that tells of the dataset."""
        with as_value_error():
            self._dataset.set_metadata(metadata, metadata_name)

    def get_metadata(self, metadata_name: str = "metadata") -> Any:  # noqa: ANN401 - what was kept
        """Return that object."""
        return self._dataset.get_metadata(metadata_name)

    def get_dependency_graph(self) -> dict[str, list[str]]:
        """Return the parents of this version and of all above it, by id."""
        graph: dict[str, list[str]] = {}
        waiting = [self._dataset]
        while waiting:
            one = waiting.pop()
            if one.id not in graph:
                graph[one.id] = one.parents
                waiting += [Native.get(each) for each in one.parents]
        return graph

    def get_logger(self) -> Logger:
        """Return what reports into the version's task."""
        return logger_of(self._task)

    def get_default_storage(self) -> str | None:
        """Return the place besides the store where the files go; None where there is none."""
        return self._task.details.get_output_uri() or None

    def get_offline_mode_folder(self) -> Path:
        """Return the folder of the version's task."""
        return self._task.path()

    @classmethod
    def is_offline(cls) -> bool:
        """True: no server is ever asked."""
        return True

    @classmethod
    def set_offline(cls, offline_mode: bool = False) -> None:
        """Change nothing."""
