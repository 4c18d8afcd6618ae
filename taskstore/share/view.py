"""A tree of names that people read, `project/name-id8`, whose leaves are links to the folders of tasks.

It is kept up to date by making it again. What was made here is written in a record beside it, before it is made and
after it is removed: so whatever a crash leaves, the next run knows what is its own, and touches nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import msgspec

from ..core.errors import Damaged, NotSupported, ReadOnly, Refused
from ..disk.atomic import is_abandoned, is_temporary, replace_record
from ..disk.layout import VIEW, VIEW_LOCK
from ..disk.lock import LockKind, edit_lock
from ..disk.text import read_bytes
from ..schema import codec
from ..store.query import Row
from ..store.store import Store
from .view_names import key, link_paths

_FORMAT = 1
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_NO_PRIVILEGE = 1314


class ViewRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What lies in the folder of a view: each link's path with the targets that it may have, and folders."""

    format: int = _FORMAT
    store: str = ""
    links: dict[str, list[str]] = {}
    folders: list[str] = []


@dataclass(frozen=True)
class Link:
    """One link of a view: `path` is where it is; `change` is made, kept or removed (`task_id` is then empty)."""

    path: Path
    task_id: str
    change: str


@dataclass
class Outcome:
    """What became of a view: its links, what was removed, and what is in the way of links, each with the reason."""

    links: list[Link] = field(default_factory=list)
    in_the_way: list[str] = field(default_factory=list)

    def count(self, change: str) -> int:
        """Return how many links were made, kept or removed."""
        return sum(link.change == change for link in self.links)


def refresh(store: Store, folder: Path, rows: Sequence[Row]) -> Outcome:
    """Make `folder` a view of these tasks and of no others; what people have put there themselves stays.

    Raises Refused where it holds other things and is no view, or is one of another store; NotSupported where no links
    can be made; ReadOnly. Of two at once, the second waits.
    """
    folder = Path(os.path.realpath(folder.expanduser()))
    _check_place(store, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_content(folder)
        with edit_lock(folder / VIEW_LOCK, LockKind.FLOCK):
            return _View(folder, _read(store, folder)).brought_to(_wanted(store, folder, rows))
    except FileExistsError:
        raise Refused(f"{folder} is a file; name an empty or a new folder") from None
    except OSError as error:
        raise _told(error, folder) from None


def _check_place(store: Store, folder: Path) -> None:
    if store.zip is not None:
        raise NotSupported(
            f"{store.zip} is a zip, without folders to link to; `taskstore import` brings it into a store"
        )
    root = Path(os.path.realpath(store.root))
    if folder == root or root in folder.parents:
        raise Refused(f"{folder} is in the store itself; name a folder elsewhere")
    if folder in root.parents:
        raise Refused(f"{folder} is a folder that the store lies in; name a folder of the view's own")


def _check_content(folder: Path) -> None:
    """Raise Refused where the folder is neither empty nor a view; what a crash left of a view's record goes."""
    for path in folder.glob(f".{VIEW}.*"):
        if is_temporary(path.name) and is_abandoned(path, time.time()):
            path.unlink(missing_ok=True)
    names = sorted(name for name in os.listdir(folder) if name != VIEW_LOCK and not is_temporary(name))  # noqa: PTH208 - names only
    if names and VIEW not in names:
        raise Refused(f"{folder} is no view, and holds {names[0]!r}; name an empty or a new folder")


def _read(store: Store, folder: Path) -> ViewRecord:
    path = folder / VIEW
    try:
        record = codec.decode(ViewRecord, read_bytes(path), path)
    except FileNotFoundError:
        return ViewRecord(store=store.id)
    except Damaged as error:
        raise Refused(
            f"{path} cannot be read ({error.why}); make the view in a new folder, and delete this one"
        ) from None
    if record.format > _FORMAT or not all(map(_is_within, [*record.links, *record.folders])):
        raise Refused(f"{path} is not as this taskstore writes it; make the view in a new folder, and delete this one")
    if record.store != store.id:
        raise Refused(f"{folder} is a view of another store; name an empty or a new folder")
    return record


def _is_within(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and ".." not in parts and not path.startswith("/") and not set(path) & set("\\:\0")


def _wanted(store: Store, folder: Path, rows: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Return by path of a link the task's id and the link's target, relative where a path leads there."""
    folders = {project: os.path.realpath(project) for project in {row.folder for row in rows}}
    homes = {row.id: f"{folders[row.folder]}{os.sep}{row.id}" for row in rows}
    paths = link_paths((row.id, row.project, row.task.name) for row in rows)
    found = {}
    for task_id, path in paths.items():
        target = homes[task_id]
        with contextlib.suppress(ValueError):  # on Windows, another drive
            target = os.path.relpath(target, (folder / path).parent)
        found[path] = (task_id, target)
    return found


class _View:
    def __init__(self, folder: Path, record: ViewRecord) -> None:
        self._folder = folder
        self._record = record
        self._outcome = Outcome()
        self._known: dict[str, set[str]] = {}
        for path, targets in record.links.items():
            self._known.setdefault(key(path), set()).update(targets)

    def brought_to(self, wanted: dict[str, tuple[str, str]]) -> Outcome:
        before = self._record
        own = {path: target for path, (_, target) in wanted.items() if self._is_free(path, target)}
        links = {path: list(dict.fromkeys([*before.links.get(path, []), target])) for path, target in own.items()}
        folders = dict.fromkeys([*before.folders, *self._missing_folders(own)])
        self._write(ViewRecord(store=before.store, links=before.links | links, folders=list(folders)))
        self._remove(path for path in before.links if self._target(path) != own.get(path))
        for path, target in own.items():
            self._make(path, wanted[path][0], target)
        self._remove_empty(folders)
        left = [path for path in folders if os.path.lexists(self._folder / path)]
        there = {link.path for link in self._outcome.links if link.change != "removed"}
        final = {path: [target] for path, target in own.items() if self._folder / path in there}
        self._write(ViewRecord(store=before.store, links=final, folders=left))
        return self._outcome

    def _write(self, record: ViewRecord) -> None:
        if record != self._record or not (self._folder / VIEW).exists():
            replace_record(self._folder / VIEW, codec.encode(record))
            self._record = record

    def _is_free(self, path: str, target: str) -> bool:
        """Tell whether a link may be there: nothing is, or one of our own."""
        place = self._folder / path
        stranger = next(
            (above for above in self._above(path) if os.path.lexists(above) and not _is_folder(above)), None
        )
        if stranger is None and os.path.lexists(place) and not self._is_own(path):
            stranger = place
        if stranger is not None:
            self._outcome.in_the_way.append(f"{stranger} is not of this view, and stays; {path} has no link")
        return stranger is None

    def _above(self, path: str) -> Iterator[Path]:
        parts = path.split("/")
        yield from (self._folder.joinpath(*parts[:depth]) for depth in range(1, len(parts)))

    def _is_behind_link(self, path: str) -> bool:
        """Tell whether a folder above is a link by now: it leads to what is not ours."""
        return any(map(os.path.islink, self._above(path)))

    def _is_own(self, path: str) -> bool:
        return self._target(path) in self._known.get(key(path), ())

    def _target(self, path: str) -> str | None:
        with contextlib.suppress(OSError):
            return os.readlink(self._folder / path)  # noqa: PTH115 - as it is spelled
        return None

    def _missing_folders(self, paths: dict[str, str]) -> Iterator[str]:
        for path in paths:
            for above in self._above(path):
                if not os.path.lexists(above):
                    yield above.relative_to(self._folder).as_posix()

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            if self._is_own(path) and not self._is_behind_link(path):
                (self._folder / path).unlink()
                self._outcome.links.append(Link(self._folder / path, "", "removed"))

    def _make(self, path: str, task_id: str, target: str) -> None:
        place = self._folder / path
        if os.path.lexists(place):
            self._outcome.links.append(Link(place, task_id, "kept"))
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target, target_is_directory=True)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            self._outcome.in_the_way.append(f"{path} has no link: its path is too long for this system")
        else:
            self._outcome.links.append(Link(place, task_id, "made"))

    def _remove_empty(self, folders: dict[str, None]) -> None:
        for path in sorted(folders, key=lambda path: -path.count("/")):
            if not self._is_behind_link(path):
                with contextlib.suppress(OSError):  # it holds something, or is a link by now
                    (self._folder / path).rmdir()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _told(error: OSError, folder: Path) -> Refused:
    if getattr(error, "winerror", None) == _NO_PRIVILEGE:
        return NotSupported("Windows lets this user make no links; turn its developer mode on")
    if error.errno in _NO_LINKS and error.filename2 is not None:
        return NotSupported(f"no links can be made in {folder}: {error.strerror}; name a folder on another filesystem")
    return ReadOnly(f"the view in {folder} cannot be written: {error.strerror or error}")
