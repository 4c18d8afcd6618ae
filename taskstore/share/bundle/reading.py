"""Tasks out of a bundle and into a store: each whole or not at all, and one that is there already is merged."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import NotFound, Refused, TaskstoreError
from ...schema.record import ProjectRecord
from ...store import places, projects
from ...store.progress import bar
from ...store.store import Store
from ..merging import Origin, Outcome, bring_in, read_state
from .contents import Contents, Held

_SPARE_BYTES = 16 << 20
_MAX_DESCRIPTION_CHARS = 65_536
NEW = "new"


@dataclass(frozen=True)
class Brought:
    """What has become of one task of a bundle: `outcome`, or the error for which it is as it was before."""

    task_id: str
    outcome: Outcome | None = None
    error: TaskstoreError | None = None


def read(store: Store, path: Path, *, into: str | None = None) -> Iterator[Brought]:
    """Bring in the tasks of a zip, an unpacked one, a store's folder or that of a single task, one after the other.

    They keep their ids and their projects; `into` puts those that are new into another one. What is wrong with the
    whole raises before any task comes in: NotFound, Damaged with the name of the entry, Refused, TooNew. What is wrong
    with a task is its error, and the others come in.
    """
    if not path.exists():
        raise NotFound("file or folder", str(path))
    with Contents(path) as contents:
        _check(store, contents, into)
        total_bytes = sum(sum(held.sizes.values()) for held in contents.tasks)
        with bar(f"import {path.name}", total_bytes) as progress:
            for held in contents.tasks:
                yield _brought(store, contents, held, into)
                progress(sum(held.sizes.values()))


def _check(store: Store, contents: Contents, into: str | None) -> None:
    if not contents.tasks:
        raise NotFound("task", str(contents.path), "the bundle holds none")
    for held in contents.tasks:
        if held.project is None and into is None:
            raise Refused(f"nothing says which project task {held.id[:12]} of {contents.path} is of; --into names one")


def _check_room(store: Store, held: Held) -> None:
    size_bytes = sum(held.sizes.values())
    if size_bytes + _SPARE_BYTES <= shutil.disk_usage(store.root).free:
        return
    try:
        places.locate(store, held.id)
    except NotFound:
        raise Refused(f"task {held.id[:12]} has {size_bytes:,} bytes, more than is free at {store.root}") from None


def _brought(store: Store, contents: Contents, held: Held, into: str | None) -> Brought:
    source = contents.source(held)
    origin = Origin(store_id=contents.store_id, address=str(contents.path.absolute()))
    project = "/".join(held.project) if held.project else str(into)
    new_projects = _missing_projects(store, held) if into is None else []
    try:
        _check_room(store, held)
        state = read_state(source, held.id, project)
        outcome = bring_in(store, state, source, origin, project=into)
        if outcome.kind == NEW:
            _describe(store, contents, new_projects)
        return Brought(held.id, outcome)
    except TaskstoreError as error:
        return Brought(held.id, error=error)


def _missing_projects(store: Store, held: Held) -> list[tuple[str, ...]]:
    parts = held.project or ()
    chain = [parts[:count] for count in range(1, len(parts) + 1)]
    return [each for each in chain if not store.paths.project(each).is_dir()]


def _describe(store: Store, contents: Contents, new_projects: list[tuple[str, ...]]) -> None:
    """Take over what is said of projects that this import has made; where their files go is not theirs to say."""
    for parts in new_projects:
        said = contents.said_of(parts)
        if said.description or said.tags:
            projects.edit(store, "/".join(parts), functools.partial(_take_over, said))


def _take_over(said: ProjectRecord, record: ProjectRecord) -> None:
    record.description = record.description or said.description[:_MAX_DESCRIPTION_CHARS]
    record.tags = record.tags or list(said.tags)
