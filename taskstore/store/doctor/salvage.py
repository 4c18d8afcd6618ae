"""Salvage: as much of a damaged record as can still be read, made whole again with what is known otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ...core.clock import Clock
from ...core.errors import Damaged
from ...core.ids import time_of
from ...core.names import decode, encode
from ...core.states import Status
from ...disk.lock import LockKind
from ...disk.text import parse_yaml_object
from ...schema.record import FORMAT, Change, ProjectRecord, StoreRecord, TaskRecord

T = TypeVar("T", bound=msgspec.Struct)
REASON = "recovered by doctor"
_MAX_CUTS = 60
_MAX_DEPTH = 50
_MAX_BYTES = 16 << 20
_ERROR_BYTE = re.compile(r"\(byte (\d+)\)")


def task_record(data: bytes, task_id: str, *, is_frozen: bool, clock: Clock) -> TaskRecord:
    """Rebuild a task's record. What cannot be read is: failed (published where its files are frozen), made at its id's
    time, and named by its id."""
    now = clock.now()
    status = Status.PUBLISHED if is_frozen else Status.FAILED
    defaults: dict[str, object] = {
        "id": task_id,
        "rev": 1,
        "name": f"recovered {task_id}",
        "type": "training",
        "status": status.value,
        "created": time_of(task_id),
    }
    record = _merged(TaskRecord, defaults, readable(data))
    record.id = task_id
    record.status_reason = REASON
    record.status_changed = record.last_update = now
    record.history = [*record.history, Change(status=record.status, time=now, reason=REASON)]
    return record


def part(kind: type[T], data: bytes) -> T:
    """Rebuild a record all of whose fields have defaults."""
    return _merged(kind, {}, readable(data))


def store_record(data: bytes, new_id: str, *, has_lock_file: bool) -> StoreRecord:
    """Rebuild a store's record.

    How the store locks is seen from what locking leaves behind: flock a lock file in the root, lease a folder.
    """
    locks = LockKind.FLOCK if has_lock_file else LockKind.LEASE
    defaults: dict[str, object] = {"format": FORMAT, "id": new_id, "locks": locks.value}
    record = _merged(StoreRecord, defaults, readable(data))
    if record.locks not in {kind.value for kind in LockKind}:
        record.locks = locks.value
    return record


def project_record(data: bytes, component: str) -> ProjectRecord:
    """Rebuild a project's record from the lines that can still be read."""
    lines = data.splitlines(keepends=True)
    for count in range(len(lines), 0, -1):
        try:
            found = parse_yaml_object(Path(component), b"".join(lines[:count]))
        except Damaged:
            continue
        record = _merged(ProjectRecord, {}, found)
        break
    else:
        record = ProjectRecord()
    own = decode(component)
    if own is not None:
        record.name = own
    elif record.name and encode(record.name) != component:
        record.name = ""
    return record


def _merged(kind: type[T], defaults: dict[str, object], found: dict[str, object]) -> T:
    """Take each field of `found` that is valid by itself."""
    good = dict(defaults)
    for key, value in found.items():
        try:
            msgspec.convert({**defaults, key: value}, kind)
        except (msgspec.ValidationError, RecursionError):
            continue
        good[key] = value
    return msgspec.convert(good, kind)


def readable(data: bytes) -> dict[str, object]:
    """Return the longest beginning of a JSON object that parses once its brackets are closed."""
    value, end = _parse(data)
    if value is not None:
        return value
    overall, at_top = _cuts(data[: min(end, _MAX_BYTES)])
    for position, closers in [*reversed(overall[-_MAX_CUTS:]), *reversed(at_top[-_MAX_CUTS:])]:
        value, _ = _parse(data[:position] + closers)
        if value is not None:
            return value
    return {}


def _parse(data: bytes) -> tuple[dict[str, object] | None, int]:
    """Return the object, or None and the byte up to which the text made sense."""
    try:
        value: Any = msgspec.json.decode(data)
    except RecursionError:
        return None, len(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        where = _ERROR_BYTE.search(str(error))
        return None, int(where[1]) if where else len(data)
    return (value, 0) if isinstance(value, dict) else (None, 0)


def _cuts(data: bytes) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """Return where an element ended, with the brackets then open to close: everywhere, and in the outermost object."""
    overall: list[tuple[int, bytes]] = []
    at_top: list[tuple[int, bytes]] = []
    open_brackets = bytearray()
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', data, re.DOTALL):
        char = token[0][:1]
        if char in b"{[":
            if len(open_brackets) > _MAX_DEPTH:
                break
            open_brackets.append(0x7D if char == b"{" else 0x5D)
        elif char in b"}]" and open_brackets:
            open_brackets.pop()
            if len(open_brackets) < _MAX_DEPTH:
                overall.append((token.end(), bytes(reversed(open_brackets))))
        elif char == b"," and len(open_brackets) < _MAX_DEPTH:
            overall.append((token.start(), bytes(reversed(open_brackets))))
            if len(open_brackets) == 1:
                at_top.append(overall[-1])
    return overall, at_top
