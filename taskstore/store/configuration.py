"""A task's configuration objects: files that people may edit, and a record of what they are.

The file is the truth: a record that names a missing one says nothing, and a file that no record names (somebody put it
there) is an object by its own name. Hence no hash is kept. Both are changed under the task's lock, the file first.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..core.errors import BadName
from ..core.names import decode
from ..core.states import EDITABLE, Status
from ..disk.atomic import is_temporary, make_folders, replace_record
from ..disk.layout import TaskPaths
from ..disk.text import parse_json_object, read_bytes
from ..schema import codec
from ..schema.ancestry import unit_name
from ..schema.configuration import ConfigurationItem, ConfigurationRecord
from . import tasks
from .store import Store

MAX_NAME = 4096


@dataclass(frozen=True)
class Content:
    """A configuration object to store: its bytes, and what kind of text they are; `suffix` has no dot.

    `masked` are the names of what was masked in it.
    """

    data: bytes
    type: str
    suffix: str = ""
    description: str | None = None
    masked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """A configuration object that a task has; its bytes are those that the file holds when it is read."""

    name: str
    type: str
    description: str
    path: Path

    def read(self) -> bytes:
        """Return the bytes. Raises FileNotFoundError, Damaged."""
        return read_bytes(self.path)


def read_record(paths: TaskPaths) -> ConfigurationRecord:
    """Return what is said of the objects; nothing is an empty record. Raises Damaged."""
    try:
        return codec.decode(ConfigurationRecord, read_bytes(paths.configuration), paths.configuration)
    except FileNotFoundError:
        return ConfigurationRecord()


def read(paths: TaskPaths) -> dict[str, Stored]:
    """Return a task's configuration objects by name: those recorded first, then what else lies in the folder."""
    found = {}
    taken = set()
    for name, item in read_record(paths).configuration.items():
        path = file_of(paths, item)
        if path is not None and path.is_file():
            found[name] = Stored(name, item.type, item.description, path)
            taken.add(path.name)
    for path in sorted(paths.config.glob("*")):
        name = decode(path.stem) or path.stem
        if path.name not in taken and path.is_file() and not is_temporary(path.name) and _is_within(path, paths):
            found.setdefault(name, Stored(name, path.suffix[1:] or "file", "", path))
    return found


def file_of(paths: TaskPaths, item: ConfigurationItem) -> Path | None:
    """Return where an object's file is; None where the record names one that is not directly in the folder."""
    if not item.file or Path(item.file).name != item.file or "\0" in item.file or "\\" in item.file:
        return None
    path = paths.config / item.file
    return path if _is_within(path, paths) else None


def _is_within(path: Path, paths: TaskPaths) -> bool:
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        return path.resolve().is_relative_to(paths.home.resolve())
    return False


def check_name(name: object) -> None:
    """Raise BadName where an object cannot have this name."""
    if not isinstance(name, str) or not name or len(name) > MAX_NAME:
        raise BadName("configuration", str(name)[:100], f"it is no text of 1 to {MAX_NAME} characters")


def put(store: Store, task_id: str, name: str, content: Content, *, allowed: frozenset[Status] = EDITABLE) -> None:
    """Set one object, whole and durable; what had that name is replaced. Raises BadName, ReadOnly.

    Without a description it keeps the one that it had. Nothing is written where nothing changes.
    """
    check_name(name)

    def action(paths: TaskPaths) -> None:
        _check_open(paths, allowed)
        previous, record = _previous(paths)
        before = record.configuration.get(name)
        path = paths.config_file(name, content.suffix)
        described = content.description if content.description is not None else before.description if before else ""
        item = ConfigurationItem(name=name, type=content.type, description=described, file=path.name)
        if before is not None:
            _note(paths, store, previous, before, (item, content.data))
        if not path.is_file() or read_bytes(path) != content.data:
            make_folders(paths.config, until=paths.home)
            replace_record(path, content.data)
        if item == before:
            return
        record.configuration[name] = item
        _write(paths, record, previous)
        if before is not None and before.file != path.name:
            _remove(paths, before)

    tasks.under_lock(store, task_id, action)


def delete(store: Store, task_id: str, name: str, *, allowed: frozenset[Status] = EDITABLE) -> bool:
    """Take one object off a task, its file included; False where there is none. Raises ReadOnly."""

    def action(paths: TaskPaths) -> bool:
        _check_open(paths, allowed)
        found = read(paths).get(name)
        previous, record = _previous(paths)
        recorded = record.configuration.pop(name, None)
        if recorded is not None:
            _note(paths, store, previous, recorded, None)
            _write(paths, record, previous)
        if found is not None:
            found.path.unlink(missing_ok=True)
        left = read(paths).get(name)  # of a change that a crash has cut short
        if left is not None:
            left.path.unlink(missing_ok=True)
        return found is not None

    return tasks.under_lock(store, task_id, action)


def _note(
    paths: TaskPaths,
    store: Store,
    previous: bytes,
    before: ConfigurationItem,
    after: tuple[ConfigurationItem, bytes] | None,
) -> None:
    """Note which version of an object another one takes the place of, before it does."""
    raw = parse_json_object(paths.configuration, previous).get("configuration")
    item = raw.get(before.name) if isinstance(raw, dict) else None
    path = file_of(paths, before)
    if not isinstance(item, dict) or path is None or not path.is_file():
        return
    unit = unit_name("configuration", before.name)
    old = {unit: item, _file_unit(path, paths): _content(read_bytes(path))}
    new: dict[str, object] = {}
    if after is not None:
        unknown = {key: value for key, value in item.items() if key not in ConfigurationItem.__struct_fields__}
        new[unit] = {**msgspec.to_builtins(after[0]), **unknown}
        new[_file_unit(paths.config / after[0].file, paths)] = _content(after[1])
    tasks.note(paths, old, new, store)


def _file_unit(path: Path, paths: TaskPaths) -> str:
    return unit_name("file", path.relative_to(paths.home).as_posix())


def _content(data: bytes) -> dict[str, object]:
    return {"size": len(data), "hash": hashlib.sha256(data).hexdigest()}


def clear(paths: TaskPaths) -> None:
    """Take off all objects; the caller holds the task's lock."""
    paths.configuration.unlink(missing_ok=True)
    shutil.rmtree(paths.config, ignore_errors=True)


def _check_open(paths: TaskPaths, allowed: frozenset[Status]) -> None:
    owner = tasks.read(paths)
    if owner.status not in allowed:
        raise tasks.not_editable(owner, "configuration")


def _previous(paths: TaskPaths) -> tuple[bytes, ConfigurationRecord]:
    previous = read_bytes(paths.configuration) if paths.configuration.exists() else b"{}"
    return previous, codec.decode(ConfigurationRecord, previous, paths.configuration)


def _write(paths: TaskPaths, record: ConfigurationRecord, previous: bytes) -> None:
    record.rev += 1
    tasks.replace_part(paths.configuration, record, previous)


def _remove(paths: TaskPaths, item: ConfigurationItem) -> None:
    path = file_of(paths, item)
    if path is not None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def text_of(item: Stored) -> str | None:
    """Return an object's text; None where it is not text. Raises FileNotFoundError, Damaged."""
    return as_text(item.read())


def as_text(data: bytes) -> str | None:
    """Return bytes as text where they are."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def missing(paths: TaskPaths) -> list[ConfigurationItem]:
    """Return what the record names and the folder does not hold. Raises Damaged."""
    found = []
    for item in read_record(paths).configuration.values():
        path = file_of(paths, item)
        if path is None or not path.is_file():
            found.append(item)
    return found
