"""How one comes by a version: begun, found, made of several; and versions renamed, moved, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from ...core.errors import NotFound
from ...core.states import Status
from ...datasets import Dataset as Native
from ...task import Task as NativeTask
from ..errors import BadCall, as_value_error, refuse
from .held import HeldDataset

T = TypeVar("T", bound="Finding")
_DEFAULT_PROJECT = "Datasets"


class Finding(HeldDataset):
    """Begins, finds, renames, moves and deletes versions."""

    @classmethod
    def create(
        cls: type[T],
        dataset_name: str | None = None,
        dataset_project: str | None = None,
        dataset_tags: Sequence[str] | None = None,
        parent_datasets: Sequence[str | HeldDataset] | None = None,
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
                parents=[each._dataset if isinstance(each, HeldDataset) else each for each in parent_datasets or ()],
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
        dataset_ids: Sequence[str | HeldDataset] | None = None,
        dataset_project_name_pairs: Sequence[tuple[str, str]] | None = None,
        output_url: str | None = None,
        close_squashed_dataset: bool = True,
    ) -> T:
        """Make one version of the files of several; of two of one name the later's."""
        with as_value_error():
            given = [each._dataset if isinstance(each, HeldDataset) else Native.get(each) for each in dataset_ids or ()]
            given += [Native.get(project=project, name=name) for project, name in dataset_project_name_pairs or ()]
            made = cls.create(
                dataset_name, given[0].task.get_project_name() if given else None, None, [one.id for one in given]
            )
            if close_squashed_dataset:
                made._dataset.finalize(auto_upload=True)
        return made

    @classmethod
    def import_offline_session(cls, session_folder_zip: str, upload: bool = True, finalize: bool = False) -> NoReturn:
        """Raise NotSupported."""
        refuse("Dataset.import_offline_session", "Dataset.get finds each: all are in the store already")
