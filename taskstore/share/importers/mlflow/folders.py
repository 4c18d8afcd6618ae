"""MLflow's file store: a folder `mlruns` of experiments of runs, each value a text file of its own."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ....core.errors import Damaged, TaskstoreError
from ....disk.text import parse_yaml_object
from ..base import LeftOut, Notes
from .files import opened, spelled
from .runs import (
    MAX_STEP,
    STATUSES,
    Dataset,
    Experiment,
    LoggedModel,
    Point,
    Run,
    is_time,
    left_out_deleted,
    text_of,
    time_of,
)

META = "meta.yaml"
_TRASH = ".trash"
_MODELS, _DATASETS, _TRACES = "models", "datasets", "traces"
_IN_EXPERIMENT = frozenset({_MODELS, _DATASETS, _TRACES, "tags", "artifacts", "assessments"})
_RUN_ID = re.compile(r"[A-Za-z0-9][\w\-]{0,255}\Z")
_MAX_META_BYTES = 1 << 20
_MAX_VALUE_BYTES = 1 << 20
_MAX_VALUES_BYTES = 32 << 20
_MAX_NAMES = 100_000
_MAX_LINE_BYTES = 4096
_MAX_DEPTH = 30


def is_store(folder: Path) -> bool:
    """Tell whether a folder is one of experiments, an experiment, or a run."""
    return _is_run(folder) or _is_experiment(folder) or any(map(_is_experiment, _experiments_below(folder)))


def _experiments_below(store: Path) -> Iterator[Path]:
    """Yield the folders in a store that may be experiments; the registry of models is none."""
    for folder in (store, store / _TRASH):
        yield from (path for path in map(Path, _folders(folder)) if path.name not in (_MODELS, _TRASH))


def _runs_below(folder: Path) -> Iterator[Path]:
    """Yield the folders of runs in that of an experiment, in order of their names."""
    for path in map(Path, _folders(folder)):
        if path.name not in _IN_EXPERIMENT and _is_run(path):
            yield path


def _is_run(path: Path) -> bool:
    if (path / "metrics").is_dir() and (path / "params").is_dir():
        return True
    return _says(path, b"run_id:", b"run_uuid:")  # who has packed it has left out what was empty


def _is_experiment(path: Path) -> bool:
    return not _is_run(path) and (_says(path, b"artifact_location:", b"experiment_id:") or any(_runs_below(path)))


def _says(path: Path, *keys: bytes) -> bool:
    """Tell whether one of these keys is in a folder's record."""
    try:
        lines = _read(path / META, _MAX_META_BYTES).splitlines()
    except Damaged:
        return False
    return any(line.startswith(keys) for line in lines)


def _folders(folder: Path) -> list[str]:
    """Return the folders in a folder; links are none."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _links(folder: Path) -> list[str]:
    """Say which folders in a folder are links: none is followed, since it may lead anywhere."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entry.name for entry in entries if entry.is_symlink())
    except OSError:
        return []
    return [f"{spelled(name)} is a link, and was not followed" for name in found]


class Folders:
    """Reads the runs below a folder: a whole store, one experiment, or one run. Links are not followed."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._lost: list[str] = []
        self._places: dict[str, Path] | None = None

    def count(self) -> int:
        """Return how many runs there are."""
        return sum(1 for experiment in self._experiments() for _ in self._runs_in(experiment))

    def runs(self, *, with_deleted: bool) -> Iterator[Run | LeftOut]:
        """Yield the runs, experiment by experiment."""
        deleted = 0
        self._lost.extend(_links(self._path))
        for folder in self._experiments():
            notes = Notes()
            experiment = _experiment(folder, notes)
            runs = list(self._runs_in(folder))
            if experiment.is_deleted and not with_deleted:
                deleted += len(runs)
                continue
            self._lost.extend(notes.texts() if runs else [])
            self._lost.extend(_links(folder) if folder != self._path else [])
            models = _models(folder, {path.name for path in runs})
            self._note_rest(folder, models)
            for path in runs:
                try:
                    run = _run(path, experiment, models)
                except (TaskstoreError, OSError) as error:
                    reason = error if isinstance(error, TaskstoreError) else Damaged(path, error.strerror or str(error))
                    yield LeftOut(f"run {path.name}", reason)
                    continue
                if run.is_deleted and not with_deleted:
                    deleted += 1
                else:
                    yield run
        if deleted:
            yield left_out_deleted(deleted)

    def begun(self, run_id: str, *, with_deleted: bool) -> datetime | None:
        """Return when a run was made."""
        if self._places is None:
            self._places = {path.name: path for each in self._experiments() for path in self._runs_in(each)}
        path = self._places.get(run_id)
        if path is None:
            return None
        meta: dict[str, Any] = {}
        with contextlib.suppress(Damaged):
            meta = _meta(path)
        is_deleted = meta.get("lifecycle_stage") == "deleted" or path.parent.parent.name == _TRASH
        return None if is_deleted and not with_deleted else _began(path, meta)

    def lost(self) -> Iterable[str]:
        """Say what does not come along: what `runs` has met so far, and the registry."""
        is_whole = not _is_run(self._path) and not _is_experiment(self._path)
        registered = len(_folders(self._path / _MODELS)) if is_whole else 0
        return [*self._lost, *([f"{registered:,} registered models are not imported"] if registered else [])]

    def _experiments(self) -> list[Path]:
        if _is_run(self._path):
            return [self._path.parent]
        if _is_experiment(self._path):
            return [self._path]
        return [path for path in _experiments_below(self._path) if _is_experiment(path)]

    def _runs_in(self, experiment: Path) -> Iterator[Path]:
        return iter([self._path]) if experiment == self._path.parent else _runs_below(experiment)

    def _note_rest(self, experiment: Path, models: Mapping[str, LoggedModel]) -> None:
        homeless = sum(1 for model in models.values() if not model.run_id)
        if homeless:
            self._lost.append(f"{homeless:,} models that no run here has logged are not imported")
        traces = len(_folders(experiment / _TRACES))
        if traces:
            self._lost.append(f"{traces:,} traces are not imported")


def _read(path: Path, max_bytes: int) -> bytes:
    """Read a small file. Raises Damaged for a link, a device, or one that is larger than that."""
    with opened(path) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise Damaged(path, f"it is larger than {max_bytes:,} bytes")
    return data


def _meta(folder: Path) -> dict[str, Any]:
    return parse_yaml_object(folder / META, _read(folder / META, _MAX_META_BYTES))


def _began(folder: Path, meta: Mapping[str, Any]) -> datetime:
    return time_of(meta.get("start_time")) or datetime.fromtimestamp(folder.stat().st_mtime, tz=timezone.utc)


def _experiment(folder: Path, notes: Notes) -> Experiment:
    meta: dict[str, Any] = {}
    if not (folder / META).is_file():
        notes.add(f"experiment {folder.name}: its {META} is missing, and its id became its name")
    with notes.of(f"experiment {folder.name}: its id became its name", Damaged):
        meta = _meta(folder) if (folder / META).is_file() else {}
    return Experiment(
        id=text_of(meta.get("experiment_id")) or folder.name,
        name=text_of(meta.get("name")) or folder.name,
        is_deleted=meta.get("lifecycle_stage") == "deleted" or folder.parent.name == _TRASH,
        artifact_location=text_of(meta.get("artifact_location")),
        description=_values(folder / "tags", notes).get("mlflow.note.content", ""),
    )


def _run(folder: Path, experiment: Experiment, models: Mapping[str, LoggedModel]) -> Run:
    notes = Notes()
    meta: dict[str, Any] = {}
    if not (folder / META).is_file():
        notes.add(f"its {META} is missing: status and times are lost")
    with notes.of(f"its {META} cannot be read, and status and times are lost", Damaged):
        meta = _meta(folder) if (folder / META).is_file() else {}
    run_id = text_of(meta.get("run_id")) or text_of(meta.get("run_uuid")) or folder.name
    if not _RUN_ID.match(run_id):
        raise Damaged(folder / META, f"it has no id that is one: {run_id[:100]!r}")
    status = text_of(meta.get("status"))
    outputs = {Path(path).name: Path(path) for path in _folders(folder / "outputs")}
    made = (model for model in models.values() if model.run_id == run_id or model.id in outputs)
    return Run(
        id=run_id,
        experiment=experiment,
        points=lambda notes: _points(folder / "metrics", notes),
        name=text_of(meta.get("run_name")) or text_of(meta.get("name")),
        status=STATUSES.get(status, status),
        started=time_of(meta.get("start_time")),
        ended=time_of(meta.get("end_time")),
        user=text_of(meta.get("user_id")),
        is_deleted=meta.get("lifecycle_stage") == "deleted",
        artifact_uri=text_of(meta.get("artifact_uri")),
        folder=_own_artifacts(folder, notes),
        source_name=text_of(meta.get("source_name")),
        entry_point=text_of(meta.get("entry_point_name")),
        source_version=text_of(meta.get("source_version")),
        tags=_values(folder / "tags", notes),
        params=_values(folder / "params", notes),
        datasets=tuple(_datasets(folder, notes)),
        output_models=tuple(replace(model, step=_step(outputs.get(model.id), notes)) for model in made),
        input_models=tuple(_input_models(folder, models, notes)),
        notes=notes,
        began=_began(folder, meta),
    )


def _step(link: Path | None, notes: Notes) -> int | None:
    """Return the step that a run has logged a model at; MLflow's 0 is none."""
    step = None
    if link is not None:
        with notes.of("the step of a model is lost", Damaged):
            step = _meta(link).get("step")
    return step if type(step) is int and 0 < step <= MAX_STEP else None


def _own_artifacts(run: Path, notes: Notes) -> Path | None:
    """Return the folder of artifacts in that of a run, unless it is a link, or holds nothing."""
    folder = run / "artifacts"
    if folder.is_symlink():
        notes.add("artifacts is a link, and was not followed")
        return None
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def _files(folder: Path, notes: Notes) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder by their names in it, in order; links and what is no file are noted."""
    if folder.is_symlink():
        notes.add(f"{folder.name} is a link, and was not followed")
        return
    if not folder.is_dir():
        return
    count = 0
    for parent, folders, names in os.walk(folder):
        folders.sort()
        inside = os.path.relpath(parent, folder)
        prefix = "" if inside == "." else f"{inside}/"
        if inside.count(os.sep) > _MAX_DEPTH:
            folders.clear()
        for name in sorted(names):
            count += 1
            if count > _MAX_NAMES:
                notes.add(f"{folder.name} holds more than {_MAX_NAMES:,} files, and the rest was left out")
                return
            full = (prefix + name).replace(os.sep, "/")
            yield spelled(full), Path(parent, name)


def _values(folder: Path, notes: Notes) -> dict[str, str]:
    """Return the texts of a folder of files by their names. MLflow's name `a/b` is a file b in a folder a."""
    found = {}
    left = _MAX_VALUES_BYTES
    for name, path in _files(folder, notes):
        with notes.of(f"{folder.name} {name!r} is lost", Damaged):
            found[name] = _read(path, min(left, _MAX_VALUE_BYTES)).decode("utf-8", "backslashreplace")
            left -= len(found[name])
    return found


def _points(folder: Path, notes: Notes) -> Iterator[Point]:
    for name, path in _files(folder, notes):
        with notes.of(f"metric {name!r} is lost", Damaged):
            for line in _lines(path):
                point = _point(name, line) if line is not None else None
                if point is not None:
                    yield point
                elif line != b"":
                    notes.add(f"a line of metric {name!r} cannot be read")


def _lines(path: Path) -> Iterator[bytes | None]:
    """Yield a file's lines with their ends; None for one that is longer than any of MLflow's."""
    with opened(path) as stream:
        is_inside = False
        while line := stream.readline(_MAX_LINE_BYTES):
            is_whole = line.endswith(b"\n")
            if len(line) == _MAX_LINE_BYTES and not is_whole:
                if not is_inside:
                    yield None
                is_inside = True
            elif is_inside:
                is_inside = not is_whole
            else:
                yield line


def _point(metric: str, line: bytes) -> Point | None:
    """Read `time value [step [dataset digest]]`. A line without an end was being written: no number in it is sure."""
    parts = line.split()
    if not line.endswith(b"\n") or len(parts) not in (2, 3, 5):
        return None
    try:
        time_ms, value, step = int(parts[0]), float(parts[1]), int(parts[2]) if len(parts) > 2 else 0
    except ValueError:
        return None
    return Point(metric, time_ms, value, step) if is_time(time_ms) and abs(step) <= MAX_STEP else None


def _datasets(run: Path, notes: Notes) -> Iterator[Dataset]:
    for path in map(Path, _folders(run / "inputs")):
        with notes.of("an input is lost", Damaged):
            link = _meta(path)
            if link.get("source_type") != "DATASET":
                continue
            tags = link.get("tags")
            home = run.parent / _DATASETS / Path(text_of(link.get("source_id")) or "?").name
            said = _meta(home)
            yield Dataset(
                name=text_of(said.get("name")) or "dataset",
                digest=text_of(said.get("digest")),
                source_type=text_of(said.get("source_type")),
                source=text_of(said.get("source")),
                schema=text_of(said.get("schema")),
                profile=text_of(said.get("profile")),
                context=text_of(tags.get("mlflow.data.context")) if isinstance(tags, dict) else "",
            )


def _input_models(run: Path, models: Mapping[str, LoggedModel], notes: Notes) -> Iterator[LoggedModel]:
    for path in map(Path, _folders(run / "inputs")):
        with notes.of("an input is lost", Damaged):
            link = _meta(path)
            model_id = text_of(link.get("destination_id"))
            if link.get("destination_type") == "MODEL_INPUT":
                yield models.get(model_id) or LoggedModel(id=model_id, name=model_id or "model")


def _models(experiment: Path, run_ids: set[str]) -> dict[str, LoggedModel]:
    """Return the models of an experiment by their ids; the run of one that is not among these is not known."""
    found = {}
    for path in map(Path, _folders(experiment / _MODELS)):
        notes = Notes()
        meta: dict[str, Any] = {}
        with notes.of("", Damaged):
            meta = _meta(path)
        run_id = text_of(meta.get("source_run_id"))
        found[path.name] = LoggedModel(
            id=path.name,
            name=text_of(meta.get("name")) or path.name,
            run_id=run_id if run_id in run_ids else "",
            location=text_of(meta.get("artifact_location")) or str(path / "artifacts"),
            type=text_of(meta.get("model_type")),
            created=time_of(meta.get("creation_timestamp")),
            is_deleted=meta.get("lifecycle_stage") == "deleted",
            params=_values(path / "params", notes),
            tags=_values(path / "tags", notes),
        )
    return found
