"""TensorBoard's event files: a file, a run's folder, or a folder of many runs; a run becomes a task that has ended.

Titles, series and iterations are named as the capture of a live run names them (core/summaries).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ...core.errors import Damaged, NotFound
from ...store.store import Store
from ..foreign import entering
from ..foreign import events as files
from ..foreign.draft import Draft
from ..foreign.logs import moment_of, text_of
from ..foreign.summaries import take
from . import base

KIND = "tensorboard"


class TensorBoard:
    """Imports the runs of event files."""

    def recognises(self, path: Path) -> bool:
        """Tell by the names of files whether there are event files at a path."""
        if not path.is_dir():
            return files.is_event_file(path)
        return any(files.is_event_file(each) for each in path.rglob("*tfevents*"))

    def runs(self, store: Store, path: Path, options: base.Options) -> Iterator[base.Imported | base.LeftOut]:
        """Import the runs at a path. Raises NotFound, Refused, ReadOnly."""
        if not path.exists():
            raise NotFound("file or folder", str(path))
        whole = path.absolute()
        notes = base.Notes()
        found = files.runs(whole, notes.add)
        if not found:
            raise Damaged(path, "; ".join(["it holds no event file with a run in it", *notes.texts()]))
        yield from map(base.LeftOut, notes.texts())
        top = whole if whole.is_dir() else whole.parent
        yield from entering.bring_all(store, (_read(run, top) for run in found), options, total=len(found))


def _read(run: files.EventRun, top: Path) -> EventsRun | base.LeftOut:
    if moment_of(run.began) is None:
        return base.LeftOut(text_of(str(run.folder)), Damaged(run.folder, "its events have no time that can be"))
    return EventsRun(run, top)


class EventsRun:
    """One run of event files. Its name is its folder's below the one that was given, whose name is the project's."""

    kind = KIND

    def __init__(self, run: files.EventRun, top: Path) -> None:
        below = run.folder.relative_to(top).as_posix()
        is_top = below == "."
        self._run = run
        self.source_id = run.source_id
        self.source = "" if is_top else text_of(below)
        self.path = run.folder
        self.name = top.name if is_top else below
        self.project = (top.parent if is_top else top).name or "imported"
        began = moment_of(run.began)
        assert began is not None  # noqa: S101 - its caller has looked
        self.began: datetime = began
        self.size_bytes = sum(file.size_bytes for file in run.files)
        sizes = [(self._part(file), file.size_bytes) for file in run.files]
        self.state = hashlib.sha256(json.dumps(sizes).encode()).hexdigest()[:32]
        self.notes = base.Notes()

    def _part(self, file: files.EventFile) -> str:
        return file.path.relative_to(self.path).as_posix()

    def fill(self, draft: Draft) -> None:
        """Write what the run's files hold."""
        take(draft, [(self._part(file), file) for file in self._run.files], self.path.name)


IMPORTER = TensorBoard()
