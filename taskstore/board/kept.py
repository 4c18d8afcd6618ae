"""What a task has kept and was given, as a screen shows it: artifacts, and models with where they come from and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import NotFound
from ..core.names import decode
from ..schema.artifact import Artifact
from ..schema.model import Model, ModelInput
from ..schema.record import FileRef
from ..sections.artifacts.look import NOTHING, Look, look
from ..store import artifacts, copies, lineage, models, places
from ..store.query import Row
from ..store.store import Store


@dataclass(frozen=True)
class Made:
    """A model that the task made; `users` are the ids of the tasks that were given it."""

    model: Model
    is_published: bool
    users: list[str]


@dataclass(frozen=True)
class Given:
    """A model that the task was given; `maker` is the id of the task that made it, empty where none here did."""

    slot: str
    item: ModelInput
    model: Model
    maker: str
    is_gone: bool


@dataclass(frozen=True)
class Kept:
    """All of it, as it was read at once."""

    artifacts: list[Artifact]
    made: list[Made] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)


def read(store: Store, task_id: str) -> Kept:
    """Return what a task has. Raises NotFound, Damaged."""
    paths = places.locate(store, task_id)
    record = models.read(paths)
    users = lineage.users(store, record.output)
    return Kept(
        list(artifacts.read(paths).artifacts.values()),
        [
            Made(model, models.is_published(paths, model), [user for user in users[key] if user != task_id])
            for key, model in record.output.items()
        ],
        [_given(store, task_id, slot, item) for slot, item in record.input.items()],
    )


def _given(store: Store, task_id: str, slot: str, item: ModelInput) -> Given:
    found = lineage.given(store, places.locate(store, task_id), item)
    if found is None:
        return Given(slot, item, lineage.missing(item), "", is_gone=True)
    return Given(slot, item, found.model, found.paths.id if item.about is None else "", is_gone=False)


def by_id(rows: tuple[Row, ...], ids: set[str]) -> Mapping[str, Row]:
    """Return those rows of a listing that have one of the ids."""
    return {row.id: row for row in rows if row.id in ids}


def artifact_file(store: Store, task_id: str, key: str) -> Path:
    """Return where an artifact's file is. Raises NotFound, also for what is kept elsewhere; Damaged."""
    paths = places.locate(store, task_id)
    found = artifacts.find(paths, key)
    if found.file is None:
        raise NotFound("artifact file", key, f"it is at {found.uri}, and not in the store")
    return copies.checked(paths, found.file, f"artifact {key!r}")


def model_file(store: Store, task_id: str, model_id: str, iteration: int | None = None) -> Path:
    """Return where a model's weights are, those of an iteration where one is given. Raises as `artifact_file`."""
    paths = places.locate(store, task_id)
    model = models.find(models.read(paths), model_id)
    reference: FileRef | None = model.file
    if iteration is not None:
        reference = next((each.file for each in model.snapshots if each.iteration == iteration), None)
    if reference is None:
        raise NotFound(
            "model file", model.name, "its weights are not in the store" + f": {model.uri}" * bool(model.uri)
        )
    return copies.checked(paths, reference, f"model {model.name!r}")


def file_name(path: Path) -> str:
    """Return the name that a kept file had."""
    return decode(path.name) or path.name


def look_at(store: Store, task_id: str, key: str) -> tuple[Artifact, Look]:
    """Return an artifact and what is to be seen of it; of what is opaque, the text that was kept when it was made."""
    artifact = artifacts.find(places.locate(store, task_id), key)
    if artifact.file is None:
        return artifact, Look(NOTHING)
    path = artifact_file(store, task_id, key)
    return artifact, look(path, file_name(path))
