"""Which task made a model, and which ones use it: models.json of the tasks that have one, read newest first."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from ..core.errors import Damaged, NotFound, TaskstoreError
from ..core.ids import is_id
from ..disk import mounts
from ..disk.layout import MODELS, TaskPaths
from ..disk.text import MAX_RECORD_BYTES, read_bytes
from ..schema import codec
from ..schema.model import Model, ModelInput, ModelsRecord
from . import models, places, tasks
from .store import Store


class Found(NamedTuple):
    """A model and the task in whose record it is described."""

    paths: TaskPaths
    model: Model


def records(store: Store, *, with_text: Collection[str] = ()) -> Iterator[tuple[TaskPaths, ModelsRecord]]:
    """Yield the models of every task that has any, newest task first; only of those whose file has one of the texts.

    What is damaged is passed over: `taskstore doctor` names it.
    """
    wanted = [text.encode() for text in with_text]
    for task_id, folder in sorted(((found, folder) for folder, found in places.walk(store, [])), reverse=True):
        path = f"{folder}{os.sep}{task_id}{os.sep}{MODELS}"
        try:
            data = _bytes_at(path)
            if not wanted or any(text in data for text in wanted):
                yield TaskPaths(Path(folder) / task_id), codec.decode(ModelsRecord, data, Path(path))
        except (OSError, Damaged):
            continue


def _bytes_at(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - ten thousand of them, most of them missing
            return stream.read()
    except FileNotFoundError:
        packed = mounts.read(path, MAX_RECORD_BYTES)
        if packed is None:
            raise
        return packed


def find(store: Store, model_id: str, task_id: str = "") -> Found:
    """Return a model by its id; `task_id` is where it is likely to be. Raises NotFound."""
    if task_id:
        with contextlib.suppress(TaskstoreError, OSError):
            paths = places.locate(store, task_id)
            return Found(paths, models.find(models.read(paths), model_id))
    described: Found | None = None
    for paths, record in records(store, with_text=[model_id]):
        if model_id in record.output:
            return Found(paths, record.output[model_id])
        with contextlib.suppress(NotFound):
            described = Found(paths, models.find(record, model_id))
    if described is None:
        raise NotFound("model", model_id, "Model.query_models() finds those that there are")
    return described


def given(store: Store, paths: TaskPaths, item: ModelInput) -> Found | None:
    """Return a model that a task was given; None where it is deleted."""
    if item.about is not None:
        return Found(paths, item.about)
    try:
        return find(store, item.model, item.task)
    except NotFound:
        return None


def missing(item: ModelInput) -> Model:
    """Return what is left to say of a model that a task was given, and that is deleted."""
    uri = Path(item.source).as_uri() if Path(item.source).is_absolute() else item.source
    return Model(id=item.model, name=item.slot, uri=uri, comment="deleted since this task was given it")


def by_file(store: Store, digest: str, source: str) -> Found | None:
    """Return the model whose weights are these bytes, else the one last written to that path and not read again since.

    Where the bytes are known by a hint it takes no walk.
    """
    hinted = _hinted(store, digest) if digest else None
    if hinted is not None:
        return hinted
    # The path as it is spelled within a record.
    texts = [text for text in (digest, _spelled(source)) if text]
    at_path: Found | None = None
    for paths, record in records(store, with_text=texts):
        for model in reversed(record.output.values()):
            if digest and _has(model, digest):
                return Found(paths, model)
            if at_path is None and source and model.source == source and not (digest and model.hash):
                at_path = Found(paths, model)
    return at_path


def by_address(store: Store, uri: str) -> Found | None:
    """Return the model whose weights are recorded at an address; the one of the newest task."""
    for paths, record in records(store, with_text=[_spelled(uri)]):
        for model in models.every(record):
            if model.uri == uri or any(item.uri == uri for item in model.snapshots):
                return Found(paths, model)
    return None


def _spelled(source: str) -> str:
    import msgspec

    try:
        return msgspec.json.encode(source).decode()[1:-1] if source else ""
    except UnicodeEncodeError:
        return ""


def _has(model: Model, digest: str) -> bool:
    return model.hash == digest or any(item.hash == digest for item in model.snapshots)


def _hinted(store: Store, digest: str) -> Found | None:
    try:
        parts = Path(store.paths.blob_hint(digest).read_text("utf-8")).parts
        task_id = next((part for part in parts if is_id(part)), "")
        paths = places.locate(store, task_id) if task_id else None
        record = codec.decode(ModelsRecord, read_bytes(paths.models), paths.models) if paths else ModelsRecord()
    except (OSError, ValueError, TaskstoreError):
        return None
    model = next((model for model in reversed(record.output.values()) if _has(model, digest)), None)
    return Found(paths, model) if paths and model else None


def users(store: Store, model_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the ids of the tasks that were given each of the models, the newest first."""
    found: dict[str, list[str]] = {model_id: [] for model_id in model_ids}
    if not found:
        return found
    for paths, record in records(store, with_text=found):
        for model_id in {item.model for item in record.input.values()} & found.keys():
            found[model_id].append(paths.id)
    return found


def ancestors(store: Store, task_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the tasks that these come from, parents and the makers of input models, and of those again; not these.

    The second set is of those that are named and not in the store.
    """
    found: set[str] = set()
    missing: set[str] = set()
    pending = list(task_ids)
    while pending:
        paths = places.locate(store, pending.pop())
        for task_id in _origins(store, paths):
            if task_id in found or task_id in missing or task_id in task_ids:
                continue
            try:
                places.locate(store, task_id)
            except NotFound:
                missing.add(task_id)
                continue
            found.add(task_id)
            pending.append(task_id)
    return found, missing


def _origins(store: Store, paths: TaskPaths) -> set[str]:
    """Return the tasks that one names: its parent, and where its input models are described."""
    parent = tasks.read(paths).parent
    named = {item.task for item in models.read(paths).input.values() if item.about is None and item.task}
    for item in models.read(paths).input.values():
        if item.about is None and not item.task:
            with contextlib.suppress(NotFound):
                named.add(find(store, item.model).paths.id)
    return {task_id for task_id in (parent, *named) if task_id and is_id(task_id) and task_id != paths.id}
