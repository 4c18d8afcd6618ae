"""MLflow's stores, files and SQLite: each run becomes a task, and gets later what it has logged since."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ....core.errors import Damaged, NotFound, ReadOnly, Refused, TaskstoreError
from ....schema.record import ProjectRecord
from ....store import projects, settings
from ....store.progress import counted
from ....store.store import Store
from ..base import Imported, Known, LeftOut, Options, several
from . import content, growing
from .building import KIND, Batch, create
from .database import Database, is_database
from .files import Roots
from .folders import Folders, is_store
from .runs import Experiment, Reader, Run

_FOLDER = "mlruns"
_DATABASE = "mlflow.db"
_ARTIFACTS = "mlartifacts"


class Mlflow:
    """Imports all runs at a path: a folder `mlruns`, one experiment or run in it, a database, or what holds these."""

    def recognises(self, path: Path) -> bool:
        """Tell whether runs are at a path, from a look at it. Raises Damaged, Refused."""
        if path.is_file():
            return is_database(path)
        return path.is_dir() and (is_store(path) or any(True for _ in _within(path)))

    def runs(self, store: Store, path: Path, options: Options) -> Iterator[Imported | LeftOut]:
        """Import the runs at a path, one after another. Raises NotFound, Damaged, Refused, ReadOnly, Busy."""
        if not path.exists():
            raise NotFound("file or folder", str(path))
        if options.task_id is not None:
            raise Refused("a run of MLflow's goes on in no other task: import it into one of its own")
        if path.is_dir() and not is_store(path):
            parts = list(_within(path))
            if not parts:
                raise Damaged(path, f"there is no {_FOLDER} of MLflow's in it, and no {_DATABASE}")
        elif path.is_dir() or path.is_file():
            parts = [path]
        else:
            raise Damaged(path, "it is a device or a pipe, and neither a database nor a folder")
        known, count = Known(store), 0
        for part in parts:
            for found in self._part(store, part, options, known):
                count += 1
                yield found
        if count == 0:
            yield LeftOut("there is no run in it")

    def _part(self, store: Store, path: Path, options: Options, known: Known) -> Iterator[Imported | LeftOut]:
        with contextlib.ExitStack() as stack:
            reader: Reader
            if path.is_file():
                reader = database = stack.enter_context(contextlib.closing(Database(path)))
                if not database.is_tracking():
                    raise Damaged(path, "it is no database of MLflow's: it has no tables of runs")
            else:
                reader = Folders(path)
            roots = _roots(path, options.files)
            batch = Batch(store, path, reader, roots, settings.masker(store), known)
            batch.project, batch.with_deleted = options.project, options.with_deleted
            yield from _imported(batch, reader, options)


def _imported(batch: Batch, reader: Reader, options: Options) -> Iterator[Imported | LeftOut]:
    with counted(f"import {batch.path.name}", reader.count()) as progress:
        runs = _once(reader.runs(with_deleted=options.with_deleted))
        with contextlib.closing(several(lambda run: _one(batch, run), runs)) as results:
            for found in results:
                progress(1)
                yield found
    for each in batch.described.values():
        _describe(batch, each)
    yield from (LeftOut(text) for text in reader.lost())
    for experiment, address in batch.without_files.items():
        if experiment not in batch.with_files:
            yield LeftOut(
                f"of experiment {experiment!r} no artifacts were found: MLflow has them at {address}; "
                "where they are elsewhere now, --files names the folder"
            )


def _once(runs: Iterable[Run | LeftOut]) -> Iterator[Run | LeftOut]:
    seen: set[str] = set()
    for run in runs:
        if isinstance(run, Run) and run.id in seen:
            yield LeftOut(f"run {run.id} is there twice, and the second was left out")
            continue
        if isinstance(run, Run):
            seen.add(run.id)
        yield run


def _one(batch: Batch, run: Run | LeftOut) -> Imported | LeftOut:
    """Import one run; what is wrong with it stops no other, but a store that cannot be written stops all."""
    if isinstance(run, LeftOut):
        return run
    try:
        known = batch.known.find(KIND, run.id)
    except Refused as error:  # it is in the trash, by somebody's wish
        return LeftOut(f"run {run.id}: {error}")
    try:
        if known is not None:
            return growing.grow(batch, run, known)
        batch.described.setdefault(run.experiment.id, run.experiment)
        return create(batch, run)
    except ReadOnly:
        raise
    except TaskstoreError as error:
        return LeftOut(f"run {run.id}", error)
    except OSError as error:
        place = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else batch.store.root
        if place.is_relative_to(batch.store.root):
            raise  # it is the store that fails
        return LeftOut(f"run {run.id}", Damaged(place, f"it went away, or cannot be read: {error.strerror}"))


def _describe(batch: Batch, experiment: Experiment) -> None:
    """Give a project the description of its experiment, where it has none."""
    text = experiment.description
    if batch.project is not None or not text:
        return

    def change(record: ProjectRecord) -> None:
        record.description = record.description or text

    with contextlib.suppress(TaskstoreError):  # it has been renamed or removed meanwhile
        projects.edit(batch.store, content.project_name(experiment), change)


def _within(folder: Path) -> Iterator[Path]:
    """Yield what MLflow leaves in the folder of a project: a database, and runs in files."""
    if (folder / _DATABASE).is_file() and is_database(folder / _DATABASE):
        yield folder / _DATABASE
    if (folder / _FOLDER).is_dir() and is_store(folder / _FOLDER):
        yield folder / _FOLDER


def _roots(path: Path, named: Path | None) -> Roots:
    """Return where files may be: beside the runs, in the folders that MLflow makes for them, and where was said."""
    folder = path.absolute().parent if path.is_file() else path.absolute()
    above = [folder, *folder.parents[:2]] if path.is_dir() else [folder]
    roots = [folder, *(each for each in above if os.path.basename(each) == _FOLDER)]  # noqa: PTH119 - of a path
    roots += [folder / name for name in (_FOLDER, _ARTIFACTS)]
    return Roots(*([named] if named is not None else []), *roots)


IMPORTER = Mlflow()
