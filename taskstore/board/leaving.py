"""Tasks that leave the store in a zip: what looks like a secret in them is said first, and let out, or masked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.secrets import Masker
from ..disk.layout import TaskPaths
from ..share import bundle, redacting
from ..share.bundle import Written
from ..share.scan import Finding, scan
from ..share.source import FolderSource
from ..store import settings
from ..store.store import Store


@dataclass(frozen=True)
class Found:
    """One place that looks like a secret, and the task that it is in."""

    task_id: str
    finding: Finding

    def __str__(self) -> str:
        return f"{self.task_id[:12]} {self.finding.file}, line {self.finding.line}: {self.finding.kind}"


def find(store: Store, task_ids: Sequence[str], *, without: Collection[str] = ()) -> list[Found]:
    """Return what looks like a secret in what would leave. Raises NotFound, Damaged."""
    masker_of = _Maskers(store)
    is_wanted = bundle.wanted(without)
    return [
        Found(task.id, finding)
        for task in bundle.homes_of(store, task_ids)
        for finding in scan(FolderSource(task.home, passes_links=True), masker_of(task), only=is_wanted).findings
    ]


def write(
    store: Store, task_ids: Sequence[str], path: Path, *, without: Collection[str] = (), is_masked: bool = False
) -> Written:
    """Zip tasks, with what looks like a secret masked or not. Raises as `bundle.write`."""
    if not is_masked:
        return bundle.write(store, task_ids, path, without=without)
    with redacting.redacted(store, bundle.homes_of(store, task_ids), _Maskers(store)) as (masked, _):
        return bundle.write(masked, task_ids, path, without=without)


class _Maskers:
    """The maskers of tasks: the settings of each project are read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Path, Masker] = {}

    def __call__(self, task: TaskPaths) -> Masker:
        project = task.home.parent
        if project not in self._known:
            self._known[project] = settings.masker(self._store, project=project)
        return self._known[project]
