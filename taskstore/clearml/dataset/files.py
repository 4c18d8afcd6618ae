"""The files of a version: added, taken off, listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...datasets import Dataset as Native
from ...schema.dataset import DatasetFile, DatasetLink
from ..errors import as_value_error
from .held import HeldDataset


class Filed(HeldDataset):
    """Adds files, takes them off and lists them."""

    @property
    def file_entries(self) -> list[DatasetFile]:
        """The files: hash, size and where they are kept."""
        return list(self._dataset.files.values())

    @property
    def file_entries_dict(self) -> Mapping[str, DatasetFile]:
        """The files by name."""
        return self._dataset.files

    @property
    def link_entries(self) -> list[DatasetLink]:
        """The files that lie elsewhere."""
        return list(self._dataset.links.values())

    @property
    def link_entries_dict(self) -> Mapping[str, DatasetLink]:
        """The files that lie elsewhere, by name."""
        return self._dataset.links

    def add_files(
        self,
        path: str | Path,
        wildcard: str | Sequence[str] | None = None,
        local_base_folder: str | None = None,
        dataset_path: str | None = None,
        recursive: bool = True,
        verbose: bool = False,
        max_workers: int | None = None,
    ) -> int:
        """Add a file or a folder; return how many files are new or different."""
        with as_value_error():
            return self._dataset.add_files(
                path,
                wildcard,
                local_base_folder=local_base_folder,
                dataset_path=dataset_path or "",
                recursive=recursive,
            )

    def add_external_files(
        self,
        source_url: str | Sequence[str],
        wildcard: str | None = None,
        dataset_path: str | None = None,
        recursive: bool = True,
        verbose: bool = False,
        max_workers: int | None = None,
        read_hash: bool = False,
    ) -> int:
        """Add files that stay where they are; return how many are new."""
        with as_value_error():
            return self._dataset.add_external_files(
                source_url, wildcard, dataset_path=dataset_path or "", recursive=recursive
            )

    def remove_files(self, dataset_path: str | None = None, recursive: bool = True, verbose: bool = False) -> int:
        """Take files off; return how many."""
        return self._dataset.remove_files(dataset_path or "*", recursive=recursive)

    def sync_folder(
        self, local_path: str | Path, dataset_path: str | None = None, verbose: bool = False
    ) -> tuple[int, int, int]:
        """Make the files those of a folder; return how many are removed, added and modified."""
        with as_value_error():
            return self._dataset.sync_folder(local_path, dataset_path=dataset_path or "")

    def list_files(
        self, dataset_path: str | None = None, recursive: bool = True, dataset_id: str | None = None
    ) -> list[str]:
        """Return names, relative to the dataset; with `dataset_id` of that version."""
        dataset = Native.get(dataset_id) if dataset_id else self._dataset
        return list(dataset.list_files(dataset_path, recursive=recursive))

    def list_added_files(self, dataset_id: str | None = None) -> list[str]:
        """Return the names that the parents, or that version, have not."""
        return self._dataset.changes(dataset_id).added

    def list_removed_files(self, dataset_id: str | None = None) -> list[str]:
        """Return the names that only the parents, or that version, have."""
        return self._dataset.changes(dataset_id).removed

    def list_modified_files(self, dataset_id: str | None = None) -> list[str]:
        """Return the names whose files differ from the parents', or from that version's."""
        return self._dataset.changes(dataset_id).modified

    def get_num_chunks(self, include_parents: bool = True) -> int:
        """Return the number of archives that hold the files."""
        held = {(item.task, item.archive) for item in self._dataset.files.values()}
        return sum(1 for task, _ in held if include_parents or task == self.id)

    def update_changed_files(
        self,
        num_files_added: int | None = None,
        num_files_modified: int | None = None,
        num_files_removed: int | None = None,
    ) -> None:
        """Change nothing: the changes are counted when they are asked for."""
