"""What the page of a task lets a browser fetch: captured code, configuration, artifacts, models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import Response

from ...board import kept
from ...core.errors import NotFound, TaskstoreError
from ...core.names import decode
from ...store import configuration, copies, places, tasks
from .. import files

if TYPE_CHECKING:
    from ..desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    made = APIRouter()

    @made.get("/files/{task_id}/source")
    def source(task_id: str, path: str = "") -> Response:
        try:
            paths = places.locate(desk.store, task_id)
            found = next((each for each in tasks.read_script(paths).captured_files() if each.path == path), None)
            if found is None:
                raise NotFound("captured file", path, "the task names no such file")
            file = copies.checked(paths, found, "source")
        except (TaskstoreError, OSError) as error:
            return failed(error)
        return files.send(desk, file, decode(file.name) or file.name)

    @made.get("/files/{task_id}/packages")
    def packages(task_id: str, of: str = "program") -> Response:
        try:
            paths = places.locate(desk.store, task_id)
        except TaskstoreError as error:
            return failed(error)
        file = paths.environment if of == "environment" else paths.requirements
        return files.send(desk, file, file.name)

    @made.get("/files/{task_id}/configuration")
    def configured(task_id: str, name: str = "") -> Response:
        try:
            found = configuration.read(places.locate(desk.store, task_id)).get(name)
        except TaskstoreError as error:
            return failed(error)
        if found is None:
            return failed(NotFound("configuration", name, "the task has none of that name"))
        suffix = found.path.suffix
        return files.send(desk, found.path, name if name.endswith(suffix) else name + suffix)

    @made.get("/files/{task_id}/artifact")
    def artifact(task_id: str, key: str = "", show: str = "") -> Response:
        try:
            path = kept.artifact_file(desk.store, task_id, key)
        except (TaskstoreError, OSError) as error:
            return failed(error)
        return files.send(desk, path, kept.file_name(path), is_shown=bool(show))

    @made.get("/files/{task_id}/model")
    def model(task_id: str, id: str = "", iteration: int | None = None) -> Response:  # noqa: A002 - the query's name
        try:
            path = kept.model_file(desk.store, task_id, id, iteration)
        except (TaskstoreError, OSError) as error:
            return failed(error)
        return files.send(desk, path, kept.file_name(path))

    return made


def failed(error: TaskstoreError | OSError) -> Response:
    """Answer with what went wrong."""
    known = error if isinstance(error, TaskstoreError) else NotFound("file", "of that name", str(error.strerror))
    return files.failure(known)
