"""Tasks to be zipped, and zips made by hand of what a valid one holds."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.disk.log import LogWriter
from taskstore.schema.artifact import Artifact
from taskstore.schema.record import TaskRecord
from taskstore.share import bundle
from taskstore.store import artifacts, blobs, events, places, tasks
from taskstore.store.store import Store, init

IDS = tuple(f"{n:012x}70008000{n:012x}" for n in range(1, 9))
WRITER = "gone-4194305-00000000"


def fill(paths: TaskPaths, record: TaskRecord) -> None:
    record.tags = ["one"]
    params = {"rev": 1, "hyperparams": {"Args": {"lr": {"value": "0.1", "type": "float"}}}, "later": {"x": 1}}
    paths.params.write_bytes(json.dumps(params).encode())
    (paths.source / "script").mkdir(parents=True)
    paths.standalone("train.py").write_bytes(b"print(1)\n")


def log(paths: TaskPaths, points: int = 3, start: int = 0) -> None:
    """Append points and a console line, as a run does."""
    paths.events.mkdir(exist_ok=True)
    scalars = LogWriter(lambda: paths.scalars(WRITER))
    for number in range(start, start + points):
        event = {"timestamp": number, "iter": number, "metric": "loss", "variant": "train", "value": 1 / (number + 1)}
        scalars.append(json.dumps(event).encode() + b"\n")
    scalars.close()
    console = LogWriter(lambda: paths.console(WRITER))
    console.append(b"2026-01-01T00:00:00.000000Z stdout F hello\n")
    console.close()


def keep(store: Store, task_id: str, key: str, data: bytes) -> None:
    """Give a task an artifact."""
    with blobs.staged(store, task_id, lambda at: at.artifact_folder(key), lambda out: out.write(data)) as blob:
        artifacts.put(store, task_id, Artifact(key=key, type="custom"), blob, f"{key}.bin")


def make(
    store: Store,
    number: int = 0,
    project: str = "vision/Cats",
    status: Status = Status.COMPLETED,
    artifact: bytes = b"some bytes " * 100,
) -> TaskPaths:
    """Make a task that has run as far as its status says, with an artifact and logs."""
    paths = tasks.create(store, project, f"run {number}", task_id=IDS[number], fill=fill)
    if status is Status.CREATED:
        return paths
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    keep(store, paths.id, "data", artifact)
    log(paths)
    if status is not Status.IN_PROGRESS:
        tasks.transition(store, paths.id, status, also=lambda at, _: events.refresh_summary(at) and None)
    return places.locate(store, paths.id)


def other(root: Path) -> Store:
    """Make another store."""
    return init(root, clock=FixedClock())


def zipped(store: Store, path: Path, *numbers: int, **options: Any) -> Path:
    """Zip tasks by their numbers."""
    return bundle.write(store, [IDS[number] for number in numbers or (0,)], path, **options).path


def held(path: Path) -> dict[str, bytes]:
    """Return what a zip holds."""
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


Change = Callable[[zipfile.ZipInfo], None]


def packed(path: Path, contents: Mapping[str, bytes], change: Change | None = None) -> Path:
    """Zip by hand."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in contents.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change is not None:
                change(info)
            out.writestr(info, data)
    return path


def unpacked(path: Path, folder: Path) -> Path:
    """Unpack a zip as any tool does."""
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    return folder


def task_folder(contents: Mapping[str, bytes]) -> str:
    """Return the folder of the first task in a zip, with a slash."""
    return next(name.removesuffix("task.json") for name in contents if name.endswith("/task.json"))


def tree(root: Path) -> dict[str, str]:
    """Every file and folder below a place: two that are equal are the same tree."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder, name)
            data = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[path.relative_to(root).as_posix()] = f"{path.lstat().st_mode:o} {data}"
    return found


def take(store: Store, path: Path, **options: Any) -> list[str]:
    """Import a bundle; return what has become of each of its tasks. The first error is raised."""
    kinds = []
    for brought in bundle.read(store, path, **options):
        if brought.error is not None:
            raise brought.error
        assert brought.outcome is not None
        kinds.append(brought.outcome.kind)
    return kinds
