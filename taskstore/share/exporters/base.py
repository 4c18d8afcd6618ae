"""What an exporter is, and what all share: a file that is written aside and appears whole."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...core.errors import Conflict, Refused
from ...disk.atomic import is_abandoned, staging_beside, sync_folder, temporary_beside
from ...disk.layout import PURGE_PREFIX, TEMPORARY_SUFFIX, TaskPaths
from ...store.store import Store


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where an export goes, and how.

    `output` is a file or a folder, by the format; without one it goes to the working directory. `output_uri` is where
    ClearML is to upload weights to. `tables` are the names of those that are wanted; none is all.
    """

    output: Path | None = None
    is_forced: bool = False
    is_unpacked: bool = False
    output_uri: str = ""
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """What was written, how much of what is in it, and what of the tasks could not be expressed."""

    paths: tuple[Path, ...]
    counts: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Exporter(Protocol):
    """Writes one format. `takes_many` says whether tasks go into one export together, or one by one."""

    takes_many: bool

    def check(self, count: int, options: Options) -> None:
        """Raise Refused where that many tasks cannot go where the options say, before anything is written."""
        ...

    def check_free(self, tasks: Sequence[TaskPaths], options: Options) -> None:
        """Raise Conflict where these tasks would go in place of something, before they are read."""
        ...

    def takes_file(self, name: str, options: Options) -> bool:
        """Tell whether anything of a file of a task, by its name there, goes into the export."""
        ...

    def run(self, store: Store, tasks: Sequence[TaskPaths], options: Options) -> Exported:
        """Write the tasks, whole or not at all. Raises Conflict where something is there, Damaged, Refused."""
        ...


@contextmanager
def aside(target: Path, *, is_forced: bool, is_folder: bool = False) -> Iterator[Path]:
    """Yield where a file (or a folder, which is made) is to be written; at the end it becomes `target`.

    On any error nothing is left of it. Raises Conflict where there is something already, unless forced; a folder is
    never put in place of a file, nor a file in that of a folder. Refused where nothing can be written there.
    """
    check_free(target, is_forced=is_forced, is_folder=is_folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _drop_leftovers(target)
        staging = staging_beside(target) if is_folder else temporary_beside(target)
        if is_folder:
            staging.mkdir()
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror or error}; name another place with -o") from None
    try:
        yield staging
        check_free(target, is_forced=is_forced, is_folder=is_folder)
        _replace(staging, target)
    except BaseException:
        _discard(staging)
        raise


def _drop_leftovers(target: Path) -> None:
    """Remove what exports to this file have left that were killed."""
    for path in target.parent.glob(f".{glob.escape(target.name[:100])}.*{TEMPORARY_SUFFIX}"):
        if is_abandoned(path, time.time()):
            _discard(path)


def check_free(target: Path, *, is_forced: bool, is_folder: bool = False) -> None:
    """Raise Conflict where `aside` would."""
    if not os.path.lexists(target):
        return
    if target.is_dir() is not is_folder:
        raise Conflict(f"{target} is a {'file' if is_folder else 'folder'}; name another place with -o")
    if not is_forced:
        raise Conflict(f"there is {target} already; --force replaces it, or name another place with -o")


def _replace(staging: Path, target: Path) -> None:
    if staging.is_dir() and target.is_dir():
        old = staging_beside(target, PURGE_PREFIX)
        target.rename(old)
        staging.rename(target)
        _discard(old)
    else:
        if not staging.is_dir():
            with staging.open("rb+") as stream:
                os.fsync(stream.fileno())
        staging.replace(target)
    sync_folder(target.parent)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
