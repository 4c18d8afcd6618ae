"""Putting a whole task where everybody sees it: it is built aside, and appears in its project by one rename."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable

from ..core.errors import Busy, Conflict
from ..core.names import project_parts
from ..disk.atomic import staging_beside, sync_folder
from ..disk.layout import TaskPaths
from .projects import ensure_folder
from .store import Store, writing

_MAX_MOVES = 20


def adopt(store: Store, project: str, task_id: str, fill: Callable[[TaskPaths], None]) -> TaskPaths:
    """Let `fill` write a whole task into a folder, its record included, which then appears in a project by one rename.

    Raises Conflict where there is one of that id, BadName, or ReadOnly where the store cannot be written.
    """
    parts = project_parts(project)
    with writing(store):
        store.paths.projects.mkdir(exist_ok=True)
        staging = TaskPaths(staging_beside(store.paths.projects / task_id))
        staging.home.mkdir()
        try:
            fill(staging)
            return enter_project(store, parts, task_id, staging)
        except BaseException:
            shutil.rmtree(staging.home, ignore_errors=True)
            raise


def enter_project(store: Store, parts: tuple[str, ...], task_id: str, staging: TaskPaths) -> TaskPaths:
    """Rename a task's folder into a project, which is made where it is new. Raises Conflict, Busy."""
    for _ in range(_MAX_MOVES):
        try:
            folder = ensure_folder(store, parts)
            staging.home.rename(folder / task_id)
        except FileNotFoundError:
            continue  # the project was renamed or deleted under us: make it again
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise Conflict(f"there is a task {task_id} in project '{'/'.join(parts)}' already") from None
            raise
        sync_folder(folder)
        store.places[task_id] = folder / task_id
        return TaskPaths(folder / task_id)
    raise Busy(store.paths.projects, 0)
