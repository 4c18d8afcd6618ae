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
_DIGEST = re.compile(r"[0-9a-f]{16,128}\Z")


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One task: where it stands, what it is called, and the digest of its state. One that is deleted says so."""

    project: str
    name: str
    digest: str
    is_trashed: bool = False


Manifest = Mapping[str, Entry]
"""Entries by the ids of their tasks."""


class _File(msgspec.Struct):
    format: int
    tasks: dict[str, Entry]


class _Head(msgspec.Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    """Return a manifest as the file that a remote keeps; equal ones are equal bytes."""
    return msgspec.json.encode(_File(FORMAT, {task_id: manifest[task_id] for task_id in sorted(manifest)}))


def decode(data: bytes, where: str) -> dict[str, Entry]:
    """Return what a remote's manifest says. Raises RemoteError, with the place, for one that cannot be true."""
    try:
        found_format = msgspec.json.decode(data, type=_Head).format
        if found_format > FORMAT:
            raise RemoteError(
                f"{where} has format {found_format} and this taskstore reads up to {FORMAT}; "
                "upgrade it with `pip install --upgrade taskstore`"
            )
        tasks = msgspec.json.decode(data, type=_File).tasks
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteError(f"{where} is damaged: {error}; {_NEXT}") from None
    if len(tasks) > MAX_TASKS:
        raise RemoteError(f"{where} names more than {MAX_TASKS:,} tasks, and none of them was read; {_NEXT}")
    for task_id, entry in tasks.items():
        why = _fault(task_id, entry)
        if why:
            raise RemoteError(f"{where} is damaged: task {task_id[:40]!r}: {why}; {_NEXT}")
    return tasks


_NEXT = "whoever has the tasks can remove that file and push them again"


def _fault(task_id: str, entry: Entry) -> str:
    """Say what is wrong with an entry; nothing where it may be true."""
    if not is_id(task_id):
        return "that is no task id"
    if not _DIGEST.match(entry.digest):
        return "its digest is none"
    try:
        project_parts(entry.project)
    except BadName as error:
        return str(error)
    return "its project's name is too long" if len(entry.project) > MAX_NAME else ""


MAX_NAME = 4096


def joined(chunks: Iterable[bytes], where: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the pieces as one. Raises RemoteError as soon as they are larger than that."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > max_bytes:
            raise RemoteError(f"{where} is larger than {max_bytes >> 20} MiB, and was not read; {_NEXT}")
    return bytes(found)
