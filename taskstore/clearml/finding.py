"""How one comes by a task: begun, found, made, copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from .. import task as native
from ..finding import default_store
from ..notebook import Results
from ..store import projects
from . import environment
from .errors import BadCall, UsageError, as_usage_error, as_value_error
from .held import Held, id_of, native_of, several
from .kinds import TaskTypes, text_of

T = TypeVar("T", bound="Finding")
Kind = Enum | str | None
_STARTS = ("report_start_sec", "first_report_sec", "seconds_from_start")
_main: Finding | None = None


class Finding(Held):
    """Begins, finds, makes and copies tasks."""

    @classmethod
    def init(
        cls: type[T],
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: Kind = TaskTypes.training,
        tags: Sequence[str] | None = None,
        reuse_last_task_id: bool | str = True,
        continue_last_task: bool | str | int = False,
        output_uri: str | bool | None = None,
        auto_connect_arg_parser: bool | Mapping[str, bool] = True,
        auto_connect_frameworks: bool | Mapping[str, Any] = True,
        auto_resource_monitoring: bool | Mapping[str, Any] = True,
        auto_connect_streams: bool | Mapping[str, bool] = True,
        deferred_init: bool = False,  # noqa: ARG003 - it takes milliseconds, and is never deferred
    ) -> T:
        """Begin the process's task, or use the one of the last run of that name again where that loses nothing.

        Raises UsageError where a task of another name is open. Nothing is sent anywhere: the store is files.
        """
        environment.apply()
        with as_usage_error():
            begun = native.Task.init(
                project_name,
                task_name,
                task_type=text_of(task_type or TaskTypes.training),
                tags=several(tags),
                reuse_last_task_id=reuse_last_task_id,
                continue_last_task=continue_last_task,
                output_uri=output_uri,
                auto_connect_arg_parser=auto_connect_arg_parser,
                auto_connect_frameworks=auto_connect_frameworks,
                auto_connect_streams=auto_connect_streams,
                auto_resource_monitoring=_monitoring(auto_resource_monitoring),
            )
        return cls._of(begun)

    @classmethod
    def _of(cls: type[T], task: native.Task) -> T:
        """Return ours of the open task, always the same one."""
        global _main
        if not isinstance(_main, cls) or _main._task is not task:
            _main = cls(task)
        return _main

    @classmethod
    def current_task(cls: type[T]) -> T | None:
        """Return the process's open task, or that of the run whose child it is; None where there is none."""
        found = native.Task.current_task()
        return cls._of(found) if found is not None else None

    @classmethod
    def get_task(
        cls: type[T],
        task_id: str | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        allow_archived: bool = True,
        task_filter: Mapping[str, Any] | None = None,
    ) -> T | None:
        """Return a task by id, or the last modified of a project and name. ValueError for an unknown id or project."""
        current = native.Task.current_task()
        if current is not None and task_id == current.id:
            return cls._of(current)
        with as_value_error():
            found = native.Task.get_task(
                task_id,
                project_name=project_name,
                task_name=task_name,
                tags=several(tags),
                allow_archived=allow_archived,
                task_filter=task_filter,
            )
        return cls(found) if found is not None else None

    @classmethod
    def get_tasks(
        cls: type[T],
        task_ids: Sequence[str] | None = None,
        project_name: str | Sequence[str] | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        allow_archived: bool = True,
        task_filter: Mapping[str, Any] | None = None,
    ) -> list[T]:
        """Return all tasks that fit, the last modified first; `task_name` is a regular expression."""
        found = native.Task.get_tasks(
            task_ids,
            project_name=project_name,
            task_name=task_name,
            tags=several(tags),
            allow_archived=allow_archived,
            task_filter=task_filter,
        )
        return Results(cls(task) for task in found)

    @classmethod
    def query_tasks(
        cls,
        project_name: str | Sequence[str] | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        additional_return_fields: Sequence[str] | None = None,
        task_filter: Mapping[str, Any] | None = None,
    ) -> list[str] | list[dict[str, object]]:
        """Return the ids of all tasks that fit; with fields, a dictionary of id and those for each."""
        return native.Task.query_tasks(
            project_name,
            task_name=task_name,
            tags=several(tags),
            additional_return_fields=additional_return_fields,
            task_filter=task_filter,
        )

    @classmethod
    def get_all(cls: type[T], session: object = None, log: object = None, **kwargs: Any) -> list[T]:  # noqa: ANN401, ARG003
        """Return the tasks that fit a filter given as arguments."""
        return Results(cls(task) for task in native.Task.get_tasks(task_filter=kwargs or None))

    @classmethod
    def get_by_name(cls: type[T], task_name: str) -> T | None:
        """Return the last modified task of that name."""
        return cls.get_task(task_name=task_name)

    @classmethod
    def get_projects(cls, **kwargs: Any) -> list[projects.Project]:  # noqa: ANN401, ARG003 - no filter is needed
        """Return the store's projects, with `name` and `id`, which is the name too."""
        return projects.list_all(default_store())

    @classmethod
    def get_project_id(cls, project_name: str, search_hidden: bool = True) -> str | None:  # noqa: ARG003 - none are
        """Return the project's id, which is its name; None where there is no such project."""
        known = {project.name for project in cls.get_projects()}
        return project_name if project_name in known else None

    @classmethod
    def clone(
        cls: type[T],
        source_task: Held | str | None = None,
        name: str | None = None,
        comment: str | None = None,
        parent: Held | str | None = None,
        project: str | None = None,
    ) -> T:
        """Make a draft of a task: with all that it was given, and nothing that it produced."""
        with as_value_error():
            source = native_of(_given(source_task, cls))
            made = native.Task.clone(source, name=name, comment=comment, parent=id_of(parent), project=project)
        return cls(made)

    @classmethod
    def normalize_id(cls, id: str) -> str:  # noqa: A002 - ClearML's name for it
        """Return an id without blanks around it."""
        return id.strip()

    @classmethod
    def resolve_id(cls, obj: Held | str) -> str:
        """Return the id of a task, or of an id."""
        return native_of(obj).id

    @classmethod
    def is_offline(cls) -> bool:
        """True: no server is ever asked."""
        return True

    @classmethod
    def set_offline(cls, offline_mode: bool = False) -> None:
        """Nothing changes by it. Raises UsageError while a task is open, as ClearML does where that is left."""
        if not offline_mode and native.Task.current_task() is not None:
            raise UsageError("offline mode is not left while a task is open; there is no server to go online with")


def _monitoring(choice: bool | Mapping[str, Any]) -> bool | dict[str, float]:
    """Return what is said of resource monitoring in taskstore's terms; what else ClearML's dict may say means nothing.

    (Resources are reported against time, and wait for no iteration.)
    """
    if not isinstance(choice, Mapping):
        return bool(choice)
    found = next((choice[key] for key in _STARTS if choice.get(key) is not None), None)
    return bool(choice) if found is None else {"start_after_s": float(found)}


def _given(task: Held | str | None, kind: type[Finding]) -> Held | str:
    found = task if task is not None else kind.current_task()
    if found is None:
        raise BadCall("which task? give source_task, or begin one by Task.init")
    return found
