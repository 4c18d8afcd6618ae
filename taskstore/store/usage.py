"""What a store holds, in bytes, and what deleting each part would free."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Damaged
from ..core.ids import is_id
from ..disk import mounts
from . import places
from .store import Store

_BLOCK_BYTES = 512


@dataclass(frozen=True)
class Size:
    """How much something holds.

    `apparent_bytes` is the sum of the lengths of its files, `disk_bytes` what they take up. A file with several hard
    links counts once, and only where all of its links are within: deleting one of two frees nothing. Symbolic links
    count themselves, not what they name.
    """

    apparent_bytes: int = 0
    disk_bytes: int = 0
    file_count: int = 0


@dataclass(frozen=True)
class Usage:
    """What a store holds: tasks by id, projects by name (with all below them), and the rest; `total` is everything."""

    total: Size
    tasks: dict[str, Size]
    projects: dict[str, Size]
    trash: Size
    trashed: dict[str, Size]
    cache: Size
    quarantine: Size


@dataclass(frozen=True)
class _File:
    inode: tuple[int, int]
    links: int
    length: int
    on_disk: int
    is_folder: bool


def du(store: Store) -> Usage:
    """Measure a store, each file looked at once.

    What vanishes meanwhile counts as not there, and of what cannot be read only its folder counts.
    """
    tree = _Measured(store.root)
    root = str(store.root)
    tasks: dict[str, Size] = {}
    projects: dict[str, Size] = {}
    for folder, task_id in places.walk(store, []):
        tasks[task_id] = tree.below(f"{folder}{os.sep}{task_id}")
    for place in _projects(store):
        projects[places.project_name(store, place)] = tree.below(str(place))
    trash = str(store.paths.trash)
    return Usage(
        total=tree.below(root),
        tasks=tasks,
        projects=dict(sorted(projects.items())),
        trash=tree.below(trash),
        trashed={name: tree.below(f"{trash}{os.sep}{name}") for name in tree.children(trash) if is_id(name)},
        cache=tree.below(str(store.paths.cache)),
        quarantine=tree.below(str(store.paths.quarantine)),
    )


def _projects(store: Store) -> list[Path]:
    folders = []
    pending = [store.paths.projects]
    while pending:
        folder = pending.pop()
        with contextlib.suppress(Damaged):
            found = [folder / name for name in places.entries(str(folder))[1]]
            folders += found
            pending += found
    return folders


class _Measured:
    """The files of a tree by the folder they are in, read in one walk."""

    def __init__(self, root: Path) -> None:
        self._folders: dict[str, dict[str, None]] = {}
        self._files: dict[str, list[_File]] = {}
        self._memo: dict[str, list[_File]] = {}
        packed = mounts.files(root)
        if packed is not None:
            self._take(str(root), packed)
            return
        pending = [str(root)]
        while pending:
            pending += self._read(pending.pop())

    def _take(self, root: str, files: Iterable[tuple[str, int, int]]) -> None:
        """Take the files of a zip, which take up what they do in it; its folders take up nothing."""
        for name, length, on_disk in files:
            *parts, _ = name.split("/")
            folder = root
            for part in parts:
                known = self._folders.setdefault(folder, {})
                known[part] = None
                folder = f"{folder}{os.sep}{part}"
            self._files.setdefault(folder, []).append(_File((0, 0), 1, length, on_disk, is_folder=False))

    def _read(self, folder: str) -> list[str]:
        files: list[_File] = []
        folders: list[str] = []
        with contextlib.suppress(OSError):
            files.append(_file(os.lstat(folder)))  # noqa: PTH116 - a Path for each of 100,000 files doubles the time
            with os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
                        else:
                            files.append(_file(entry.stat(follow_symlinks=False)))
        self._files[folder] = files
        self._folders[folder] = dict.fromkeys(folders)
        return [f"{folder}{os.sep}{name}" for name in folders]

    def children(self, folder: str) -> list[str]:
        return sorted(self._folders.get(folder, ()))

    def below(self, folder: str) -> Size:
        return _size(self._all(folder))

    def _all(self, folder: str) -> list[_File]:
        if folder not in self._memo:
            found = list(self._files.get(folder, []))
            for name in self._folders.get(folder, ()):
                found += self._all(f"{folder}{os.sep}{name}")
            self._memo[folder] = found
        return self._memo[folder]


def _file(found: os.stat_result) -> _File:
    is_folder = stat.S_ISDIR(found.st_mode)
    on_disk = getattr(found, "st_blocks", -1) * _BLOCK_BYTES
    length = 0 if is_folder else found.st_size
    return _File((found.st_dev, found.st_ino), found.st_nlink, length, on_disk if on_disk >= 0 else length, is_folder)


def _size(files: Iterable[_File]) -> Size:
    apparent_bytes = disk_bytes = file_count = 0
    linked: dict[tuple[int, int], list[_File]] = {}
    for file in files:
        if file.links > 1 and not file.is_folder:
            links = linked.setdefault(file.inode, [])
            links.append(file)
            if len(links) != file.links:
                continue
        apparent_bytes += file.length
        disk_bytes += file.on_disk
        file_count += not file.is_folder
    return Size(apparent_bytes, disk_bytes, file_count)
