"""A store in which the secrets of some tasks are masked: what shares a store shares it as any other.

It is made beside the store's cache, of links to what is not changed, and goes when it is no longer needed. The store
itself stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ..core.secrets import Masker
from ..disk.atomic import staging_beside
from ..disk.layout import MANIFEST, PROJECT, TaskPaths
from ..store.store import Store, open_at
from . import scan
from .source import FolderSource

MaskerOf = Callable[[TaskPaths], Masker]


@contextmanager
def redacted(store: Store, tasks: Sequence[TaskPaths], masker_of: MaskerOf) -> Iterator[tuple[Store, list[TaskPaths]]]:
    """Yield a store of these tasks alone, of the same id and projects, with their secrets masked.

    Hashes and sizes in records are those of the masked files. Links, and what is no plain file, raise Damaged.
    """
    home = _make(store)
    try:
        shutil.copyfile(store.paths.record, home / store.paths.record.name)
        (home / "projects").mkdir()
        found = [_add(store, home, task, masker_of(task)) for task in tasks]
        yield open_at(home, clock=store.clock), found
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make(store: Store) -> Path:
    """Make the folder in the store, where links can be made, or elsewhere where that cannot be written."""
    try:
        store.paths.cache.mkdir(exist_ok=True)
        home = staging_beside(store.paths.cache / "redacted")
        home.mkdir()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="taskstore-"))
    return home


def _add(store: Store, home: Path, task: TaskPaths, masker: Masker) -> TaskPaths:
    below = task.home.relative_to(store.paths.root)
    for folder in below.parents:
        if (store.paths.root / folder / PROJECT).is_file():
            (home / folder).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store.paths.root / folder / PROJECT, home / folder / PROJECT)
    target = TaskPaths(home / below)
    target.home.mkdir(parents=True)
    names = FolderSource(task.home, passes_links=True).sizes()
    changed: dict[str, tuple[str, int]] = {}
    for name in names:
        if not name.startswith(".") and not scan.is_record(name):
            _take(task, target, name, masker, changed)
    is_changed = bool(changed)
    for name in filter(scan.is_record, names):
        data = (task.home / name).read_bytes()
        shown = scan.masked_record(data, masker) if scan.is_looked_at(name) else data
        shown = _renamed(shown, changed) if changed else shown
        (target.home / name).write_bytes(shown)
        is_changed = is_changed or (shown != data and name != MANIFEST)
    if is_changed:  # of a published task it says which hashes the files had before
        target.manifest.unlink(missing_ok=True)
        # What is masked has not come after what it masks: merged back, it must not take its place.
        target.ancestry.unlink(missing_ok=True)
    return target


def _take(task: TaskPaths, target: TaskPaths, name: str, masker: Masker, changed: dict[str, tuple[str, int]]) -> None:
    """Put a file of the task into the copy: masked, or a link to it where nothing in it is."""
    source, copy = task.home / name, target.home / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if scan.is_looked_at(name):
        digest, size, is_changed = _write_masked(task, name, copy, masker)
        if is_changed:
            changed[name] = (digest, size)
            return
        copy.unlink(missing_ok=True)
    try:
        os.link(source, copy)
    except OSError:
        shutil.copyfile(source, copy)


def _write_masked(task: TaskPaths, name: str, copy: Path, masker: Masker) -> tuple[str, int, bool]:
    digest, size, is_changed = hashlib.sha256(), 0, False
    with copy.open("xb") as stream:
        for block in scan.blocks(FolderSource(task.home).chunks(name)):
            if size == 0 and not scan.is_text(name, block[: 1 << 16]):
                return "", 0, False
            text = block.decode("utf-8", "surrogateescape")
            shown = scan.masked_text(text, name, masker)
            data = block if shown == text else shown.encode("utf-8", "surrogateescape")
            is_changed = is_changed or shown != text
            digest.update(data)
            size += len(data)
            stream.write(data)
    return digest.hexdigest(), size, is_changed


def _renamed(data: bytes, changed: dict[str, tuple[str, int]]) -> bytes:
    """Return a record that says of each changed file the hash and size that it has now."""
    value = scan.decoded(data)
    if value is None:
        return data
    return msgspec.json.format(msgspec.json.encode(_with_hashes(value, changed)), indent=2) + b"\n"


def _with_hashes(value: Any, changed: dict[str, tuple[str, int]]) -> Any:  # noqa: ANN401 - plain JSON values
    if isinstance(value, list):
        return [_with_hashes(item, changed) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_hashes(item, changed) for key, item in value.items()}
    path = found.get("path")
    if isinstance(path, str) and path in changed and "hash" in found and "size" in found:
        found["hash"], found["size"] = changed[path]
    return found
