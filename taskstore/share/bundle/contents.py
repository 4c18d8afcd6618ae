"""What a bundle holds: which tasks, of which projects, in a zip or in folders. Who made it is not trusted.

A bundle is a zip that `write` made, the folder that it was unpacked to, a store, or the folder of a single task.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ...core.errors import Damaged
from ...core.ids import is_id
from ...core.names import MAX_LENGTH, decode, encode
from ...disk.layout import BUNDLE, PROJECT, PROJECTS, RECORD, STORE
from ...disk.members import Members
from ...disk.text import parse_yaml_object
from ...schema import codec, migrate
from ...schema.bundle import KINDS, BundleRecord
from ...schema.record import ProjectRecord
from .snapshot import is_local

_MAX_MARKER_BYTES = 16 << 20
_MAX_RECORD_BYTES = 64 << 20
_MAX_PROJECT_BYTES = 1 << 20
_HASHED = ("files/", "source/")


@dataclass
class Held:
    """One task in a bundle: where its files are, by their names within it; `project` is None where none is said."""

    id: str
    project: tuple[str, ...] | None
    folder: str
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldSource:
    """The files of one task in a bundle."""

    members: Members
    held: Held
    progress: Callable[[int], None]
    _seen: set[str] = field(default_factory=set)

    def sizes(self) -> Mapping[str, int]:
        """Return the names of all files with their sizes in bytes."""
        return self.held.sizes

    def chunks(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield a file's bytes from an offset on. Raises Damaged, and FileNotFoundError."""
        if name not in self.held.sizes:
            raise FileNotFoundError(f"{self.members.path}/{self.held.folder}{name}")
        is_first = name not in self._seen  # a log is hashed before it is taken
        self._seen.add(name)
        for chunk in self.members.chunks(self.held.folder + name):
            if is_first:
                self.progress(len(chunk))
            if offset < len(chunk):
                yield chunk[offset:]
            offset = max(0, offset - len(chunk))


class _Head(msgspec.Struct):
    format: int


class _Owner(msgspec.Struct):
    id: str


def recognises(path: Path) -> bool:
    """Tell whether a bundle is at a path, from a look at it. Raises Damaged, Refused."""
    if path.is_dir():
        return any((path / name).is_file() for name in (BUNDLE, STORE)) or _is_task(path)
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with Members(path) as members:
        return _marker(members) is not None or any(_is_task_record(name) for name in members.sizes)


def _is_task(home: Path) -> bool:
    """A ClearML session has a task.json too, and another id in it."""
    try:
        with (home / RECORD).open("rb") as stream:
            data = stream.read(_MAX_RECORD_BYTES)
        return is_id(codec.decode(_Owner, data, home / RECORD).id)
    except (OSError, Damaged):
        return is_id(home.name) and (home / RECORD).is_file()


def _is_task_record(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return (
        last == RECORD and is_id(folder.rpartition("/")[2]) and ("/" not in folder or folder.startswith(f"{PROJECTS}/"))
    )


def _marker(members: Members) -> str | None:
    """Return the folder of the record of a bundle or store: that of the zip (no name), or one folder below."""
    found = (name for name in members.sizes if name.rpartition("/")[2] in (BUNDLE, STORE) and name.count("/") < 2)
    first = min(found, key=lambda name: name.count("/"), default=None)
    return None if first is None else first.rpartition("/")[0]


class Contents:
    """An open bundle; use it in a `with`. `without` is what was left out of it (KINDS), `store_id` whose it is."""

    def __init__(self, path: Path) -> None:
        """Look at what is there. Raises Damaged with the name of what is wrong, Refused, TooNew; reads no task."""
        self.path = path
        self.store_id = ""
        self.without: tuple[str, ...] = ()
        is_whole = any((path / name).is_file() for name in (STORE, BUNDLE))
        self.members = Members(path, is_strict=True, only=(STORE, BUNDLE, PROJECTS) if is_whole else ())
        try:
            self.tasks = self._look()
        except BaseException:
            self.members.__exit__()
            raise

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *_: object) -> None:
        self.members.__exit__()

    def source(self, held: Held, progress: Callable[[int], None]) -> HeldSource:
        """Return the files of a task; `progress` hears of each byte once."""
        return HeldSource(self.members, held, progress)

    def said_of(self, project: tuple[str, ...]) -> ProjectRecord:
        """Return what the bundle says of a project. Raises Damaged."""
        name = "/".join([PROJECTS, *map(encode, project), PROJECT])
        if name not in self.members.sizes:
            return ProjectRecord()
        return codec.convert(ProjectRecord, self._yaml(name), self.path / name)

    def _look(self) -> list[Held]:
        if self.path.is_dir() and RECORD in self.members.sizes:
            home = self.path.resolve()
            tasks = [Held(home.name, _project_around(home), "")]
            _give(tasks[0], self.members.sizes.items())
        else:
            folder = _marker(self.members)
            if folder:
                self.members.enter(folder)
            named = self._read_markers() if folder is not None else None
            tasks = self._find(is_loose=folder is None)
            self._check_named(named, {task.id for task in tasks})
        for task in tasks:
            self._check(task)
        return tasks

    def _read_markers(self) -> set[str] | None:
        """Read whose it is; return the tasks that it says it holds, of a store None."""
        if STORE in self.members.sizes:
            self.store_id = self._record(STORE, _Owner).id
            return None
        record = self._record(BUNDLE, BundleRecord)
        self.store_id, self.without = record.store, tuple(record.without)
        for kind in record.without:
            if kind not in KINDS:
                raise Damaged(self.path / BUNDLE, f"it says that {kind!r} was left out, which is nothing")
        return set(record.tasks)

    def _record(self, name: str, kind: type[codec.T]) -> codec.T:
        data = self.members.read(name, _MAX_MARKER_BYTES)
        if migrate.check(codec.decode(_Head, data, self.path / name).format, self.path / name):
            raise Damaged(self.path / name, "there is no such format")
        return codec.decode(kind, data, self.path / name)

    def _find(self, *, is_loose: bool) -> list[Held]:
        """Return the tasks in the order of their ids; of a folder without a record, loose ones lie at its top too."""
        found: dict[str, Held] = {}
        for name, size_bytes in self.members.sizes.items():
            parts = name.split("/")
            at = next((at for at, part in enumerate(parts[:-1]) if is_id(part)), None)
            if at is None or not (parts[0] == PROJECTS or (is_loose and at == 0)):
                continue
            folder = "/".join(parts[: at + 1]) + "/"
            held = found.get(parts[at])
            if held is None:
                project = self._project(parts[1:at]) if at > 1 else None
                held = found[parts[at]] = Held(parts[at], project, folder)
            if held.folder != folder:
                raise Damaged(self.path, f"it holds one task twice: {held.folder!r} and {folder!r}")
            _give(held, [(name[len(folder) :], size_bytes)])
        return [found[task_id] for task_id in sorted(found)]

    def _project(self, components: list[str]) -> tuple[str, ...]:
        parts = []
        for count, component in enumerate(components, 1):
            name = decode(component) or self._whole_name("/".join([PROJECTS, *components[:count]]), component)
            if name is None or "/" in name or name != name.strip() or not _is_text(name):
                raise Damaged(self.path, f"the folder of a project has no project's name: {component!r}")
            parts.append(name)
        if len("/".join(parts)) > MAX_LENGTH:
            raise Damaged(self.path, f"the name of a project is too long: {'/'.join(parts)[:100]!r}…")
        return tuple(parts)

    def _whole_name(self, folder: str, component: str) -> str | None:
        """Return the name that a folder's abbreviates, as the record in it says."""
        name = f"{folder}/{PROJECT}"
        found = self._yaml(name).get("name") if name in self.members.sizes else None
        return found if isinstance(found, str) and found and encode(found) == component else None

    def _yaml(self, name: str) -> dict[str, object]:
        return parse_yaml_object(self.path / name, self.members.read(name, _MAX_PROJECT_BYTES))

    def _check_named(self, named: set[str] | None, found: set[str]) -> None:
        if named is None or named == found:
            return
        for task_id in sorted(named - found):
            raise Damaged(self.path / BUNDLE, f"it names a task that is not there: {task_id[:40]!r}")
        for task_id in sorted(found - named):
            raise Damaged(self.path / BUNDLE, f"it does not name a task that is there: {task_id!r}")

    def _check(self, task: Held) -> None:
        place = self.path / task.folder
        if RECORD not in task.sizes:
            raise Damaged(place / RECORD, "the file is missing")
        for name, size_bytes in task.sizes.items():
            if "/" not in name and size_bytes > _MAX_RECORD_BYTES:
                raise Damaged(place / name, f"it is larger than {_MAX_RECORD_BYTES >> 20} MiB")
            if f"{task.folder}{name}" in self.members.linked and not name.startswith(_HASHED):
                raise Damaged(place / name, "it is a hard link, and what it holds may be that of a file elsewhere")


def _give(held: Held, files: Iterable[tuple[str, int]]) -> None:
    """Note a task's files, but for those that hold where it was only."""
    held.sizes.update((name, size_bytes) for name, size_bytes in files if not is_local(name))


def _is_text(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _project_around(home: Path) -> tuple[str, ...] | None:
    """Return the project of a task's folder, where it lies in a store or an unpacked bundle."""
    parts: list[str] = []
    for folder in home.parents:
        if folder.name == PROJECTS and any((folder.parent / name).is_file() for name in (STORE, BUNDLE)):
            return tuple(reversed(parts)) or None
        name = decode(folder.name)
        if not name:
            return None
        parts.append(name)
    return None
