"""What a store or a remote says that it holds: of each task a line. That of a remote may say anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from ...core.errors import BadName, RemoteError
from ...core.ids import is_id
from ...core.names import project_parts

FORMAT = 1
MAX_BYTES = 256 << 20
MAX_TASKS = 1_000_000
MAX_NAME = 4096
NEXT = "whoever has the tasks can remove that file there and push them again"
_DIGEST = re.compile(r"[0-9a-f]{16,128}\Z")


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One task: where it stands, what it is called, and the digest of its state. One that is deleted says so."""

    project: str
    name: str
    digest: str
    is_trashed: bool = False


Manifest = Mapping[str, Entry]
"""Entries by the ids of their tasks."""


class Told(msgspec.Struct, omit_defaults=True):
    """What a remote's manifest says; `stale` are files that nothing names any more, and that are to be removed."""

    tasks: dict[str, Entry] = {}
    stale: list[str] = []


class _File(Told, kw_only=True):
    format: int


class _Head(msgspec.Struct):
    format: int


def encode(told: Told) -> bytes:
    """Return a manifest as the file that a remote keeps; equal ones are equal bytes."""
    tasks = {task_id: told.tasks[task_id] for task_id in sorted(told.tasks)}
    return msgspec.json.encode(_File(format=FORMAT, tasks=tasks, stale=sorted(set(told.stale))))


def decode(data: bytes, where: str) -> Told:
    """Return what a remote's manifest says. Raises RemoteError, with the place, for one that cannot be true."""
    try:
        found_format = msgspec.json.decode(data, type=_Head).format
        if found_format > FORMAT:
            raise RemoteError(
                f"{where} has format {found_format} and this taskstore reads up to {FORMAT}; "
                "upgrade it with `pip install --upgrade taskstore`"
            )
        told = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteError(f"{where} is damaged: {error}; {NEXT}") from None
    if len(told.tasks) > MAX_TASKS:
        raise RemoteError(f"{where} names more than {MAX_TASKS:,} tasks, and none of them was read; {NEXT}")
    for task_id, entry in told.tasks.items():
        why = _fault(task_id, entry)
        if why:
            raise RemoteError(f"{where} is damaged: task {task_id[:40]!r}: {why}; {NEXT}")
    if not all(name.startswith(("projects/", "sync/tasks/")) for name in told.stale):
        raise RemoteError(f"{where} is damaged: it wants files removed that are no task's; {NEXT}")
    return Told(told.tasks, told.stale)


def _fault(task_id: str, entry: Entry) -> str:
    """Say what is wrong with an entry; nothing where it may be true."""
    if not is_id(task_id):
        return "that is no task id"
    if not _DIGEST.match(entry.digest):
        return "its digest is none"
    if len(entry.project) > MAX_NAME or len(entry.name) > MAX_NAME:
        return "it has too long a name"
    if entry.is_trashed and not entry.project:
        return ""
    try:
        project_parts(entry.project)
    except BadName as error:
        return str(error)
    return ""


def joined(chunks: Iterable[bytes], where: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the pieces as one. Raises RemoteError as soon as they are larger than that."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > max_bytes:
            raise RemoteError(f"{where} is larger than {max_bytes >> 20} MiB, and was not read; {NEXT}")
    return bytes(found)
