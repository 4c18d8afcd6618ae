"""ClearML's offline sessions, folders and zips: a session becomes a task that has ended."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from ....core.errors import NotFound, Refused
from ....core.states import Status
from ....disk.layout import TaskPaths
from ....disk.members import Members
from ....schema.record import Change, TaskRecord
from ....store import events, settings
from ....store.progress import bar
from ....store.store import Store
from .. import base
from . import building, content, merging
from .building import KIND, Built
from .session import Session, is_session, text_of

_ENDS = {"failed": Status.FAILED, "stopped": Status.STOPPED}
_SPARE_BYTES = 16 << 20


class ClearmlOffline:
    """Imports one session at a time."""

    def recognises(self, path: Path) -> bool:
        """Tell whether a session is at a path, by the names of the files in it. Raises Damaged, Refused."""
        if not path.is_dir() and not (path.is_file() and zipfile.is_zipfile(path)):
            return False
        with Members(path) as members:
            return is_session(members)

    def runs(self, store: Store, path: Path, options: base.Options) -> Iterator[base.Imported | base.LeftOut]:
        """Import the one session at a path. Raises NotFound, Damaged, Refused, BadName, ReadOnly, Busy."""
        yield self._run(store, path, options)

    def _run(self, store: Store, path: Path, options: base.Options) -> base.Imported:
        if not path.exists():
            raise NotFound("file or folder", str(path))
        with Members(path) as members:
            session = Session(members, base.Notes())
            _check_room(store, members)
            with bar(f"import {path.name}", members.total_bytes) as progress:
                build = building.Build(store, session, settings.masker(store), options.iteration_offset, progress)
                if options.task_id is not None:
                    is_new = merging.merge(build, options.task_id)
                    return base.Imported(options.task_id, is_new, tuple(session.notes.texts()))
                return _created(build, options.project)


def _created(build: building.Build, project: str | None) -> base.Imported:
    """Make a task of the session, unless there is one."""
    store, session = build.store, build.session
    known = base.find(store, KIND, session.id)
    if known is not None:
        return base.Imported(known, is_new=False)
    began = session.began() or _written(session.members.path)

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        built = build.below(paths)
        content.write(paths, *built.records)
        if built.reports.ended is not None:
            events.refresh_summary(paths)
        content.fill_record(session, record)
        record.imported = [build.mark()]
        _fill_times(session, record, built, began)

    task_id = base.task_id_of(KIND, session.id, began)
    is_new = base.create(store, project or content.project_of(session), content.name_of(session), task_id, fill)
    return base.Imported(task_id, is_new, tuple(session.notes.texts()))


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.utc)


def _check_room(store: Store, members: Members) -> None:
    if members.total_bytes + _SPARE_BYTES > shutil.disk_usage(store.root).free:
        raise Refused(f"{members.path} holds {members.total_bytes:,} bytes, more than is free at {store.root}")


def _fill_times(session: Session, record: TaskRecord, built: Built, began: datetime) -> None:
    """Set status and times: a session records none but its events', and ClearML takes it for completed."""
    began = built.reports.began or began
    ended = max(built.reports.ended or began, began)
    status = _ENDS.get(text_of(session.document.get("status")), Status.COMPLETED)
    reason = text_of(session.document.get("status_reason")) or ("completed" if status is Status.COMPLETED else "")
    record.host = built.reports.host
    record.status = status
    record.status_reason = reason
    record.status_message = text_of(session.document.get("status_message"))
    record.created = record.started = began
    record.completed = record.status_changed = ended
    record.active_duration = (ended - began).total_seconds()
    record.last_update = record.imported[-1].time
    record.history = [
        Change(status=Status.CREATED, time=began),
        Change(status=Status.IN_PROGRESS, time=began),
        Change(status=status, time=ended, reason=reason),
    ]


IMPORTER = ClearmlOffline()
