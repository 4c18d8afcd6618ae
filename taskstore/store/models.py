"""The record of a task's models: weights first, then the record that names them, both under the task's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ..core.errors import NotFound, Refused
from ..core.states import Status
from ..disk.atomic import replace_record
from ..disk.layout import TaskPaths
from ..schema import codec
from ..schema.model import Model, ModelInput, ModelsRecord
from ..schema.record import FileRef
from . import artifacts, parts, tasks
from .store import Store

R = TypeVar("R")
ALWAYS_EDITABLE = frozenset({"name", "comment", "tags", "system_tags", "metadata", "last_update"})
"""Fields of a model that may change when it, or its task, is published."""


def read(paths: TaskPaths) -> ModelsRecord:
    """Return a task's models; none is an empty record. Raises Damaged."""
    return parts.read(ModelsRecord, paths.models)


def change(
    store: Store,
    task_id: str,
    action: Callable[[TaskPaths, ModelsRecord], R],
    *,
    is_said: bool = False,
) -> R:
    """Let `action` change a task's models; what of their weights is named no longer is deleted.

    Of a task that has ended only what is said of its models (`is_said`) changes. Raises ReadOnly.
    `action` may be run again when the task moves during it.
    """

    def checked(paths: TaskPaths, record: ModelsRecord) -> R:
        if not is_said:
            artifacts.check_open(tasks.read(paths), "models")
        return action(paths, record)

    return parts.change(store, task_id, ModelsRecord, lambda paths: paths.models, files_of, checked)


def add(store: Store, task_id: str, model: Model) -> Model:
    """Add a model that the task makes, with the task's labels and design where it has none. Raises ReadOnly.

    Without a name it is called by the task's.
    """

    def action(paths: TaskPaths, record: ModelsRecord) -> Model:
        model.name = model.name or tasks.read(paths).name
        model.slot = model.slot or model.name
        model.labels = model.labels or dict(record.labels)
        model.design = model.design or record.design
        model.created = model.last_update = store.clock.now()
        record.output[model.id] = model
        return model

    return change(store, task_id, action)


def give(store: Store, task_id: str, given: ModelInput) -> None:
    """Record that a task was given a model; what had its slot is replaced. Raises ReadOnly."""

    def action(paths: TaskPaths, record: ModelsRecord) -> None:
        given.timestamp = store.clock.now()
        record.input[given.slot] = given

    change(store, task_id, action)


def files_of(record: ModelsRecord) -> list[FileRef]:
    """Return every file of weights that a record names."""
    kept = record.output.values()
    files = [model.file for model in kept] + [item.file for model in kept for item in model.snapshots]
    return [file for file in files if file is not None]


def find(record: ModelsRecord, model_id: str) -> Model:
    """Return one of the models that a task made, or was given from outside of the store. Raises NotFound."""
    if model_id in record.output:
        return record.output[model_id]
    for item in record.input.values():
        if item.about is not None and item.model == model_id:
            return item.about
    raise NotFound("model", model_id, "it was deleted, or its task was reset")


def check_unpublished(paths: TaskPaths, model: Model) -> None:
    """Raise Refused for a model that is published, by itself or with its task."""
    if is_published(paths, model):
        raise Refused(f"model {model.name!r} is published: its weights, labels and design are final; make another one")


def is_published(paths: TaskPaths, model: Model) -> bool:
    """Tell whether a model is final: publishing a task publishes those that it made."""
    return model.ready or tasks.read(paths).status is Status.PUBLISHED


def copy_inputs(source: TaskPaths, target: TaskPaths) -> None:
    """Give a clone, which nobody sees yet, what its source was given of models, with its labels and design."""
    found = read(source)
    if found.input or found.labels or found.design:
        record = ModelsRecord(rev=1, input=found.input, labels=found.labels, design=found.design)
        replace_record(target.models, codec.encode(record))


def delete_outputs(paths: TaskPaths, *, used: frozenset[str]) -> set[Path]:
    """Forget the models of a task, except those that are published or `used` by others; return the files that are kept.

    The caller holds the task's lock.
    """
    record = read(paths)
    kept = {key: model for key, model in record.output.items() if model.ready or key in used}
    if len(kept) != len(record.output):
        record.output = kept
        parts.replace(paths.models, record)
    return {paths.home / ref.path for ref in files_of(record)}


def frozen(value: dict[str, object]) -> dict[str, object]:
    """Return what of the record of a published task, as plain values, may no longer change."""
    output = value.get("output")
    models = output.items() if isinstance(output, dict) else ()
    kept = {key: _frozen_model(model) for key, model in models}
    return {key: kept if key == "output" else item for key, item in value.items() if key != "rev"}


def _frozen_model(model: object) -> object:
    if not isinstance(model, dict):
        return model
    return {key: item for key, item in model.items() if key not in ALWAYS_EDITABLE}


def every(record: ModelsRecord) -> Iterator[Model]:
    """Yield what a record describes: what the task made, then what came from outside of the store."""
    yield from record.output.values()
    yield from (item.about for item in record.input.values() if item.about is not None)
