"""A store in which the secrets of some tasks are masked: what shares a store shares it as any other.

It is made beside the store's cache, of links to what is not changed, and goes when it is no longer needed. The store
itself stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..core.secrets import Masker
from ..disk.atomic import chunks_of, is_abandoned, staging_beside, temporary_beside
from ..disk.layout import EVENTS, MANIFEST, NEW_PREFIX, PROJECT, TaskPaths
from ..store.store import Store, open_at
from . import scan
from .bundle.snapshot import Snapshot

MaskerOf = Callable[[TaskPaths], Masker]


@contextmanager
def redacted(store: Store, tasks: Sequence[TaskPaths], masker_of: MaskerOf) -> Iterator[tuple[Store, list[TaskPaths]]]:
    """Yield a store of these tasks alone, of the same id and projects, with their secrets masked.

    Hashes and sizes in records are those of the masked files. A run may go on meanwhile. Links, and what is no plain
    file, are left out. Raises Busy where a task was moved or reset.
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
    """Make the folder in the store, where links can be made, or elsewhere where that cannot be written.

    What one that was killed has left in the store goes.
    """
    try:
        store.paths.cache.mkdir(exist_ok=True)
        for left in store.paths.cache.glob(f"{NEW_PREFIX}*"):
            if is_abandoned(left, time.time()):
                shutil.rmtree(left, ignore_errors=True)
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
    copy = _Copy(task, target, masker)
    Snapshot(task, lambda _: True, is_portable=False).copy(copy.put)
    if copy.is_changed:  # of a published task it says which hashes the files had before
        target.manifest.unlink(missing_ok=True)
        # What is masked has not come after what it masks: merged back, it must not take its place.
        target.ancestry.unlink(missing_ok=True)
    return target


class _Copy:
    """The masked copy of one task, of what a snapshot puts: records last, when it is known which files have changed."""

    def __init__(self, task: TaskPaths, target: TaskPaths, masker: Masker) -> None:
        self.is_changed = False
        self._task, self._target, self._masker = task, target, masker
        self._changed: dict[str, tuple[str, int]] = {}

    def put(self, name: str, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Take one file over."""
        copy = self._target.home / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if scan.is_record(name):
            self._put_record(name, b"".join(chunks))
            return
        try:
            os.link(self._task.home / name, copy)
        except OSError:  # no links there, or it has gone since it was opened
            with copy.open("xb") as stream:
                stream.writelines(chunks)
        if scan.is_looked_at(name):
            self._mask(name, copy)

    def _put_record(self, name: str, data: bytes) -> None:
        shown = scan.masked_record(data, self._masker) if scan.is_looked_at(name) else data
        shown = _renamed(shown, self._changed) if self._changed else shown
        (self._target.home / name).write_bytes(shown)
        self.is_changed = bool(self._changed) or self.is_changed or (shown != data and name != MANIFEST)

    def _mask(self, name: str, copy: Path) -> None:
        aside = temporary_beside(copy)
        masked = _write_masked(copy, name, aside, self._masker)
        if masked is not None and masked.is_changed:
            self._changed[name] = (masked.digest, masked.size_bytes)
        if masked is not None and (masked.is_changed or name.startswith(f"{EVENTS}/")):  # a linked log goes on growing
            aside.replace(copy)
        else:
            aside.unlink()


class _Masked(NamedTuple):
    digest: str
    size_bytes: int
    is_changed: bool


def _write_masked(source: Path, name: str, copy: Path, masker: Masker) -> _Masked | None:
    """Write the file of that name masked; return None where it is no text."""
    digest, size_bytes, is_changed = hashlib.sha256(), 0, False
    with copy.open("xb") as stream:
        for block in scan.blocks(chunks_of(source)):
            if size_bytes == 0 and not scan.is_text(name, block[: 1 << 16]):
                return None
            text = block.decode("utf-8", "surrogateescape")
            shown = scan.masked_text(text, name, masker)
            data = block if shown == text else shown.encode("utf-8", "surrogateescape")
            is_changed = is_changed or shown != text
            digest.update(data)
            size_bytes += len(data)
            stream.write(data)
    return _Masked(digest.hexdigest(), size_bytes, is_changed)


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
