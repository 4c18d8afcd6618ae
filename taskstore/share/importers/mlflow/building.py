"""A run becomes a task: built below a folder that nobody sees yet, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from ....core.errors import BadValue, Damaged, Refused
from ....core.secrets import Masker
from ....core.urls import strip_credentials
from ....disk.atomic import sync_folder
from ....disk.layout import TaskPaths
from ....schema import codec
from ....schema.artifact import Artifact, ArtifactsRecord
from ....schema.model import Model, ModelInput, ModelsRecord
from ....schema.record import FileRef, ParamsRecord, TaskRecord
from ....store import events
from ....store.store import Store
from .. import base
from ..base import Imported, Known, Notes
from . import content, files, taking
from .files import Found, Roots
from .runs import Experiment, LoggedModel, Reader, Run
from .scalars import Lines, writer_of

KIND = "mlflow"
_BLOCK_BYTES = 1 << 20
_SPARE_BYTES = 16 << 20


@dataclass
class Batch:
    """What the import of one path works with, in several threads.

    `without_files` are experiments of which runs name files that were not found, `described` those of new tasks.
    """

    store: Store
    path: Path
    reader: Reader
    roots: Roots
    masker: Masker
    known: Known
    project: str | None = None
    with_deleted: bool = False
    with_files: set[str] = field(default_factory=set)
    without_files: dict[str, str] = field(default_factory=dict)
    described: dict[str, Experiment] = field(default_factory=dict)

    def parent(self, run: Run, notes: Notes) -> str | None:
        """Return the task of the run that a run is nested in; None where there is none."""
        run_id = content.parent_id(run) if content.parent_id(run) != run.id else ""
        found = self.task_of(run_id) if run_id else None
        if run_id and found is None:
            notes.add(f"the run that it is nested in is not here: {run_id}")
        return found

    def task_of(self, run_id: str) -> str | None:
        """Return the task of another run: the one that it was imported as, or is about to be."""
        try:
            found = self.known.find(KIND, run_id)
        except Refused:
            return None
        if found is None:
            begun = self.reader.begun(run_id, with_deleted=self.with_deleted)
            found = base.task_id_of(KIND, run_id, begun) if begun is not None else None
        return found


@dataclass(frozen=True)
class Contents:
    """What a run holds besides its metrics: what is to be copied, and what is only recorded."""

    found: tuple[Found, ...] = ()
    models: tuple[tuple[Found | None, Model], ...] = ()
    remote: tuple[Artifact, ...] = ()
    inputs: tuple[ModelInput, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of the files that are to be copied."""
        return sum(each.size_bytes for each in (*self.found, *(found for found, _ in self.models if found is not None)))


def contents(batch: Batch, run: Run, notes: Notes) -> Contents:
    """Look for the run's files. Raises Refused where there is no room for them."""
    found: list[Found] = []
    models: list[tuple[Found | None, Model]] = []
    remote: list[Artifact] = []
    folder = batch.roots.find(run.artifact_uri, run.id) or run.folder
    if folder is not None:
        for each in files.below(folder, notes):
            name = each.key.rpartition("/")[2]
            model = Model(id=content.model_id(run.id, each.key), name=name, slot=each.key, created=run.began)
            models.append((each, model)) if each.is_model else found.append(each)
    elif files.is_remote(run.artifact_uri):
        uri = strip_credentials(run.artifact_uri)
        notes.add(f"its artifacts are not here, and their address is kept: {uri}")
        remote.append(Artifact(key="artifacts", type="custom", uri=uri))
    elif run.artifact_uri and not batch.roots.holds(run.artifact_uri):
        batch.without_files.setdefault(run.experiment.name, run.artifact_uri)
    if found or models:
        batch.with_files.add(run.experiment.name)
    models.extend(_logged(batch, run, notes))
    inputs = tuple(_given(batch, said, run) for said in run.input_models)
    whole = Contents(tuple(found), tuple(models), tuple(remote), inputs)
    if whole.size_bytes + _SPARE_BYTES > shutil.disk_usage(batch.store.root).free:
        raise Refused(f"its files have {whole.size_bytes:,} bytes, more than is free at {batch.store.root}")
    return whole


def _logged(batch: Batch, run: Run, notes: Notes) -> Iterator[tuple[Found | None, Model]]:
    for said in run.output_models:
        if said.is_deleted and not batch.with_deleted:
            notes.add("a deleted model was left out")
            continue
        folder = batch.roots.find(said.location, said.id)
        found = files.folder_of(folder, said.name, notes) if folder is not None else None
        model = _described(said, run.began)
        if found is None:
            model.uri = strip_credentials(said.location) if files.is_remote(said.location) else ""
            notes.add(f"the files of model {said.name!r} are not here: they were at {strip_credentials(said.location)}")
        yield found, model


def _given(batch: Batch, said: LoggedModel, run: Run) -> ModelInput:
    task_id = batch.task_of(said.run_id) or ""
    about = None if task_id else _described(said, run.began)
    return ModelInput(slot=said.name, model=content.model_id(said.id), task=task_id, about=about)


def _described(said: LoggedModel, began: datetime) -> Model:
    return taking.described(Model(id=content.model_id(said.id), name=said.name, slot=said.name, created=began), said)


def create(batch: Batch, run: Run) -> Imported:
    """Make the task of a run that is in no task yet. Raises Refused, BadName, ReadOnly, Damaged."""
    notes = base.Notes()
    for text in run.notes.texts():
        notes.add(text)
    whole = contents(batch, run, notes)

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        last = _write_scalars(paths, run, notes)
        taken = taking.Taken(batch.store, paths)
        _write_new(paths.artifacts, artifacts(run, whole, taken, notes))
        _write_new(paths.models, models(whole, taken, notes))
        _write_new(paths.params, ParamsRecord(rev=1, hyperparams=content.params(run, batch.masker, notes)))
        _write_script(paths, run)
        for folder, _, _ in os.walk(paths.home, topdown=False):
            sync_folder(Path(folder))
        content.fill_record(run, record, batch.masker)
        record.parent = batch.parent(run, notes)
        now = batch.store.clock.now()
        content.set_state(record, content.state_of(run, last, now, notes), run.began, now)
        record.imported = [base.mark(batch.store, KIND, run.id, batch.path, notes)]

    task_id = base.task_id_of(KIND, run.id, run.began)
    project = batch.project or content.project_name(run.experiment)
    is_new = base.create(batch.store, project, content.task_name(run), task_id, fill)
    batch.known.add(task_id)
    return Imported(task_id, is_new, tuple(notes.texts()), source=f"run {run.id}")


def artifacts(run: Run, whole: Contents, taken: taking.Taken, notes: Notes) -> ArtifactsRecord:
    """Copy the files; return the record that names them, the datasets that the run has read among them."""
    record = ArtifactsRecord(rev=1, artifacts=artifacts_of(whole, taken, notes))
    for data in run.datasets:
        given = content.dataset(data, record.artifacts)
        record.artifacts[given.key] = given
    return record


def artifacts_of(whole: Contents, taken: taking.Taken, notes: Notes) -> dict[str, Artifact]:
    """Copy the files that are artifacts; return these by key, with those that are elsewhere."""
    made = {each.key: each for each in whole.remote}
    for found in whole.found:
        with notes.of(f"artifact {found.key!r} is lost", Damaged, BadValue):
            made[found.key] = taken.artifact(found)
    return made


def models(whole: Contents, taken: taking.Taken, notes: Notes) -> ModelsRecord:
    """Pack the models' folders; return the record that names them."""
    record = ModelsRecord(rev=1)
    for given in whole.inputs:
        record.input[f"{given.slot} {given.model}" if given.slot in record.input else given.slot] = given
    for found, model in whole.models:
        if found is not None:
            with notes.of(f"the files of model {model.name!r} are lost", Damaged, BadValue):
                taken.model(found, model)
        record.output[model.id] = model
    return record


def _write_scalars(paths: TaskPaths, run: Run, notes: Notes) -> datetime | None:
    lines = Lines(run)
    stream = None
    try:
        for line in lines.read(notes):
            if stream is None:
                paths.events.mkdir(exist_ok=True)
                stream = paths.scalars(writer_of(run.id)).open("xb", buffering=_BLOCK_BYTES)
            stream.write(line)
        if stream is not None:
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        if stream is not None:
            stream.close()
    events.refresh_summary(paths)
    return lines.last


def _write_script(paths: TaskPaths, run: Run) -> None:
    record = content.script(run)
    diff = run.tags.get(content.TAG_DIFF, "").encode()
    if diff:
        paths.source.mkdir(exist_ok=True)
        record.diff = FileRef(
            path=paths.diff.relative_to(paths.home).as_posix(), size=len(diff), hash=content.sha256_of_text(diff)
        )
        _write(paths.diff, diff)
    _write_new(paths.script, record)


def _write_new(path: Path, record: msgspec.Struct) -> None:
    """Write a record of a task that nobody sees yet; one that says nothing gets no file."""
    if msgspec.json.encode(record) not in (b'{"rev":1}', msgspec.json.encode(type(record)())):
        _write(path, codec.encode(record))


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
