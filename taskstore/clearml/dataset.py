"""ClearML's Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..core.errors import NotFound, Refused, TaskstoreError
from ..core.states import Status
from ..datasets import Dataset as Native
from ..run.sink import warn
from ..schema.dataset import DatasetFile, DatasetLink
from ..task import Task as NativeTask
from .errors import BadCall, as_value_error, refuse
from .logger import Logger, logger_of

T = TypeVar("T", bound="Dataset")
_DEFAULT_PROJECT = "Datasets"


class Dataset:
    """A version of a folder of files. Get one by `Dataset.create` or `Dataset.get`."""

    def __init__(self, dataset: Native) -> None:
        self._dataset = dataset
        self._task = dataset.task

    def __repr__(self) -> str:
        return f"Dataset({self.id!r})"

    @classmethod
    def create(
        cls: type[T],
        dataset_name: str | None = None,
        dataset_project: str | None = None,
        dataset_tags: Sequence[str] | None = None,
        parent_datasets: Sequence[str | Dataset] | None = None,
        use_current_task: bool = False,
        dataset_version: str | None = None,
        output_uri: str | None = None,
        description: str | None = None,
    ) -> T:
        """Begin a version, with the files of its parents."""
        current = NativeTask.current_task() if use_current_task else None
        with as_value_error():
            made = Native.create(
                dataset_name or (current.get_name() if current else "dataset"),
                dataset_project or (current.get_project_name() if current else _DEFAULT_PROJECT),
                parents=[each._dataset if isinstance(each, Dataset) else each for each in parent_datasets or ()],
                version=dataset_version,
                tags=dataset_tags or (),
                description=description or "",
                task=current,
            )
            if output_uri:
                made.task.details.set_output_uri(output_uri)
        return cls(made)

    @classmethod
    def get(
        cls: type[T],
        dataset_id: str | None = None,
        dataset_project: str | None = None,
        dataset_name: str | None = None,
        dataset_tags: Sequence[str] | None = None,
        only_completed: bool = False,
        only_published: bool = False,
        include_archived: bool = False,
        auto_create: bool = False,
        writable_copy: bool = False,
        dataset_version: str | None = None,
        alias: str | None = None,
        overridable: bool = False,
        shallow_search: bool = False,
        silence_alias_warnings: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> T:
        """Return a version by id, or the last made of that project and name. ValueError where there is none."""
        try:
            found = Native.get(
                dataset_id,
                project=dataset_project,
                name=dataset_name,
                version=dataset_version,
                tags=dataset_tags or (),
                only_completed=only_completed,
                only_published=only_published,
                with_archived=include_archived,
            )
        except NotFound as error:
            if not auto_create:
                raise BadCall(str(error)) from error
            return cls.create(dataset_name, dataset_project, dataset_tags, dataset_version=dataset_version)
        current = NativeTask.current_task()
        if alias and current is not None:
            current.parameters.set_one(f"Datasets/{alias}", found.id)
        if writable_copy:
            return cls.create(found.task.get_name(), found.task.get_project_name(), parent_datasets=[found.id])
        return cls(found)

    @classmethod
    def list_datasets(
        cls,
        dataset_project: str | None = None,
        partial_name: str | None = None,
        tags: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        only_completed: bool = True,
        recursive_project_search: bool = True,
        include_archived: bool = True,
    ) -> list[dict[str, Any]]:
        """Return name, project, id, version, tags and time of creation of the versions that fit."""
        rows = Native.find(
            project=dataset_project,
            partial_name=partial_name,
            tags=tags or (),
            with_archived=include_archived,
            with_subprojects=recursive_project_search,
        )
        ends = (Status.COMPLETED, Status.PUBLISHED)
        return [
            {
                "name": row.task.name,
                "created": row.task.created,
                "project": row.project,
                "id": row.id,
                "tags": list(row.task.tags),
                "version": row.task.runtime.get("version", ""),
            }
            for row in rows
            if (not only_completed or row.task.status in ends) and (ids is None or row.id in ids)
        ]

    @property
    def id(self) -> str:
        """The version's id."""
        return self._dataset.id

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

    def upload(
        self,
        show_progress: bool = True,
        verbose: bool = False,
        output_url: str | None = None,
        compression: int | None = None,
        chunk_size: int | None = None,
        max_workers: int | None = None,
        retries: int = 3,
        preview: bool = True,
        upload_as_external_links: bool = False,
    ) -> None:
        """Keep the files in the store; `chunk_size` is in MiB."""
        if output_url:
            self._task.details.set_output_uri(output_url)
        with as_value_error():
            self._dataset.upload(**({"chunk_mib": chunk_size} if chunk_size else {}))

    def finalize(self, verbose: bool = False, raise_on_error: bool = True, auto_upload: bool = False) -> bool:
        """Close the version. ValueError where something is not uploaded."""
        try:
            self._dataset.finalize(auto_upload=auto_upload)
        except Refused as error:
            if raise_on_error:
                raise BadCall(str(error)) from error
            warn(str(error))
            return False
        return True

    def publish(self, raise_on_error: bool = True) -> bool:
        """Make the version read-only for good."""
        from .held import attempt

        return attempt(self._task.lifecycle.publish, ignore_errors=not raise_on_error)

    def is_dirty(self) -> bool:
        """Tell whether something is not uploaded."""
        return self._dataset.is_dirty()

    def is_final(self) -> bool:
        """Tell whether the version is closed."""
        return self._dataset.is_final()

    def get_local_copy(
        self,
        use_soft_links: bool | None = None,
        part: int | None = None,
        num_parts: int | None = None,
        raise_on_error: bool = True,
        max_workers: int | None = None,
        files: Sequence[str] | None = None,
    ) -> str:
        """Return a folder with all files, or with those of these names; it belongs to the store."""
        with as_value_error():
            return str(self._dataset.get_local_copy(part=part, num_parts=num_parts, files=files or None))

    def get_mutable_local_copy(
        self,
        target_folder: str | Path,
        overwrite: bool = False,
        part: int | None = None,
        num_parts: int | None = None,
        raise_on_error: bool = True,
        max_workers: int | None = None,
    ) -> str | None:
        """Copy all files to a folder, which is the caller's."""
        try:
            return str(
                self._dataset.get_mutable_local_copy(target_folder, overwrite=overwrite, part=part, num_parts=num_parts)
            )
        except TaskstoreError as error:
            if raise_on_error:
                raise BadCall(str(error)) from error
            warn(str(error))
            return None

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

    def verify_dataset_hash(
        self, local_copy_path: str | None = None, skip_hash: bool = False, verbose: bool = False
    ) -> list[str]:
        """Return the names of files that are not what the version says."""
        return list(self._dataset.verify(local_copy_path, skip_hash=skip_hash))

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

    def get_num_chunks(self, include_parents: bool = True) -> int:
        """Return the number of archives that hold the files."""
        held = {(item.task, item.archive) for item in self._dataset.files.values()}
        return sum(1 for task, _ in held if include_parents or task == self.id)

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
    def delete(
        cls,
        dataset_id: str | None = None,
        dataset_project: str | None = None,
        dataset_name: str | None = None,
        force: bool = False,
        dataset_version: str | None = None,
        entire_dataset: bool = False,
        shallow_search: bool = False,
        delete_files: bool = True,
        delete_external_files: bool = False,
    ) -> None:
        """Move a version, or with `entire_dataset` all of that name, to the trash."""
        with as_value_error():
            if entire_dataset:
                found = [Native.get(row.id) for row in Native.find(project=dataset_project, name=dataset_name)]
            else:
                found = [Native.get(dataset_id, project=dataset_project, name=dataset_name, version=dataset_version)]
            for one in found:
                one.task.lifecycle.delete(force=force)

    @classmethod
    def rename(cls, new_dataset_name: str, dataset_project: str, dataset_name: str) -> None:
        """Give all versions of a dataset another name."""
        for row in Native.find(project=dataset_project, name=dataset_name):
            Native.get(row.id).task.details.rename(new_dataset_name)

    @classmethod
    def move_to_project(cls, new_dataset_project: str, dataset_project: str, dataset_name: str) -> None:
        """Move all versions of a dataset to another project."""
        for row in Native.find(project=dataset_project, name=dataset_name):
            Native.get(row.id).task.details.move_to_project(new_dataset_project)

    @classmethod
    def squash(
        cls: type[T],
        dataset_name: str,
        dataset_ids: Sequence[str | Dataset] | None = None,
        dataset_project_name_pairs: Sequence[tuple[str, str]] | None = None,
        output_url: str | None = None,
        close_squashed_dataset: bool = True,
    ) -> T:
        """Make one version of the files of several; of two of one name the later's."""
        with as_value_error():
            given = [each._dataset if isinstance(each, Dataset) else Native.get(each) for each in dataset_ids or ()]
            given += [Native.get(project=project, name=name) for project, name in dataset_project_name_pairs or ()]
            made = cls.create(
                dataset_name, given[0].task.get_project_name() if given else None, None, [one.id for one in given]
            )
            if close_squashed_dataset:
                made._dataset.finalize(auto_upload=True)
        return made

    @classmethod
    def is_offline(cls) -> bool:
        """True: no server is ever asked."""
        return True

    @classmethod
    def set_offline(cls, offline_mode: bool = False) -> None:
        """Change nothing."""

    @classmethod
    def import_offline_session(cls, session_folder_zip: str, upload: bool = True, finalize: bool = False) -> NoReturn:
        """Raise NotSupported."""
        refuse("Dataset.import_offline_session", "Dataset.get finds each: all are in the store already")

    def update_changed_files(
        self,
        num_files_added: int | None = None,
        num_files_modified: int | None = None,
        num_files_removed: int | None = None,
    ) -> None:
        """Change nothing: the changes are counted when they are asked for."""
