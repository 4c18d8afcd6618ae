"""Programs to run as processes of their own, with the two lines of taskstore in them and without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskstore.schema.record import TaskRecord
from taskstore.store import events, liveness, places, tasks
from taskstore.store.store import Store, open_at

INIT = "from taskstore import Task; task = Task.init('examples', 'a run')"
_MARK = "TASK"
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said; `store` is where its task is."""

    code: int
    stdout: str
    stderr: str
    root: Path

    @property
    def own_stderr(self) -> str:
        """What the program itself said, without taskstore's lines."""
        return "".join(line for line in self.stderr.splitlines(True) if not line.startswith("taskstore: "))

    @property
    def told(self) -> list[str]:
        """What taskstore said, its greeting aside."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("taskstore: ")]
        return [line for line in lines if not line.startswith(("taskstore: created task", "taskstore: running task"))]


@dataclass(frozen=True)
class Found:
    """What a task's directory holds, as the next reader sees it."""

    store: Store
    home: Path
    record: TaskRecord

    @property
    def points(self) -> dict[tuple[str, str], list[float]]:
        """Values by series; not those of the machine, which a slow one has more of."""
        found = events.read_scalars(places.locate(self.store, self.record.id))
        return {(one.metric, one.variant): one.values for one in found if not one.metric.startswith(":monitor:")}

    @property
    def console(self) -> list[str]:
        """The lines of the console log."""
        return [line.text for line in events.read_console(places.locate(self.store, self.record.id))]


def write(folder: Path, text: str, name: str = "program.py") -> Path:
    """Write a script; a line TASK in it is where Task.init goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return path


def start(
    folder: Path,
    text: str | Sequence[str],
    *arguments: str,
    with_task: bool = True,
    root: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> subprocess.Popen[str]:
    """Start a script, or what else python is given, in `folder`; an empty `stdin` is a pipe that stays open."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [str(write(folder, filled(text, with_task=with_task)))] if isinstance(text, str) else list(text)
    variables = {**os.environ, "TASKSTORE_ROOT": str(root or folder.parent / "store"), **(env or {})}
    process = subprocess.Popen(
        [sys.executable, *words, *arguments],
        cwd=folder,
        env=variables,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests may ignore signals, which children inherit.
        preexec_fn=_signals_as_at_login if os.name == "posix" else None,  # noqa: PLW1509 - no threads of ours
    )
    if stdin and process.stdin is not None:
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
    return process


def filled(text: str, *, with_task: bool) -> str:
    """Return a script's text with Task.init where it says TASK, or with nothing on that line."""
    return textwrap.dedent(text).lstrip("\n").replace(_MARK, INIT if with_task else "pass")


def _signals_as_at_login() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def finish(process: subprocess.Popen[str], root: Path) -> Ended:
    """Wait for a process, and make an end of one that hangs."""
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, stdout, stderr, root)


def run(
    folder: Path,
    text: str | Sequence[str],
    *arguments: str,
    with_task: bool = True,
    root: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    meanwhile: Callable[[subprocess.Popen[str]], None] | None = None,
) -> Ended:
    """Run a program to its end; `meanwhile` may do something to it, once it has said "ready" on stdout."""
    process = start(folder, text, *arguments, with_task=with_task, root=root, env=env, stdin=stdin)
    if meanwhile is not None and process.stdout is not None:
        line = process.stdout.readline()
        if line != "ready\n":
            process.kill()
            raise AssertionError(f"not ready: {line!r} {process.communicate()}")
        meanwhile(process)
    return finish(process, root or folder.parent / "store")


def only_task(ended: Ended) -> Found:
    """Return the one task of the store that a program has left."""
    found = all_tasks(ended)
    assert len(found) == 1, [item.record.name for item in found]
    return found[0]


def all_tasks(ended: Ended) -> list[Found]:
    """Return every task, as a listing shows it: runs found dead are settled."""
    store = open_at(ended.root)
    found = []
    for folder, task_id in places.walk(store):
        paths = places.locate(store, task_id)
        found.append(Found(store, Path(folder) / task_id, liveness.settle(store, paths, tasks.read(paths))))
    return found
