"""A state as JSON, for stores that only exchange files. Who wrote it is not trusted."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ...core.errors import Damaged, Refused
from ...core.ids import is_id
from ...core.names import project_parts
from ...disk.layout import ANCESTRY, MANIFEST
from ...schema.ancestry import shown
from .reading import FOLDERS, LOOSE, RECORDS, check_name, check_reference, files_of_value, is_shared
from .spelling import shown_values, spelled
from .state import PROJECT, STATUS, TRASHED, File, TaskState
from .units import is_hash

_MAX_DEPTH = 50
_DECODER = msgspec.json.Decoder(TaskState)


def encode_state(state: TaskState) -> bytes:
    """Spell a state as JSON; `decode_state` reads it."""
    return msgspec.json.encode(state)


def decode_state(data: bytes, path: Path) -> TaskState:
    """Read a state that somebody else has written. Raises Damaged naming `path` where it is none."""
    try:
        state = _DECODER.decode(data)
        check_state(state)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Damaged(path, str(error)) from None
    except (Damaged, Refused, LookupError, TypeError, AttributeError, ValueError) as error:
        raise Damaged(path, f"it is no state of a task: {getattr(error, 'why', error)}") from None
    return state


def check_state(state: TaskState) -> None:
    """Raise an error where a state could not have been read from a task."""
    if not is_id(state.id) or not all(unit.heads for unit in state.units.values()):
        raise ValueError("it has no id, or a part of it no version")
    for name, file in state.logs.items():
        check_name(name, state.id)
        if not name.startswith("events/") or not is_hash(file.hash) or file.size < 0:
            raise ValueError(f"{name!r} is no log")
    for name, size in state.samples.items():
        check_name(name, state.id)
        if not name.startswith("files/media/") or size < 0:
            raise ValueError(f"{name!r} is no debug sample")
    if set(state.units) == {TRASHED}:
        return
    project_parts(shown(state.units[PROJECT]).value)
    shown(state.units[STATUS]).value["status"]
    for name, unit in state.units.items():
        for version in unit.heads:
            for path, file in files_of_value(name, version.value):
                _check_file(name, path, file, state.id)
    spelled(state, shown_values(state), {})


def _check_file(unit: str, path: str, file: File, task_id: str) -> None:
    if not unit.startswith(LOOSE):
        check_reference({"path": path, "hash": file.hash, "size": file.size}, task_id)
        return
    check_name(path, task_id)
    is_taken = path in RECORDS or path in (ANCESTRY, MANIFEST) or path.startswith(FOLDERS) or not is_shared(path)
    if is_taken or not is_hash(file.hash) or file.size < 0 or path.count("/") > _MAX_DEPTH:
        raise ValueError(f"{path!r} is no file of its own")
