"""Models that a program saves and loads by its libraries' own functions: kept and recorded without being asked to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from ..core.ids import new_id
from ..disk.atomic import sha256_of
from ..disk.layout import TaskPaths
from ..schema.model import Model, ModelInput
from ..sections import models as section
from ..store import events, lineage, models, places, settings, tasks
from ..store.store import Store

_MAX_NAME = 4096


class _Signature(NamedTuple):
    """What a file is known again by without reading it."""

    inode: int
    mtime_ns: int
    size: int


class Checkpoints:
    """One process's saved and loaded models. Calls may come from any thread; what cannot be kept is noted."""

    def __init__(self, store: Store, task_id: str, note: Callable[[str, str], None]) -> None:
        self._store = store
        self._task_id = task_id
        self._note = note
        self._settings, _ = settings.load_sound(store)
        self._hashes: dict[str, tuple[_Signature, str]] = {}
        self._turn = threading.RLock()
        self._pid = os.getpid()

    def _in_turn(self) -> AbstractContextManager[object]:
        """Return the lock; a forked child has its own, because a thread that it does not have may hold this one."""
        if self._pid != os.getpid():
            self._turn, self._pid = threading.RLock(), os.getpid()
        return self._turn

    def saved(self, framework: str, path: Path, *, name: str) -> None:
        """Keep a file or folder as an output model: that of its path, or a new one. Raises OSError, TaskstoreError."""
        path = path.absolute()
        if self._is_within_store(path):
            return
        if not self._is_there(path):
            self._note("models", f"{path.name} was saved and is not there")
            return
        with self._in_turn():
            model = self._model_of(framework, path, name)
            if model is not None:
                self._keep(model, path)

    def _is_there(self, path: Path) -> bool:
        return path.exists() or bool(section.files_below(self._store, path))

    def _is_within_store(self, path: Path) -> bool:
        """What is read from the store, or by some chance written there, is a model's file already."""
        return path.resolve().is_relative_to(self._store.root.resolve())

    def _paths(self) -> TaskPaths:
        return places.locate(self._store, self._task_id)

    def _model_of(self, framework: str, path: Path, name: str) -> Model | None:
        made = models.read(self._paths()).output.values()
        source = str(path)
        known = next((item for item in reversed(made) if item.source == source and not item.ready), None)
        if known is not None:
            return known
        slot = path.stem or path.name
        full_name = name or f"{tasks.read(self._paths()).name} - {slot}"
        model = Model(
            id=new_id(),
            name=full_name[:_MAX_NAME],
            slot=name or slot,
            framework=framework,
            comment=f"saved as {path}",
            source=source,
        )
        return models.add(self._store, self._task_id, model)

    def _keep(self, model: Model, path: Path) -> None:
        iteration = events.read_summary(self._paths()).last_iteration
        configured = self._settings.models
        is_large = section.is_large(self._store, path, configured.auto_copy_mib)
        if is_large or not configured.auto_copy:
            if is_large:
                self._note(
                    "models",
                    f"{path.name} is larger than models.auto_copy_mib ({configured.auto_copy_mib:g}): "
                    "its path is recorded, and no copy kept",
                )
            section.register(
                self._store,
                self._task_id,
                model.id,
                path.as_uri(),
                iteration=iteration,
                source=str(path),
            )
            return
        files = section.parts_of(self._store, path)
        is_package = bool(files) or not path.is_file()
        kept = section.Kept(
            path=None if is_package else path,
            files=files,
            name=f"{path.name}.zip" if is_package else path.name,
            is_package=is_package,
            iteration=iteration,
            snapshots=configured.snapshots,
            source=str(path),
        )
        section.keep(
            self._store,
            self._task_id,
            model.id,
            kept,
            warn=lambda message: self._note("output", message),
        )

    def loaded(self, framework: str, path: Path, *, name: str) -> None:
        """Record a file or folder as an input model: the store's own, where it is known there, with who made it.

        Raises OSError, TaskstoreError.
        """
        path = path.absolute()
        if not self._is_there(path):
            return
        with self._in_turn():
            digest = self._digest(path)
            found = self._found(path, digest)
            record = models.read(self._paths())
            slot = name or (found.model.slot if found else "") or path.stem or path.name
            given = self._given(found, framework, path, digest, name or slot)
            if any(_is_same(item, given) for item in record.input.values()):
                return
            while slot in record.input:
                slot = _next(slot)
            given.slot = slot
            models.give(self._store, self._task_id, given)

    def _found(self, path: Path, digest: str) -> lineage.Found | None:
        """Look in the task itself first: what it has just saved is what it loads most."""
        record = models.read(self._paths())
        source = str(path)
        for model in reversed(record.output.values()):
            hashes = {model.hash, *(item.hash for item in model.snapshots)} - {""}
            if (digest and digest in hashes) or (model.source == source and not (digest and hashes)):
                return lineage.Found(self._paths(), model)
        return lineage.by_file(self._store, digest, source)

    def _given(self, found: lineage.Found | None, framework: str, path: Path, digest: str, name: str) -> ModelInput:
        if found is not None:
            return ModelInput(slot="", model=found.model.id, task=found.paths.id, source=str(path))
        about = Model(
            id=new_id(),
            name=name,
            framework=framework,
            comment=f"loaded by the program from {path}",
            uri=path.as_uri(),
            uri_size=path.stat().st_size if digest else 0,
            uri_hash=digest,
            created=self._store.clock.now(),
            last_update=self._store.clock.now(),
        )
        return ModelInput(slot="", model=about.id, source=str(path), about=about)

    def _digest(self, path: Path) -> str:
        """Return the SHA-256 of a file; nothing of a folder, or of what is too large to be read for this alone.

        Of what lies in a package that the store has unpacked, it is the package's.
        """
        unpacked = self._store.paths.extracted("").resolve()
        if path.resolve().is_relative_to(unpacked):
            return next(iter(path.resolve().relative_to(unpacked).parts), "")
        if not path.is_file() or section.is_large(self._store, path, self._settings.models.auto_copy_mib):
            return ""
        stat = path.stat()
        signature = _Signature(stat.st_ino, stat.st_mtime_ns, stat.st_size)
        known = self._hashes.get(str(path))
        if known is None or known[0] != signature:
            known = self._hashes[str(path)] = (signature, sha256_of(path))
        return known[1]


def _is_same(one: ModelInput, other: ModelInput) -> bool:
    if one.about is not None and other.about is not None:
        return one.source == other.source and one.about.uri_hash == other.about.uri_hash
    return one.model == other.model


def _next(slot: str) -> str:
    stem, mark, number = slot.rpartition(" #")
    return f"{stem} #{int(number) + 1}" if mark and number.isdigit() else f"{slot} #2"
