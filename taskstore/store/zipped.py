"""A zip as a store that is only read: a bundle, a zipped store, or zipped folders of tasks.

Its root is a private temporary folder, into which `disk.mounts` unpacks what is read. Queues and settings are there
from the start; a task's files come when they are asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from ..core.errors import Damaged, NotFound, Refused
from ..core.ids import is_id
from ..core.names import encode
from ..disk import mounts
from ..disk.layout import BUNDLE, PROJECT, PROJECTS, QUEUE, QUEUES, RECORD, SETTINGS, STORE, TRASH, WAITING
from ..disk.members import Members
from ..disk.scratch import Scratch
from ..disk.unpacked import MAX_FILES, UnpackedZip
from ..schema import codec, migrate
from ..schema.record import FORMAT, StoreRecord

_MAX_MARKER_BYTES = 16 << 20
_ZIP_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
_SHOWN = 5
_MAX_DEPTH = 200


@dataclass(frozen=True)
class ZippedStore:
    """An open one: where it is seen, and what its record says."""

    mount: UnpackedZip
    record: StoreRecord
    scratch: Scratch

    def close(self) -> None:
        """Remove what was unpacked."""
        mounts.remove(self.mount)
        self.mount.close()
        self.scratch.close()


_open: dict[tuple[str, int, int, int], ZippedStore] = {}
_opening = threading.Lock()


def open_zip(path: Path) -> ZippedStore:
    """Open the store in a zip, once in a process. Raises NotFound where none is in it, Damaged, Refused, TooNew."""
    facts = path.stat()
    key = (str(path), facts.st_ino, facts.st_mtime_ns, facts.st_size)
    with _opening:
        if key not in _open:
            _open[key] = _opened(path)
        return _open[key]


def close_all() -> None:
    """Close every open one; the end of the process does."""
    while _open:
        _open.popitem()[1].close()


def _opened(path: Path) -> ZippedStore:
    with path.open("rb") as stream:
        if stream.read(4) not in _ZIP_BEGINS and path.suffix.lower() != ".zip":
            raise NotFound(
                "store", str(path), "it is a file, and no zip of a store; `taskstore init` makes a store in a folder"
            )
    members = Members(path, max_files=MAX_FILES)
    try:
        record, names = _contents(members)
        scratch = Scratch()
    except BaseException:
        members.__exit__()
        raise
    made = ZippedStore(UnpackedZip(scratch.path / "store", members, names), record, scratch)
    try:
        _make_folders(made.mount)
    except BaseException:
        made.close()
        raise
    mounts.add(made.mount)
    return made


def _contents(members: Members) -> tuple[StoreRecord, dict[str, str]]:
    """Return what the store's record says, and its files: as they are in a store, each with its name in the zip."""
    _check_names(members)
    marker = _shallowest(members, (STORE, BUNDLE))
    record = _shallowest(members, (RECORD,))
    if marker is None and record is None:
        raise NotFound("store", str(members.path), _what_is_in(members))
    if marker is None or (record is not None and record.count("/") < marker.count("/")):
        return StoreRecord(format=FORMAT, id=members.path.name), _task_files(members)
    above = _folder(marker)
    if another := [name for name in members.sizes if _is_twin(name, marker)]:
        raise Refused(f"{members.path} holds several stores ({marker}, {another[0]}); unpack it, and name one of them")
    return _record(members, marker), {name[len(above) :]: name for name in members.sizes if name.startswith(above)}


def _check_names(members: Members) -> None:
    for name in members.sizes:
        if "//" in name or "/./" in f"/{name}/" or name.count("/") > _MAX_DEPTH:
            raise Damaged(members.path, f"it holds a file of a name that no store has: {name[:200]!r}")


def _shallowest(members: Members, wanted: tuple[str, ...]) -> str | None:
    names = (name for name in members.sizes if name.endswith(wanted) and name.rpartition("/")[2] in wanted)
    return min(names, key=lambda name: (name.count("/"), name), default=None)


def _is_twin(name: str, marker: str) -> bool:
    return (
        name.endswith((STORE, BUNDLE))
        and name.rpartition("/")[2] in (STORE, BUNDLE)
        and name.count("/") == marker.count("/")
        and _folder(name) != _folder(marker)
    )


def _folder(name: str) -> str:
    """The folder of a file with a `/` at its end; none for the zip itself."""
    return name[: name.rfind("/") + 1]


class _Head(msgspec.Struct):
    format: int
    store: str = ""


class _Task(msgspec.Struct):
    id: str


def _record(members: Members, marker: str) -> StoreRecord:
    path = members.path / marker
    data = members.read(marker, _MAX_MARKER_BYTES)
    head = codec.decode(_Head, data, path)
    if migrate.check(head.format, path):
        raise Refused(f"{members.path} has an older format; unpack it: a store in a folder is brought up to date")
    if marker.endswith(BUNDLE):
        return StoreRecord(format=FORMAT, id=head.store or members.path.name)
    # Whatever kind of lock the store has, nobody holds one in a zip: a run that lives is one of another store.
    return StoreRecord(format=FORMAT, id=codec.decode(StoreRecord, data, path).id)


def _task_files(members: Members) -> dict[str, str]:
    """Lay out folders of tasks as a store does; one without a project above it is in that of the zip's name."""
    homes: dict[str, str] = {}
    taken: dict[str, str] = {}
    for record in sorted((name for name in members.sizes if _is_record(name)), key=lambda name: name.count("/")):
        folder = _folder(record)
        if any(outer in homes for outer in _above(folder)):
            continue  # a file of a task, of that name
        *project, own = ["", *folder.split("/")[:-1]]
        task_id = own if is_id(own) else _id_in(members, record)
        if task_id in taken:
            raise Damaged(members.path, f"it holds one task twice: {taken[task_id]!r}, {record!r}")
        taken[task_id] = record
        homes[folder] = "/".join([PROJECTS, *_project(members, project), task_id])
    names = {}
    for name in members.sizes:
        home = next((outer for outer in _above(name) if outer in homes), None)
        if home is not None:
            names[f"{homes[home]}/{name[len(home) :]}"] = name
    return names


def _is_record(name: str) -> bool:
    return name == RECORD or name.endswith(f"/{RECORD}")


def _above(name: str) -> Iterator[str]:
    """Yield the folders above, each with a `/` at its end, the whole zip (no name) first."""
    yield ""
    for at, char in enumerate(name[:-1]):
        if char == "/":
            yield name[: at + 1]


def _id_in(members: Members, record: str) -> str:
    path = members.path / record
    found = codec.decode(_Task, members.read(record, _MAX_MARKER_BYTES), path).id
    if not is_id(found):
        raise Damaged(path, f"it says that its id is {found[:100]!r}")
    return found


def _project(members: Members, above: list[str]) -> list[str]:
    """Return the components of a project, as a store has them, from the folders above a task's."""
    named = [part for part in above if part]
    if PROJECTS in named:
        named = named[named.index(PROJECTS) + 1 :]
    return named or [encode(members.path.stem)]


def _what_is_in(members: Members) -> str:
    names = sorted({name.partition("/")[0] + "/" * ("/" in name) for name in members.sizes})
    shown = ", ".join(repr(name[:100]) for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"the zip holds no {BUNDLE}, {STORE} or {RECORD}, but {shown or 'nothing'}{more}"


def _make_folders(mount: UnpackedZip) -> None:
    """Make what is looked for by its path: the projects' folders, their records, queues, settings, the trash."""
    try:
        for folder in (PROJECTS, TRASH, *_projects(mount, PROJECTS)):
            (mount.root / folder).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise Damaged(mount.zip, f"its folders cannot be made: {getattr(error, 'strerror', None) or error}") from None
    for name, size, _ in mount.files():
        parts = PurePosixPath(name).parts
        is_record = parts[0] in (SETTINGS, QUEUES) or (parts[0] == TRASH and parts[2:] == (RECORD,))
        if is_record or (parts[-1] == PROJECT and not any(map(is_id, parts))):
            if size > _MAX_MARKER_BYTES:
                raise Damaged(mount.zip / name, f"larger than {_MAX_MARKER_BYTES >> 20} MiB")
            mount.bring(name)
            if parts[-1] == QUEUE:
                (mount.root / name).with_name(WAITING).mkdir(exist_ok=True)


def _projects(mount: UnpackedZip, folder: str) -> Iterator[str]:
    for name in mount.folders(folder):
        yield f"{folder}/{name}"
        yield from _projects(mount, f"{folder}/{name}")
