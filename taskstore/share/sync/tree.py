"""Where a task's files are at a remote, which has the tree of a store, and in which order they go there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ...core.errors import Damaged
from ...core.names import decode, project_parts
from ...disk.layout import ANCESTRY, EVENTS, PROJECT, RECORD, SUMMARY, StorePaths
from ...disk.layout import MANIFEST as TASK_MANIFEST
from ...disk.text import format_yaml
from ..merging import File, TaskState, decode_state, encode_state, is_shared, is_trashed, shown
from ..merging.reading import MAX_FILES, RECORDS, check_name
from ..merging.units import is_hash
from .manifest import Entry
from .peer import There

_ROOT = StorePaths(Path())
UNHASHED = (ANCESTRY, TASK_MANIFEST, SUMMARY)
"""What goes along with a task's records, and is no part of its state; the last is derived, for those who list tasks."""
MANIFEST = "sync/manifest.json"
STATES = "sync/tasks"


def state_name(task_id: str, digest: str) -> str:
    """Return where a state is kept."""
    return f"{STATES}/{task_id}-{digest}.json"


def entry_of(state: TaskState, digest: str) -> Entry:
    """Return the line of a manifest for a state."""
    return Entry(_text(state, "project"), _text(state, "name"), digest, is_trashed(state))


def _text(state: TaskState, unit: str) -> str:
    found = state.units.get(unit)
    value = shown(found).value if found is not None else None
    return value if isinstance(value, str) else ""


def folder(state: TaskState) -> str:
    """Return where a task's files are."""
    return (_ROOT.project(project_parts(_text(state, "project"))) / state.id).as_posix()


def project_records(state: TaskState) -> dict[str, bytes]:
    """Return the record of each project above the task whose name its folder abbreviates."""
    parts = project_parts(_text(state, "project"))
    found = {}
    for count, part in enumerate(parts, 1):
        place = _ROOT.project(parts[:count])
        if decode(place.name) is None:
            found[f"{place.as_posix()}/{PROJECT}"] = format_yaml({"name": part})
    return found


def in_order(files: Iterable[str]) -> list[list[str]]:
    """Return the names of a task's files in groups: what a group names lies in one before it."""
    groups: list[list[str]] = [[], [], [], []]
    for name in sorted(files):
        if name.startswith(f"{EVENTS}/"):
            groups[1].append(name)
        elif name in RECORDS or name in UNHASHED:
            groups[3 if name == RECORD else 2].append(name)
        else:
            groups[0].append(name)
    return groups


class _Held(msgspec.Struct):
    state: msgspec.Raw
    files: dict[str, File]


def encode_state_file(there: There) -> bytes:
    """Spell the file that says what a remote has of a task."""
    return msgspec.json.encode(_Held(msgspec.Raw(encode_state(there.state)), dict(sorted(there.files.items()))))


def decode_state_file(data: bytes, path: Path) -> There:
    """Read what a remote says that it has of a task; it may say anything. Raises Damaged naming `path`."""
    try:
        held = msgspec.json.decode(data, type=_Held)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Damaged(path, str(error)) from None
    if len(held.files) > MAX_FILES:
        raise Damaged(path, f"it names more than {MAX_FILES:,} files")
    for name, file in held.files.items():
        check_name(name, path.name)
        if not (is_shared(name) or name in UNHASHED) or file.size < 0 or not (is_hash(file.hash) or not file.hash):
            raise Damaged(path, f"it names a file that is none of a task: {name[:200]!r}")
    return There(decode_state(bytes(held.state), path), held.files)
