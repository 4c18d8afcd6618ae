"""What an importer is, and what all share: a task's id made of what the run was called, so that a run comes in once."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from ...core.errors import Conflict, Refused, TaskstoreError
from ...disk.layout import TaskPaths
from ...schema.record import Imported as Mark
from ...schema.record import TaskRecord
from ...store import places, tasks
from ...store.store import Store

T = TypeVar("T")
R = TypeVar("R")
_AT_ONCE = 8
_MAX_NOTES = 50
_MAX_KINDS = 1000
"""So many different notes are remembered: what is in a file may make any number of them."""
_MAX_NOTE_CHARS = 300
_MOMENT_DIGITS = 12


class Importer(Protocol):
    """Reads one format."""

    def recognises(self, path: Path) -> bool:
        """Tell whether what is at a path is of this format, from a look at it."""
        ...

    def runs(self, store: Store, path: Path, options: Options) -> Iterator[Imported | LeftOut]:
        """Make a task of each run at a path, one after another, each whole or not at all; tell what became of it.

        A task that is there already is left as it is, or gets what its run has logged since. What is wrong with one run
        is yielded as LeftOut, and does not stop the others. Nothing happens before the first is asked for. Raises
        NotFound, Damaged where nothing can be made of the path, Refused where that would harm, ReadOnly.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Options:
    """How runs come in: into which project (else each its own); with those that were deleted where they come from.

    `files` is the folder of the files that runs name, where that is another than theirs.
    `task_id` is the task that a run goes on in, its iterations moved by the offset, in formats that hold one run.
    """

    project: str | None = None
    task_id: str | None = None
    iteration_offset: int = 0
    with_deleted: bool = False
    files: Path | None = None


@dataclass(frozen=True)
class Imported:
    """The task that a run is in; whether this import has put it there; what of it could not be read.

    `has_grown`: it was there, and has got what was logged since. `source` says which run at the path it was, where a
    path can hold several.
    """

    task_id: str
    is_new: bool
    notes: tuple[str, ...] = ()
    has_grown: bool = False
    source: str = ""


@dataclass(frozen=True)
class LeftOut:
    """What at a path became no task, and the error that stood in the way; None of what is left out by intent."""

    what: str
    error: TaskstoreError | None = None


def only(found: Iterable[Imported | LeftOut]) -> Imported:
    """Return what became of the run at a path that holds one. Raises what stood in its way, or Refused."""
    reason = "it holds no run"
    for each in found:
        if isinstance(each, Imported):
            return each
        if each.error is not None:
            raise each.error
        reason = each.what
    raise Refused(f"nothing was imported: {reason}")


@dataclass
class Notes:
    """What is lost or changed on the way in, each said once."""

    _counts: Counter[str] = field(default_factory=Counter)
    _unkept: int = 0

    def add(self, text: str) -> None:
        """Note something; of one that comes again the number is said."""
        shown = text.replace("\n", " ")[:_MAX_NOTE_CHARS].encode("utf-8", "backslashreplace").decode()
        if len(self._counts) < _MAX_KINDS or shown in self._counts:
            self._counts[shown] += 1
        else:
            self._unkept += 1

    def texts(self) -> list[str]:
        """Return the notes in the order in which they came, the first fifty of them."""
        found = [f"{text} ({count} times)" if count > 1 else text for text, count in self._counts.items()]
        left = len(found) - _MAX_NOTES + self._unkept
        return [*found[:_MAX_NOTES], *([f"and {left} more"] if left > 0 else [])]

    @contextmanager
    def of(self, what: str, *errors: type[Exception]) -> Iterator[None]:
        """Note an error of these kinds instead of raising it."""
        try:
            yield
        except errors as error:
            self.add(f"{what}: {getattr(error, 'why', error)}")


def several(action: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """Yield what `action` makes of each item, in their order, a few at once: each waits most of its time for the disk.

    Items are taken as there is room. What an action raises is raised where its result would be, and the rest is left.
    Close it: it waits for those that are at work.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(action, item))
                if len(waiting) == 2 * _AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def task_id_of(kind: str, source_id: str, moment: datetime) -> str:
    """Return the id of the task for a run: a UUIDv7 of when it began, and of its name in place of chance."""
    return f"{max(0, int(moment.timestamp() * 1000)):012x}{_tail(kind, source_id)}"


def _tail(kind: str, source_id: str) -> str:
    digest = hashlib.sha256(f"{kind}\0{source_id}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"7{digest[:3]}8{digest[3:18]}"


class Known:
    """The tasks of a store by the runs that they were imported from; the store is looked through once."""

    def __init__(self, store: Store) -> None:
        self._tasks: dict[str, str] = {}
        for folder, task_id in places.walk(store, []):
            self._tasks.setdefault(task_id[_MOMENT_DIGITS:], task_id)
            store.places.setdefault(task_id, Path(folder) / task_id)
        trash = store.paths.trash
        names = (home.name for home in trash.iterdir()) if trash.is_dir() else iter(())
        self._trashed = {name[_MOMENT_DIGITS:]: name for name in names}

    def find(self, kind: str, source_id: str) -> str | None:
        """Return the task that a run was imported as, wherever it is now. Raises Refused for one in the trash."""
        tail = _tail(kind, source_id)
        found = self._tasks.get(tail)
        if found is None and tail in self._trashed:
            short = self._trashed[tail][:12]
            raise Refused(
                f"it was imported as task {short}, which is in the trash: `taskstore trash restore {short}` brings it "
                f"back, and after `taskstore trash purge {short}` it can be imported again"
            )
        return found

    def add(self, task_id: str) -> None:
        """Remember a task that was made since."""
        self._tasks[task_id[_MOMENT_DIGITS:]] = task_id


def find(store: Store, kind: str, source_id: str) -> str | None:
    """Return the task that one run was imported as, wherever it has been moved. Raises Refused for one in the trash."""
    return Known(store).find(kind, source_id)


def create(store: Store, project: str, name: str, task_id: str, fill: Callable[[TaskPaths, TaskRecord], None]) -> bool:
    """Make the task, which appears whole; false where another import of the same run was first."""
    try:
        tasks.create(store, project, name, fill=fill, task_id=task_id)
    except Conflict:
        return False
    return True


def mark(store: Store, kind: str, source_id: str, path: Path, notes: Notes) -> Mark:
    """Return what a task's record says of where it comes from."""
    return Mark(
        kind=kind,
        id=source_id,
        path=str(path.absolute()),
        time=store.clock.now(),
        who=tasks.who(),
        notes=notes.texts(),
    )
