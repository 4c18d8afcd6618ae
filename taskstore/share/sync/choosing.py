"""Which tasks are meant: by name, by project, by what they hold. Of a remote's only those that differ are read."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.errors import Ambiguous, BadValue, Damaged, NotFound
from ...core.names import project_parts
from ...disk.layout import MODELS, PARAMS, RECORD, SCRIPT, SUMMARY
from ...disk.text import MAX_RECORD_BYTES
from ...schema import codec
from ...schema.record import ParamsRecord, SummaryRecord, TaskRecord
from ...store import places, projects, query
from ...store.store import Store
from ..merging import TaskState, records_of
from ..source import Source
from .manifest import Manifest, joined

_MIN_PREFIX = 4


@dataclass(frozen=True)
class Choice:
    """What a person has asked for; every condition that was given must hold."""

    references: Sequence[str] = ()
    project: str | None = None
    where: query.Filter | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing was asked for, which means all."""
        return not self.references and self.project is None and self.where is None


def in_store(store: Store, choice: Choice) -> set[str]:
    """Return the ids of the tasks of a store that are meant. Raises NotFound, Ambiguous."""
    if choice.project is not None:
        projects.find(store, choice.project)
    chosen = {places.resolve(store, reference).id for reference in choice.references}
    if choice.project is None and choice.where is None:
        return chosen
    wanted = query.Query(project=choice.project, where=choice.where, with_archived=True)
    found = {row.id for row in query.find(store, wanted).rows}
    return found & chosen if choice.references else found


def in_manifest(told: Manifest, references: Sequence[str], project: str | None, address: str) -> set[str]:
    """Return the ids of the tasks that a manifest names and that are meant. Raises NotFound, Ambiguous."""
    if project is not None:
        project_parts(project)
    alive = {task_id: entry for task_id, entry in told.items() if not entry.is_trashed}
    within = {
        task_id
        for task_id, entry in alive.items()
        if project is None or entry.project == project or entry.project.startswith(f"{project}/")
    }
    if project is not None and not within:
        raise NotFound("project", project, f"{address} has no tasks in one of that name")
    return {_resolved(alive, reference, address) for reference in references} & within if references else within


def _resolved(told: Manifest, reference: str, address: str) -> str:
    reference = reference.strip()
    if not reference:
        raise BadValue("no task given; name one by id, id prefix, project/name or @last")
    if reference == "@last" and told:
        return max(told)
    low = reference.lower()
    found = [task_id for task_id in told if len(low) >= _MIN_PREFIX and task_id.startswith(low)]
    found = found or [task_id for task_id, entry in told.items() if f"{entry.project}/{entry.name}" == reference]
    if not found:
        raise NotFound(
            "task", reference, f"not at {address}; `taskstore pull {address} --dry-run` lists what is new there"
        )
    if len(found) > 1:
        found.sort()
        raise Ambiguous("task", reference, [f"{each}  {told[each].project}/{told[each].name}" for each in found[:20]])
    return found[0]


def matches(state: TaskState, project: str, files: Source, where: query.Filter) -> bool:
    """Tell whether a task that is elsewhere is meant, by its state; of its files only a summary is read."""
    with TemporaryDirectory(prefix="taskstore-") as folder:
        home = Path(folder, state.id)
        home.mkdir()
        records = records_of(state)
        for name in (MODELS, SCRIPT):
            if name in records:
                (home / name).write_bytes(records[name])  # read only where the condition asks for it
        summary = _summary(files)
        row = query.Row(
            codec.decode(TaskRecord, records[RECORD], Path(state.id, RECORD)),
            project,
            Path(folder),
            codec.decode(ParamsRecord, records[PARAMS], Path(PARAMS)).hyperparams if PARAMS in records else {},
            summary.last_metrics,
            summary.last_iteration,
        )
        return where.matches(row)


def _summary(files: Source) -> SummaryRecord:
    with contextlib.suppress(FileNotFoundError, Damaged):
        return codec.decode(SummaryRecord, joined(files.chunks(SUMMARY), SUMMARY, MAX_RECORD_BYTES), Path(SUMMARY))
    return SummaryRecord()
