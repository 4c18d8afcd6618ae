"""Tasks into one zip: laid out as in a store, the same bytes for the same content, whole or not there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import BadValue, Busy, Conflict, Damaged, NotFound, ReadOnly, Refused
from ...core.names import decode
from ...core.portable import plain
from ...disk.archive import Packer
from ...disk.atomic import writing_aside
from ...disk.layout import BUNDLE, PROJECT, TaskPaths
from ...disk.members import MAX_FILES
from ...disk.text import format_yaml
from ...schema import codec
from ...schema.bundle import KINDS, PREFIXES, BundleRecord
from ...schema.record import FORMAT
from ...store import left_out, lineage, places, projects, tasks
from ...store.progress import bar
from ...store.store import Store
from ..merging import stamp
from .snapshot import Snapshot


@dataclass(frozen=True)
class Written:
    """A bundle that was written. `without` is what is not in it, because it was not wanted or is not here either.

    `left_out` says of files why no bundle can hold them, by task and name; `missing` are tasks that `with_lineage`
    looked for and that are not in the store.
    """

    path: Path
    task_ids: tuple[str, ...]
    size_bytes: int
    without: tuple[str, ...]
    left_out: dict[str, str]
    missing: tuple[str, ...]


def write(
    store: Store,
    task_ids: Collection[str],
    path: Path | None = None,
    *,
    without: Collection[str] = (),
    with_lineage: bool = False,
    is_replaced: bool = False,
) -> Written:
    """Zip tasks, of any status, and return what was written; without a path it is here, named after them.

    `without` are words of `KINDS`. The same content gives the same bytes, whatever its files' times, modes and order.
    What is in them is noted as shared, where the store can be written: what is edited later is newer elsewhere.
    A run may go on meanwhile: its records are those of one moment, its logs at least as long as then.
    Raises NotFound; Conflict where the path is taken, unless `is_replaced`; Refused for too many files; Busy where a
    task was reset meanwhile; ReadOnly where nothing can be written there. Then there is no file, or the one before.
    """
    _check_kinds(without)
    homes = homes_of(store, task_ids, with_lineage=with_lineage)
    missing = lineage.ancestors(store, set(task_ids))[1] if with_lineage else set()
    path = target(store, task_ids, path, is_replaced=is_replaced)
    for at in homes:
        with contextlib.suppress(ReadOnly, Busy, Damaged):  # it is zipped as it lies there
            stamp(store, at.id)
    record = _record(store, homes, without)
    snapshots = [Snapshot(at, wanted(without)) for at in homes]
    total_bytes = sum(each.size() for each in snapshots)
    with bar(f"zip {path.name}", total_bytes) as progress, _output(path, progress, is_replaced=is_replaced) as packer:
        _fill(store, packer, record, snapshots)
    strays = {f"{each.paths.id}/{name}": why for each in snapshots for name, why in each.left_out.items()}
    return Written(
        path=path,
        task_ids=tuple(record.tasks),
        size_bytes=path.stat().st_size,
        without=tuple(record.without),
        left_out=strays,
        missing=tuple(sorted(missing)),
    )


def target(store: Store, task_ids: Collection[str], path: Path | None = None, *, is_replaced: bool = False) -> Path:
    """Return where a zip of these tasks goes. Raises Conflict, BadValue, NotFound where it cannot be put there."""
    path = path or Path(default_name(store, sorted(set(task_ids))))
    _check_place(path, is_replaced=is_replaced)
    return path


def homes_of(store: Store, task_ids: Collection[str], *, with_lineage: bool = False) -> list[TaskPaths]:
    """Return where the tasks of such a zip are, in the order of their ids. Raises NotFound, BadValue for none."""
    origins = lineage.ancestors(store, set(task_ids))[0] if with_lineage else set()
    homes = sorted((places.locate(store, task_id) for task_id in {*task_ids, *origins}), key=lambda at: at.id)
    if not homes:
        raise BadValue("no task fits, and a zip of none is of no use")
    return homes


def _record(store: Store, homes: Sequence[TaskPaths], without: Collection[str]) -> BundleRecord:
    gone = {kind for at in homes for kind in left_out.gone(at, tasks.read(at))}
    names = sorted({*without, *gone})
    return BundleRecord(format=FORMAT, store=store.id, tasks=[at.id for at in homes], without=names)


def default_name(store: Store, task_ids: Sequence[str]) -> str:
    """Return what a zip of tasks is called: after the task where it is one, else after how many they are."""
    if len(task_ids) != 1:
        return f"{len(task_ids)}-tasks.zip"
    (task_id,) = task_ids
    return f"{plain(tasks.read(places.locate(store, task_id)).name)}-{task_id[:12]}.zip"


def name_of_project(name: str) -> str:
    """Return what a zip of a project is called."""
    return f"{plain(name)}.zip"


def _check_kinds(without: Collection[str]) -> None:
    for kind in without:
        if kind not in KINDS:
            raise BadValue(f"{kind!r} cannot be left out of a zip; there are {', '.join(KINDS)}")


def wanted(without: Collection[str]) -> Callable[[str], bool]:
    """Return what tells by a file's name in its task whether it is in such a zip."""
    prefixes = tuple(PREFIXES[kind] for kind in without)
    return lambda name: not name.startswith(prefixes)


def _check_place(path: Path, *, is_replaced: bool) -> None:
    """Say before anything is read that a zip cannot be put there."""
    if path.is_dir():
        raise BadValue(f"{path} is a folder; name a file in it")
    if path.exists() and not is_replaced:
        raise _taken(path)
    if not path.absolute().parent.is_dir():
        raise NotFound("folder", str(path.absolute().parent))


def _taken(path: Path) -> Conflict:
    return Conflict(f"there is {path} already; name another file, or replace it with --force")


@contextlib.contextmanager
def _output(path: Path, progress: Callable[[int], None], *, is_replaced: bool) -> Iterator[Packer]:
    try:
        with writing_aside(path, is_new=not is_replaced) as stream, Packer(stream, progress) as packer:
            yield packer
    except FileExistsError:
        raise _taken(path) from None
    except PermissionError as error:
        raise ReadOnly(f"{error.filename or path} cannot be read or written: {error.strerror}") from None


def _fill(store: Store, packer: Packer, record: BundleRecord, snapshots: Sequence[Snapshot]) -> None:
    said = _projects(store, [each.paths for each in snapshots])
    counted = _Counted(packer)
    counted.add(BUNDLE, codec.encode(record))
    by_place = {_within(store, each.paths.home): each for each in snapshots}
    for name in sorted([*said, *by_place]):
        if name in said:
            counted.add(name, said[name])
        else:
            by_place[name].copy(counted.below(name))


class _Counted:
    """A packer that takes as many files as whoever imports it does."""

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._count = 0

    def add(self, name: str, data: bytes) -> None:
        self._put(name, iter([data]), len(data))

    def below(self, folder: str) -> Callable[[str, Iterator[bytes], int], None]:
        return lambda name, chunks, size_bytes: self._put(f"{folder}/{name}", chunks, size_bytes)

    def _put(self, name: str, chunks: Iterator[bytes], size_bytes: int) -> None:
        self._count += 1
        if self._count > MAX_FILES:
            raise Refused(f"these tasks have more than {MAX_FILES:,} files; zip fewer of them at once")
        self._packer.add(name, chunks, size_bytes)


def _within(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix()


def _projects(store: Store, homes: Sequence[TaskPaths]) -> dict[str, bytes]:
    """Return what is said of the tasks' projects, by its place: what others should know, and no settings."""
    found: dict[str, bytes] = {}
    for folder in {folder for at in homes for folder in at.home.parents}:
        if not folder.is_relative_to(store.paths.projects) or folder == store.paths.projects:
            continue
        try:
            record = projects.read(folder)
        except (Damaged, FileNotFoundError):
            continue
        facts: dict[str, object] = {"name": places.part_name(folder)}
        facts |= {"description": record.description} if record.description else {}
        facts |= {"tags": list(record.tags)} if record.tags else {}
        if len(facts) > 1 or decode(folder.name) is None:
            found[_within(store, folder / PROJECT)] = format_yaml(facts)
    return found
