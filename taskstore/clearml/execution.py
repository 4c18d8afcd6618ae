"""What runs in a task, and how it comes to run: code, requirements, container, functions, queues."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from .. import task as native
from ..core.errors import NotFound
from ..finding import default_store
from ..queues import queue as queues
from ..run import remote, requirements
from ..run.sink import warn
from ..sections import document
from ..store import tickets
from .data import Data
from .errors import BadCall, as_value_error, refuse
from .held import Held, native_of
from .kinds import text_of

T = TypeVar("T", bound="Executable")
_CODE = "where the code lies is recorded as it is; `taskstore clone TASK` and task.set_script change a draft"


class Executable(Held):
    """Describes the code of a task, and makes tasks to be run."""

    @classmethod
    def create(
        cls: type[T],
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: str | Enum | None = None,
        repo: str | None = None,
        branch: str | None = None,
        commit: str | None = None,
        script: str | None = None,
        working_directory: str | None = None,
        packages: bool | Sequence[str] | None = None,
        requirements_file: str | Path | None = None,
        docker: str | None = None,
        docker_args: str | None = None,
        docker_bash_setup_script: str | None = None,
        argparse_args: Sequence[tuple[str, str]] | None = None,
        base_task_id: str | None = None,
        add_task_init_call: bool = True,  # noqa: ARG003 - what `taskstore run` runs is recorded without it
        force_single_script_file: bool = False,
        binary: str | None = None,
        module: str | None = None,
        detect_repository: bool = True,
    ) -> T:
        """Make a draft from a script, a module, a repository or another task; nothing is run, nothing fetched."""
        with as_value_error():
            made = native.Task.create(
                project_name,
                task_name,
                task_type=None if task_type is None else text_of(task_type),
                repo=repo,
                branch=branch,
                commit=commit,
                script=script,
                working_directory=working_directory,
                packages=packages,
                requirements_file=None if requirements_file is None else str(requirements_file),
                docker=docker,
                docker_args=docker_args,
                docker_bash_setup_script=docker_bash_setup_script,
                argparse_args=argparse_args or (),
                base_task_id=base_task_id,
                force_single_script_file=force_single_script_file,
                binary=binary,
                module=module,
                detect_repository=detect_repository,
            )
        return cls(made)

    def create_function_task(
        self: T,
        func: Callable[..., Any],
        func_name: str | None = None,
        task_name: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - whatever the function takes
    ) -> T | None:
        """Make a draft that runs the function with these arguments; an agent or `taskstore run` runs it."""
        with as_value_error():
            made = self._task.functions.create(func, kwargs, func_name=func_name, task_name=task_name)
        return type(self)(made) if made is not None else None

    def execute_remotely(
        self: T, queue_name: str | None = None, clone: bool = False, exit_process: bool = True
    ) -> T | None:
        """Hand the task over to a queue, and end the process; nothing where it was launched for the task."""
        with as_value_error():
            made = self._task.lifecycle.execute_remotely(queue_name, clone=clone, exit_process=exit_process)
        return None if made is None else type(self)(native_of(made))

    @classmethod
    def debug_simulate_remote_task(cls, task_id: str, reset_task: bool = False) -> None:
        """Have this process's Task.init begin that task, as if an agent had launched it; before init."""
        with as_value_error():
            found = native_of(task_id)
            remote.simulate(found._store, found.id, with_reset=reset_task)

    @classmethod
    def enqueue(
        cls, task: Held | str, queue_name: str | None = None, queue_id: str | None = None, force: bool = False
    ) -> dict[str, Any]:
        """Put a task into a queue, of which name and id are the same; `force` resets what is completed."""
        with as_value_error():
            found = native_of(task)
            found.lifecycle.enqueue(_queue(queue_name, queue_id), force=force)
        return {"queued": 1, **_changed(found)}

    @classmethod
    def dequeue(cls, task: Held | str) -> dict[str, Any]:
        """Take a task out of its queue: its status is as it was before."""
        with as_value_error():
            found = native_of(task)
            found.lifecycle.dequeue()
        return {"dequeued": 1, **_changed(found)}

    @classmethod
    def get_num_enqueued_tasks(cls, queue_name: str | None = None, queue_id: str | None = None) -> int:
        """Return how many tasks wait in a queue."""
        with as_value_error():
            return queues.count(default_store(), _queue(queue_name, queue_id))

    def launch_multi_node(
        self,
        total_num_nodes: int,
        port: int | None = 29500,
        queue: str | None = None,
        wait: bool = False,
        addr: str | None = None,
        devices: int | Sequence[int] | None = None,
        hide_children: bool = False,
    ) -> dict[str, Any]:
        """Enqueue clones of the task for the other nodes, and say which node this is; see `task.nodes.launch`."""
        addr = os.environ.get("CLEARML_MULTI_NODE_MASTER_DEF_ADDR") or os.environ.get("MASTER_ADDR") or addr
        given = os.environ.get("CLEARML_MULTI_NODE_MASTER_DEF_PORT") or os.environ.get("MASTER_PORT") or port
        with as_value_error():
            return self._task.nodes.launch(
                total_num_nodes,
                int(given or 0),
                queue,
                wait=wait,
                addr=addr,
                devices=devices,
                hide_children=hide_children,
            )

    def get_script(self) -> Mapping[str, str]:
        """Return repository, branch, commit, working directory, entry point, interpreter and diff."""
        return self._task.code.get()

    def set_script(
        self,
        repository: str | None = None,
        branch: str | None = None,
        commit: str | None = None,
        diff: str | None = None,
        working_dir: str | None = None,
        entry_point: str | None = None,
        binary: str | None = None,
    ) -> None:
        """Set what is given of what would be run."""
        with as_value_error():
            self._task.code.set(
                repository=repository,
                branch=branch,
                commit=commit,
                diff=diff,
                working_dir=working_dir,
                entry_point=entry_point,
                binary=binary,
            )

    def set_repo(self, repo: str | None = None, branch: str | None = None, commit: str | None = None) -> None:
        """Set the repository, its branch and commit."""
        self.set_script(repository=repo, branch=branch, commit=commit)

    def set_packages(self, packages: str | Path | Sequence[str]) -> None:
        """Replace the requirements by a list, or by a requirements file."""
        with as_value_error():
            self._task.code.set_requirements(packages)

    def get_requirements(self) -> dict[str, str]:
        """Return {package: version}."""
        return self._task.code.get_requirements()

    @classmethod
    def add_requirements(cls, package_name: str | Path, package_version: str | None = None) -> None:
        """Have a package among the requirements whether or not it is imported; before init."""
        with as_value_error():
            requirements.add(str(package_name), package_version)

    @classmethod
    def ignore_requirements(cls, package_name: str) -> None:
        """Leave a package out of the requirements."""
        requirements.ignore(package_name)

    @classmethod
    def force_requirements_env_freeze(cls, force: bool = True, requirements_file: str | Path | None = None) -> None:
        """Record every installed package, or a file's, as a requirement."""
        with as_value_error():
            requirements.freeze(force, requirements_file)

    @classmethod
    def force_store_standalone_script(cls, force: bool = True) -> None:
        """Accept False; the code is recorded with its repository, whose uncommitted changes are too."""
        if force:
            refuse("force_store_standalone_script", _CODE)

    def set_base_docker(
        self,
        docker_cmd: str | None = None,
        docker_image: str | None = None,
        docker_arguments: str | Sequence[str] | None = None,
        docker_setup_bash_script: str | Sequence[str] | None = None,
    ) -> None:
        """Say in which container the task is to be run."""
        image, _, arguments = (docker_cmd or "").strip().partition(" ")
        self._task.code.set_container(
            image=docker_image or image,
            arguments=_joined(docker_arguments, " ") or arguments,
            setup_shell_script=_joined(docker_setup_bash_script, "\n"),
        )

    def get_base_docker(self) -> str:
        """Return the container's image and arguments, as one text."""
        asked = self._task.code.get_container()
        return f"{asked['image']} {asked['arguments']}".strip()

    @property
    def data(self) -> Data:
        """The task's whole record by attributes: `task.data.script.repository`. This reads the disk."""
        return Data(document.export(self._task._store, self._task._paths()))

    def export_task(self) -> dict[str, Any]:
        """Return what a copy of the task is made of, as a dictionary."""
        return document.export(self._task._store, self._task._paths(), with_outputs=False)

    def update_task(self, task_data: Mapping[str, Any]) -> bool:
        """Set in a draft what such a dictionary says."""
        with as_value_error():
            document.update(self._task._store, self._task.id, task_data)
        return True

    @classmethod
    def import_task(
        cls: type[T],
        task_data: Mapping[str, Any],
        target_task: Held | str | None = None,
        update: bool = False,  # noqa: ARG003 - what is not said stays
    ) -> T:
        """Make a draft of such a dictionary, or set in a draft what it says."""
        with as_value_error():
            if target_task is None:
                store = default_store()
                return cls(native.Task(store, document.create(store, task_data).id))
            target = native_of(target_task)
            document.update(target._store, target.id, task_data)
            return cls(target)

    @classmethod
    def import_offline_session(
        cls, session_folder_zip: str | Path, previous_task_id: str | None = None, iteration_offset: int | None = 0
    ) -> str:
        """Make a task of an offline session of ClearML's, a folder or a zip, and return its id.

        Imported again, it is the task that it became. With `previous_task_id` it goes on in that task.
        """
        from ..share.importers import of_kind
        from ..share.importers.base import Options, only

        options = Options(task_id=previous_task_id, iteration_offset=iteration_offset or 0)
        with as_value_error():
            found = only(of_kind("clearml").runs(default_store(), Path(session_folder_zip), options))
        for note in found.notes:
            warn(note)
        return found.task_id


def _joined(given: str | Sequence[str] | None, separator: str) -> str:
    return given if isinstance(given, str) else separator.join(given or ())


def _queue(name: str | None, queue_id: str | None) -> str:
    """Return the queue that is meant. Raises ValueError unless just one is named, and it is there."""
    if (name is None) == (queue_id is None):
        raise BadCall("name one of queue_name and queue_id; `taskstore queue ls` lists the queues")
    wanted = str(name if name is not None else queue_id)
    try:
        return queues.find(default_store(), wanted)
    except NotFound:
        which = "named" if name is not None else "with id"
        raise BadCall(f'Could not find queue {which} "{wanted}"; {tickets.unknown(wanted)}') from None


def _changed(task: native.Task) -> dict[str, Any]:
    """Return what ClearML's server answers: how many tasks were changed, and the fields that were."""
    record = task._record()
    fields = {
        "status": record.status.value,
        "status_reason": record.status_reason,
        "status_message": record.status_message,
        "status_changed": record.status_changed,
        "last_update": record.last_update,
        "execution.queue": (record.execution.queue or None) if record.execution is not None else None,
    }
    return {"updated": 1, "fields": fields}
