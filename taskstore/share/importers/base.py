"""What an importer is, and what all share: a task's id made of what the run was called, so that a run comes in once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ...core.errors import Conflict, Refused
from ...disk.layout import TaskPaths
from ...schema.record import Imported as Mark
from ...schema.record import TaskRecord
from ...store import places, tasks
from ...store.store import Store
from ..notes import Notes as Notes


class Importer(Protocol):
    """Reads one format."""

    def recognises(self, path: Path) -> bool:
        """Tell whether what is at a path is of this format, from a look at it."""
        ...

    def run(self, store: Store, path: Path, options: Options) -> Imported:
        """Make a task of what is at a path, whole or not at all; one that is there already is left as it is.

        Raises NotFound, Damaged where nothing can be made of it, Refused where it would harm, ReadOnly.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a run comes in: into which project (else its own), or into which task that it goes on with."""

    project: str | None = None
    task_id: str | None = None
    iteration_offset: int = 0


@dataclass(frozen=True)
class Imported:
    """The task that a run is in; whether this import has put it there; what of it could not be read."""

    task_id: str
    is_new: bool
    notes: tuple[str, ...] = ()


def task_id_of(kind: str, source_id: str, moment: datetime) -> str:
    """Return the id of the task for a run: a UUIDv7 of when it began, and of its name in place of chance."""
    return f"{max(0, int(moment.timestamp() * 1000)):012x}{_tail(kind, source_id)}"


def _tail(kind: str, source_id: str) -> str:
    digest = hashlib.sha256(f"{kind}\0{source_id}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"7{digest[:3]}8{digest[3:18]}"


def find(store: Store, kind: str, source_id: str) -> str | None:
    """Return the task that a run was imported as, wherever it has been moved. Raises Refused for one in the trash."""
    tail = _tail(kind, source_id)
    found = next((task_id for _, task_id in places.walk(store, []) if task_id.endswith(tail)), None)
    if found is None:
        _check_trash(store, tail)
    return found


def _check_trash(store: Store, tail: str) -> None:
    names: Iterable[Path] = store.paths.trash.iterdir() if store.paths.trash.is_dir() else ()
    for home in names:
        if home.name.endswith(tail):
            short = home.name[:12]
            raise Refused(
                f"it was imported as task {short}, which is in the trash: `taskstore trash restore {short}` brings it "
                f"back, and after `taskstore trash purge {short}` it can be imported again"
            )


def create(store: Store, project: str, name: str, task_id: str, fill: Callable[[TaskPaths, TaskRecord], None]) -> bool:
    """Make the task, which appears whole; false where another import of the same run was first."""
    try:
        tasks.create(store, project, name, fill=fill, task_id=task_id)
    except Conflict:
        return False
    return True


def mark(store: Store, kind: str, source_id: str, path: Path, notes: Notes) -> Mark:
    """Return what a task's record says of where it comes from."""
    return Mark(
        kind=kind,
        id=source_id,
        path=str(path.absolute()),
        time=store.clock.now(),
        who=tasks.who(),
        notes=notes.texts(),
    )
