"""A small store with one of everything, what can be seen of it, and children that die at a chosen write."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import signal
import stat
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.atomic import write_blob
from taskstore.disk.log import LogWriter
from taskstore.queues import queue
from taskstore.schema.artifact import Artifact
from taskstore.schema.model import Model, ModelInput
from taskstore.schema.record import FileRef, Parameter, Untracked
from taskstore.sections.models import weights
from taskstore.store import (
    artifacts,
    blobs,
    configuration,
    events,
    models,
    places,
    projects,
    published,
    query,
    store,
    tasks,
    tickets,
    trash,
)
from taskstore.store.store import Store

LONG = "a project whose name is far too long for one component of a path " * 4
DRAFT, DONE, PUBLIC, DELETED, RUNNING, DELETED_PUBLIC, LONG_ONE = (f"{n:012x}70008000{n:012x}" for n in range(1, 8))
WAITING = f"{8:012x}70008000{8:012x}"
NEW = f"{99:012x}70008000{99:012x}"
_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# A writer of a process that is long gone: no pid is that high.
WRITER = "gone-4194305-00000000"
ARTIFACT = b"large enough to be shared " * 1000


def clock() -> FixedClock:
    """Stand still at about now: graces are measured against files' times."""
    return FixedClock(datetime.now(timezone.utc))


def build(root: Path, locks: str = "flock") -> Store:
    """Make a store with a task in every state, an abbreviated project, logs, blobs, trash and settings."""
    made = store.init(root, locks=locks, clock=clock())
    projects.create(made, "vision/cats", description="cats of all kinds", tags=("fur",))
    for task_id, project in (
        (DRAFT, "vision/cats"),
        (DONE, "vision/cats"),
        (PUBLIC, "vision"),
        (DELETED, "vision/cats"),
        (RUNNING, "Runs: now?"),
        (DELETED_PUBLIC, "vision"),
        (LONG_ONE, LONG),
        (WAITING, "vision"),
    ):
        tasks.create(made, project, f"task {task_id[11]}", task_id=task_id, fill=_fill)
    keep(made, "data", ARTIFACT)
    keep_model(made, "net", b"first" * 5000, 1)
    keep_model(made, "net", b"second" * 5000, 2)
    give_model(made, "base")
    for task_id in (DONE, PUBLIC, RUNNING, DELETED_PUBLIC):
        tasks.transition(made, task_id, Status.IN_PROGRESS)
        log(places.locate(made, task_id).events)
    for task_id in (DONE, PUBLIC, DELETED_PUBLIC):
        tasks.transition(made, task_id, Status.COMPLETED, also=lambda paths, _: _summarise(paths))
    for task_id in (PUBLIC, DELETED_PUBLIC):
        published.publish(made, task_id)
    queue.create(made, "gpu")
    queue.enqueue(made, WAITING, "gpu", priority=3)
    trash.put(made, DELETED)
    trash.put(made, DELETED_PUBLIC, force=True)
    made.paths.config.write_text("capture:\n  diff_mib: 5\n")
    return made


def keep(made: Store, key: str, data: bytes) -> None:
    """Give the draft an artifact."""
    item = Artifact(key=key, type="custom")
    with blobs.staged(made, DRAFT, lambda at: at.artifact_folder(key), lambda out: out.write(data)) as blob:
        artifacts.put(made, DRAFT, item, blob, f"{key}.bin")


def keep_model(made: Store, name: str, data: bytes, iteration: int | None = None) -> None:
    """Give the draft's model of that name weights; where there is none, make it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "weights")  # what the program saved, which is on another disk
        source.write_bytes(data)
        _keep_weights(made, source, name, iteration)


def _keep_weights(made: Store, source: Path, name: str, iteration: int | None) -> None:
    record = models.read(places.locate(made, DRAFT))
    known = next((item.id for item in record.output.values() if item.name == name), None)
    if known is None:
        known = f"{name:->32}"
        models.add(made, DRAFT, Model(id=known, name=name))
    kept = weights.Kept(path=source, name=f"{name}.pt", iteration=iteration, snapshots=2)
    weights.keep(made, DRAFT, known, kept)


def give_model(made: Store, slot: str) -> None:
    """Give the draft a model of another task."""
    models.give(made, DRAFT, ModelInput(slot=slot, model="0" * 32, task=DONE))


def _fill(paths: Any, record: Any) -> None:
    record.tags = ["one", "two"]
    record.comment = 'a comment with "quotes", {braces} and a\nline end'
    (paths.source / "untracked").mkdir(parents=True)
    diff, size = write_blob(paths.diff, [b"--- a\n+++ b\n"])
    other = paths.untracked("notes.txt")
    digest, length = write_blob(other, [b"some", b" notes"])
    script = {
        "rev": 1,
        "argv": ["train.py", "--lr=0.1"],
        "diff": FileRef(path="source/uncommitted.diff", size=size, hash=diff),
        "untracked": [Untracked(path="notes.txt", file=FileRef(path=_inside(paths, other), size=length, hash=digest))],
    }
    paths.script.write_bytes(msgspec.json.format(msgspec.json.encode(script), indent=2))
    params = {"rev": 1, "hyperparams": {"Args": {"lr": Parameter("0.1", "float", "step"), "n": Parameter("3")}}}
    paths.params.write_bytes(msgspec.json.format(msgspec.json.encode(params), indent=2))


def _inside(paths: Any, path: Path) -> str:
    return path.relative_to(paths.home).as_posix()


def _summarise(paths: Any) -> None:
    events.refresh_summary(paths)


def log(folder: Path) -> None:
    """Write a scalar log and a console log, as a run would have."""
    folder.mkdir(exist_ok=True)
    scalars = LogWriter(lambda: folder / f"scalars.{WRITER}.jsonl")
    for number in range(3):
        scalars.append(scalar(number))
    scalars.close()
    console = LogWriter(lambda: folder / f"console.{WRITER}.log")
    console.append(b"2026-01-01T00:00:00.000000Z stdout F hello\n")
    console.append(b"2026-01-01T00:00:01.000000Z stderr P half a l\n")
    console.close()


def scalar(number: int) -> bytes:
    event = {"timestamp": number, "iter": number, "metric": "loss", "variant": "train", "value": 1 / (number + 1)}
    return json.dumps(event).encode() + b"\n"


def open_again(root: Path) -> Store:
    return store.open_at(root, clock=clock())


def state(opened: Store) -> dict[str, Any]:
    """What can be seen of a store through the library: nothing of locks, temporary files, caches, revisions."""
    listing = query.find(opened, query.Query(with_archived=True))
    assert not listing.damaged, listing.damaged
    seen: dict[str, Any] = {row.id: _task(row.paths, row.project) for row in listing.rows}
    seen["trash"] = {paths.id: _task(paths, "") for paths in trash.listed(opened)}
    seen["queues"] = {
        each.name: [(entry.ticket.task_id, entry.ticket.place.priority, entry.problem) for entry in shown]
        for each in queue.listed(opened)
        if (shown := queue.show(opened, each.name)) or each.name != "default"
    }
    seen["claimed"] = [
        ticket.task_id for name in tickets.names(opened) for ticket in tickets.of_queue(opened, name, claimed=True)
    ]
    seen["projects"] = {
        project.name: (said.description, tuple(said.tags))
        for project in projects.list_all(opened)
        if (said := projects.read(project.folder)).description or project.task_count
    }
    return seen


def _task(paths: Any, project: str) -> dict[str, Any]:
    record = msgspec.to_builtins(tasks.read(paths))
    record.pop("rev")
    params = msgspec.to_builtins(tasks.read_params(paths))
    script = msgspec.to_builtins(tasks.read_script(paths))
    kept = msgspec.to_builtins(artifacts.read(paths))
    kept.pop("rev", None)
    known = msgspec.to_builtins(models.read(paths))
    known.pop("rev", None)
    params.pop("rev", None)
    script.pop("rev", None)
    own = {
        *(
            "task.json",
            "params.json",
            "script.json",
            "artifacts.json",
            "models.json",
            "config.json",
            "summary.json",
            "manifest.json",
            "ancestry.json",
        )
    }
    files = {
        path.relative_to(paths.home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths.home.rglob("*")
        if path.is_file() and path.name not in own and path.name[0] != "." and path.parent != paths.events
    }
    return {
        "project": project,
        "task": record,
        "params": params,
        "script": script,
        "artifacts": kept,
        "models": known,
        "configuration": {name: (item.type, item.read()) for name, item in configuration.read(paths).items()},
        "files": files,
        "points": [(series.metric, series.iterations, series.values) for series in events.read_scalars(paths)],
        "console": [(line.stream, line.text, line.is_whole) for line in events.read_console(paths)],
        "is_frozen": record["status"] == "published" and not published.has_write_bits(paths),
        "differences": published.verify(paths) if record["status"] == "published" else [],
    }


def fingerprint(root: Path) -> dict[str, str]:
    """Every file and folder with its mode and content: two that are equal are the same tree."""
    found = {}
    for path in sorted(root.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[path.relative_to(root).as_posix()] = f"{path.lstat().st_mode:o} {content}"
    return found


Act = Callable[[Store], object]
Point = Callable[[str, Callable[[], object]], None]


def copy(source: Path, target: Path) -> Path:
    """Put what `source` held when it was first copied at `target`: ten thousand copies from memory are made here."""
    if target.exists():
        for folder, _, _ in os.walk(target):
            os.chmod(folder, 0o700)  # noqa: PTH101 - as below
        shutil.rmtree(target)
    folders, files = _held(source)
    for name, _ in folders:
        os.mkdir(f"{target}{name}")  # noqa: PTH102 - a Path for each doubles the time
    for name, mode, data in files:
        descriptor = os.open(f"{target}{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        os.write(descriptor, data)
        os.close(descriptor)
    for name, mode in reversed(folders):
        if not mode & 0o200:
            os.chmod(f"{target}{name}", mode)  # noqa: PTH101
    return target


@functools.cache
def _held(source: Path) -> tuple[list[tuple[str, int]], list[tuple[str, int, bytes]]]:
    """Folders, parents first, and files, by their paths within."""
    folders, files = [], []
    for folder, _, names in os.walk(source):
        within = folder[len(str(source)) :]
        folders.append((within, stat.S_IMODE(Path(folder).stat().st_mode)))
        for name in names:
            path = Path(folder) / name
            files.append((f"{within}/{name}", stat.S_IMODE(path.stat().st_mode), path.read_bytes()))
    return folders, files


def watch_writes(root: Path, point: Point) -> None:
    """Call `point` before each call that changes something below `root`. It cannot be undone: for children only.

    Its second argument does half of what is about to be done, where that can be.
    """
    real_write = os.write

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if isinstance(arguments[2], int) and arguments[2] & _FLAGS and _is_below(root, arguments[0]):
                point(event, lambda: None)
        elif event in _EVENTS and _is_below(root, arguments[0]):
            point(event, lambda: None)

    def write(descriptor: int, data: bytes) -> int:
        point("write", lambda: real_write(descriptor, bytes(data)[: len(data) // 2]))
        return real_write(descriptor, data)

    def fsync(descriptor: int) -> None:
        point("fsync", lambda: None)  # and no more: what the kernel has, SIGKILL does not take

    os.write, os.fsync = write, fsync  # type: ignore[assignment]
    sys.addaudithook(hook)


_EVENTS = {f"os.{name}" for name in ("mkdir", "rename", "remove", "rmdir", "chmod", "truncate", "link", "symlink")}


def _is_below(root: Path, path: object) -> bool:
    # An integer is a descriptor: a folder that rmtree has open.
    return isinstance(path, int) or str(os.fspath(path)).startswith(str(root))  # type: ignore[call-overload]


def in_child(action: Callable[[Callable[[bytes], object]], object]) -> tuple[bytes, int]:
    """Run `action` in a forked child; return what it told and how it ended (a negative number is a signal)."""
    read_end, write_end = os.pipe()
    real_write = os.write
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside a test runner's threads
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read_end)
            sys.dont_write_bytecode = True
            action(lambda data: real_write(write_end, data))
            code = 0
        except BaseException:  # noqa: BLE001 - the child must not return into the test runner
            real_write(write_end, traceback.format_exc().encode())
        finally:
            os._exit(code)
    os.close(write_end)
    told = b""
    while piece := os.read(read_end, 1 << 16):
        told += piece
    os.close(read_end)
    return told, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def points_of(root: Path, act: Callable[[], object]) -> list[str]:
    """Run `act` to its end in a child; return the name of every point where it could have died."""

    def action(tell: Callable[[bytes], object]) -> None:
        seen: list[str] = []
        watch_writes(root, lambda name, _: seen.append(name))
        act()
        tell(json.dumps(list(seen)).encode())

    told, code = in_child(action)
    assert code == 0, told.decode()
    return json.loads(told)


def killed_at(root: Path, act: Callable[[], object], at: int, *, is_half: bool) -> bool:
    """Run `act` in a child that is killed before (in) its write number `at`; tell whether it had returned."""

    def action(tell: Callable[[bytes], object]) -> None:
        count = 0

        def point(_: str, half: Callable[[], object]) -> None:
            nonlocal count
            if count == at:
                if is_half:
                    half()
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

        watch_writes(root, point)
        act()
        tell(b"acknowledged")
        os.kill(os.getpid(), signal.SIGKILL)

    told, code = in_child(action)
    assert code == -signal.SIGKILL, told.decode()
    return told == b"acknowledged"
