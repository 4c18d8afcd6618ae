"""Writing what was planned into a task's folder, in the order after which a crash leaves nothing that lies."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...core.clock import from_text
from ...core.states import Status
from ...disk.atomic import chunks_of, make_folders, replace_record, sync_folder, write_all, write_blob
from ...disk.layout import CONFLICTS, EVENTS, RECORD, TaskPaths
from ...schema import codec
from ...schema.ancestry import shown
from ...schema.record import Moment
from ...store import blobs, events, liveness, tasks, tickets
from ...store.published import take_write_bits
from ...store.store import Store
from . import units
from .frozen import Frozen
from .planning import Plan
from .reading import Survey
from .spelling import ancestry, spelled
from .state import STATUS, TaskState

_TIDIED = ("files/artifacts", "files/models", CONFLICTS)


def fill(store: Store, paths: TaskPaths, planned: Plan, mark: dict[str, Any] | None, frozen: Frozen) -> None:
    """Write a new task into a folder that nobody sees yet. Raises Damaged where it is published and not as it was."""
    settle(store, planned, paths.home)
    for name, source in [*planned.blobs.items(), *planned.logs.items(), *planned.loose.items()]:
        _put(paths, name, source, planned)
    records = {**spelled(planned.joined, planned.values, {}), **frozen.records}
    frozen.check(planned, records, paths)
    if mark is not None:
        records[RECORD] = _marked(records[RECORD], mark)
    known = ancestry(planned.joined, _elsewhere(planned.joined, None), 0)
    replace_record(paths.ancestry, codec.encode(known))
    for name, data in records.items():
        replace_record(paths.home / name, data)
    if planned.joined.logs:
        if planned.summary:
            replace_record(paths.summary, planned.summary, is_durable=False)
        events.refresh_summary(paths)


def apply(
    store: Store,
    paths: TaskPaths,
    here: Survey,
    planned: Plan,
    mark: dict[str, Any] | None,
    frozen: Frozen | None = None,
) -> Applied:
    """Make a task that is here what was planned, but for its place; the caller holds its lock. Raises Damaged."""
    joined = planned.joined
    records = spelled(joined, planned.values, here.records)
    if frozen is not None:
        records |= frozen.records
        frozen.check(planned, {**here.records, **records}, paths)
    if mark is not None:
        records[RECORD] = _marked(records.get(RECORD, here.records[RECORD]), mark)
    for name, source in planned.blobs.items():
        _put(paths, name, source, planned)
    _apply_logs(paths, planned)
    if here.state.generation < joined.generation:
        _drop_logs(paths, here, planned)
    elsewhere = _elsewhere(joined, here)
    journal = ancestry(joined, elsewhere, here.known.rev, here.state)
    if any(entry.before is not None for entry in journal.units.values()):
        tasks.replace(paths.ancestry, codec.encode(journal))
    for name, source in planned.loose.items():
        _put(paths, name, source, planned)
    applied = Applied(store, here, joined, set(planned.kept), elsewhere, gone=planned.gone)
    last = records.pop(RECORD, None)
    for name, data in records.items():
        tasks.replace(paths.home / name, data)
    if frozen is not None and frozen.manifest is not None:
        applied.tidy(paths)  # all is as it was published, before it says that it is
    if last is not None:
        tasks.replace(paths.record, last)
    return applied


def settle(store: Store, planned: Plan, folder: Path) -> None:
    """Close the blobs that were fetched below a folder: read-only, and shared with others of the same bytes.

    It reads both, and is done before any lock is taken.
    """
    for name, source in planned.blobs.items():
        if source.is_relative_to(folder):
            blobs.settle(store, source, planned.kept[name].hash, planned.kept[name].size)


def _put(paths: TaskPaths, name: str, source: Path, planned: Plan) -> None:
    """Give a file its name: one of the task's own is copied, or linked where it never changes."""
    target = paths.home / name
    make_folders(target.parent, until=paths.home)
    is_own = source.is_relative_to(paths.home) and not source.parent.name.endswith(".tmp")
    if is_own and name in planned.blobs and not source.stat().st_mode & 0o222:
        target.unlink(missing_ok=True)
        target.hardlink_to(source)
    elif is_own:
        write_blob(target, chunks_of(source))
    else:
        os.replace(source, target)  # noqa: PTH105 - crash tests hook the os module's calls
    sync_folder(target.parent)


def _apply_logs(paths: TaskPaths, planned: Plan) -> None:
    own_first = sorted(planned.logs.items(), key=lambda item: not item[1].is_relative_to(paths.events))
    for name, source in own_first:
        _put(paths, name, source, planned)
    for name, tail in planned.tails.items():
        descriptor = os.open(paths.home / name, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        try:
            for chunk in chunks_of(tail):
                write_all(descriptor, chunk)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _drop_logs(paths: TaskPaths, here: Survey, planned: Plan) -> None:
    """Delete what a reset elsewhere has deleted: before the record that says so, as a reset does."""
    for name in [*here.state.logs, *here.state.samples]:
        if name not in planned.kept:
            (paths.home / name).unlink(missing_ok=True)


def _elsewhere(joined: TaskState, here: Survey | None) -> Moment | None:
    head = shown(joined.units[STATUS])
    if head.value.get("status") not in (Status.QUEUED.value, Status.IN_PROGRESS.value):
        return None
    changed = from_text(head.value["status_changed"]) if head.value.get("status_changed") else None
    if here is not None and shown(here.state.units[STATUS]).id == head.id and here.known.elsewhere != changed:
        return None
    return changed


def _marked(record: bytes, mark: Mapping[str, Any]) -> bytes:
    """Return a task's record with a mark of where it comes from: whoever had trusted it trusted another program."""
    value: dict[str, Any] = msgspec.json.decode(record)
    marks = [each for each in value.get(units.IMPORTED, []) if (each["kind"], each["id"]) != (mark["kind"], mark["id"])]
    value[units.IMPORTED] = [*marks, mark]
    execution = {key: part for key, part in (value.get("execution") or {}).items() if key != "trusted"}
    if "execution" in value:
        value["execution"] = execution
    return codec.encode_plain(value)


class Applied:
    """What is left to do when a task's records are written, and it is where it belongs. It may be done twice."""

    def __init__(
        self,
        store: Store,
        here: Survey,
        joined: TaskState,
        kept: set[str],
        elsewhere: Moment | None = None,
        *,
        gone: Iterable[str] = (),
    ) -> None:
        self._store = store
        self._here = here
        self._joined = joined
        self._kept = kept
        self._gone = gone
        self._elsewhere = elsewhere if elsewhere is not None else _elsewhere(joined, here)

    def finish(self, paths: TaskPaths) -> None:
        """Clear up, and write down what is known now."""
        self.tidy(paths)
        record = tasks.read(paths)
        if self._elsewhere is not None and not liveness.is_held(self._store, paths, record):
            paths.beacon.unlink(missing_ok=True)
        tickets.prune(self._store, record, is_elsewhere=self._elsewhere is not None)
        if record.status is Status.PUBLISHED:
            take_write_bits(paths)
        with tasks.writable(paths):
            known = ancestry(self._joined, self._elsewhere, self._here.known.rev + 1)
            tasks.replace(paths.ancestry, codec.encode(known))

    def tidy(self, paths: TaskPaths) -> None:
        """Delete what no record names any longer, and sum up the logs."""
        doomed = {name for name in self._here.files if not name.startswith((f"{EVENTS}/", "files/media/"))}
        doomed.update(self._gone)
        for folder in _TIDIED:
            below = (Path(root) / name for root, _, names in os.walk(paths.home / folder) for name in names)
            doomed.update(path.relative_to(paths.home).as_posix() for path in below)
        for name in sorted(doomed - self._kept):
            path = paths.home / name
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, paths.home)
        if self._joined.logs:
            events.refresh_summary(paths)
        else:
            paths.summary.unlink(missing_ok=True)


def _remove_empty(folder: Path, home: Path) -> None:
    while folder != home and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
