"""A version's task and its list of files, and which version comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from .. import storage
from ..core.errors import Damaged, NotFound
from ..disk.layout import TaskPaths
from ..finding import default_store
from ..schema.dataset import DatasetState
from ..schema.record import TaskRecord
from ..sections import dataset as section
from ..sections.artifacts import Artifacts
from ..store import tasks
from ..store.query import Row
from ..task import Task

SYSTEM_TAG = "dataset"
STATE = "state"
VERSION = "version"
_FIRST_VERSION = "1.0.0"


def begun(name: str, project: str, tags: Sequence[str], description: str, state: DatasetState) -> Task:
    """Make the task of a version."""

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = "data_processing"
        record.system_tags = [SYSTEM_TAG]
        record.tags = list(dict.fromkeys(tags))
        record.comment = description
        record.parent = state.parents[0] if state.parents else None
        record.runtime = {VERSION: state.version}

    store = default_store()
    return Task(store, tasks.create(store, project, name, fill=fill).id)


def state_of(task: Task) -> DatasetState:
    """Read a version's list of files. Raises NotFound, Damaged."""
    kept = Artifacts(task._store, task.id).get(STATE)
    if kept is None:
        raise NotFound("dataset", task.id, "that task holds none; Dataset.find() has those that there are")
    try:
        return msgspec.convert(kept.get(), DatasetState)
    except msgspec.ValidationError as error:
        raise Damaged(task.path(), f"its list of files cannot be read: {error}") from None


def next_version(rows: Sequence[Row]) -> str:
    """Return the version after the last of some."""
    found = [section.numbers(row.task.runtime.get(VERSION, "")) for row in rows]
    known = sorted(number for number in found if number)
    return ".".join(map(str, (*known[-1][:-1], known[-1][-1] + 1))) if known else _FIRST_VERSION


def external(url: str, *, recursive: bool) -> Iterator[tuple[str, str, int]]:
    """Yield name, address and size of a file elsewhere, or of those below a folder there."""
    is_web = url.startswith(("http://", "https://"))
    if is_web or storage.exists_file(url):
        yield storage.name_of(url), url, 0 if is_web else storage.size_bytes(url)
        return
    for name, size in storage.files_of(url).items():
        if recursive or "/" not in name:
            yield name, storage.below(url, name), size
