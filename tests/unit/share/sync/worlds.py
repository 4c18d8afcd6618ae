"""Stores with tasks in them, a remote that is watched and cut, and an exchange between the two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from taskstore.core.errors import RemoteError
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.artifact import Artifact
from taskstore.schema.record import Parameter, Scalar
from taskstore.share.remotes.base import Remote
from taskstore.share.remotes.memory import MemoryRemote
from taskstore.share.sync import opening
from taskstore.share.sync.choosing import Choice
from taskstore.share.sync.exchange import Result, Stop, exchanged
from taskstore.share.sync.plan import Way
from taskstore.store import artifacts, blobs, configuration, tasks
from taskstore.store.store import Store


class Nobody:
    """Looks on, and counts."""

    def __init__(self) -> None:
        self.bytes = self.tasks = self.ended = 0

    def begin(self, tasks: int) -> None:
        self.tasks += tasks

    def moved(self, count_bytes: int) -> None:
        self.bytes += count_bytes

    def finished(self) -> None:
        self.ended += 1


class Cut(RemoteError):
    """The connection that a test has cut."""


class Watched:
    """A remote whose calls are noted; from the `cut_at`-th on every one fails, and `after_write` sees each write."""

    is_writable = True

    def __init__(self, remote: Remote, cut_at: int | None = None) -> None:
        self.remote = remote
        self.address = remote.address
        self.calls: list[tuple[str, str]] = []
        self.done: list[tuple[str, str]] = []
        """Of the writes and the reads those that came to their end."""
        self.cut_at = cut_at
        self.after_write: Callable[[str], None] = lambda name: None
        self._lock = threading.Lock()

    def _note(self, verb: str, name: str) -> None:
        with self._lock:
            self.calls.append((verb, name))
            if self.cut_at is not None and len(self.calls) > self.cut_at:
                raise Cut("the connection is cut")

    def of(self, verb: str) -> list[str]:
        return [name for each, name in self.calls if each == verb]

    def size(self, name: str) -> int | None:
        self._note("size", name)
        return self.remote.size(name)

    def names(self, folder: str = "") -> dict[str, int]:
        self._note("names", folder)
        return self.remote.names(folder)

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        self._note("read", name)
        yield from self.remote.read(name, offset)
        self.done.append(("read", name))

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        self._note("write", name)
        self.remote.write(name, chunks)
        self.done.append(("write", name))
        self.after_write(name)

    def remove(self, name: str) -> None:
        self._note("remove", name)
        self.remote.remove(name)
        self.after_write(name)

    def close(self) -> None:
        self.remote.close()


def exchange(
    store: Store,
    there: Remote | Path,
    way: Way = Way.SYNC,
    choice: Choice | None = None,
    *,
    is_dry: bool = False,
    is_trusted: bool = False,
) -> Result:
    """Exchange tasks with a remote, or with a store in a folder."""
    stop, choice = Stop(Nobody()), choice or Choice()
    if isinstance(there, Path):
        peer = opening.at_folder(store, there, way, stop.tick, is_trusted=is_trusted)
        return sound(exchanged(store, peer, way, choice, stop, is_dry=is_dry))
    with opening.at_remote(store, there, stop.tick, is_trusted=is_trusted) as one:
        return sound(exchanged(store, one, way, choice, stop, is_dry=is_dry))


def sound(result: Result) -> Result:
    """Return a result in which nothing has failed."""
    for _, error in result.failed:
        raise error
    return result


def remote() -> MemoryRemote:
    return MemoryRemote("memory://there")


def a_task(store: Store, name: str = "a run", project: str = "vision/cats", data: bytes = b"x") -> TaskPaths:
    """Make an ended task with parameters, a configuration, logs and two artifacts."""
    paths = tasks.create(store, project, name)
    tasks.edit_params(store, paths.id, lambda record: record.hyperparams.update(Args={"lr": Parameter("0.1", "float")}))
    configuration.put(store, paths.id, "net", configuration.Content(f"{name}: 1".encode(), "yaml"))
    for key in ("weights", "report"):
        keep(store, paths, key, f"{name} {key}".encode() + data * 5000)
    report(paths, 10)
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    tasks.transition(store, paths.id, Status.COMPLETED)
    return paths


def keep(store: Store, paths: TaskPaths, key: str, data: bytes) -> None:
    """Keep an artifact in a task."""
    with blobs.staged(store, paths.id, lambda at: at.artifact_folder(key), lambda out: out.write(data)) as blob:
        artifacts.put(store, paths.id, Artifact(key=key, type="custom"), blob, f"{key}.bin")


def report(paths: TaskPaths, count: int, writer: str = "host-1-00") -> None:
    """Append lines to a log."""
    paths.events.mkdir(exist_ok=True)
    with paths.scalars(writer).open("ab") as stream:
        for step in range(count):
            stream.write(msgspec.json.encode(Scalar(1.7e12 + step, step, "loss", "train", step / 8)) + b"\n")


def contents(store: Store) -> dict[str, bytes]:
    """Return all files of a store's tasks that are shared, by their places."""
    found = {}
    for folder in (store.paths.projects, store.paths.trash):
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in (".lock", ".alive", "summary.json"):
                found[path.relative_to(store.root).as_posix()] = path.read_bytes()
    return found
