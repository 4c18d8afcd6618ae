"""Running a task's recorded command, or any script, as a child process in the present environment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import BadTransition, NotFound, Refused
from ..core.secrets import MASK
from ..core.states import Status
from ..disk.layout import TaskPaths
from ..schema.record import ScriptRecord
from ..store import liveness, tasks
from ..store.store import ROOT_VARIABLE, Store
from .mode import MASTER_VARIABLE, TASK_VARIABLE

_CHILD = "taskstore.run.child"
_RUNNABLE = frozenset({Status.CREATED, Status.QUEUED})


@dataclass(frozen=True)
class Plan:
    """What would be started: the command line after `python -m taskstore.run.child`, and the folder it starts in."""

    arguments: tuple[str, ...]
    cwd: Path

    def shown(self) -> str:
        """Return the command as a person would type it."""
        import shlex

        return shlex.join(["python", *self.arguments])


def plan(store: Store, paths: TaskPaths) -> Plan:
    """Return how a draft's recorded command is run here. Raises BadTransition, or Refused saying what is missing."""
    record = tasks.read(paths)
    if record.status not in _RUNNABLE:
        raise BadTransition(
            record.id,
            record.status.value,
            Status.IN_PROGRESS.value,
            f"`taskstore clone {record.id[:12]}` makes a draft of it to run, `taskstore reset` makes it one again",
        )
    script = tasks.read_script(paths)
    cwd = Path(script.cwd or ".")
    if not cwd.is_dir():
        raise Refused(f"the folder that task {record.id[:12]} ran in, {cwd}, is not on this machine")
    masked = [argument for argument in script.argv if MASK in argument]
    if masked:
        raise Refused(f"the recorded command has masked secrets ({masked[0]}); run the script again by hand with them")
    return Plan((*_target(store, paths, script, cwd), *script.argv[1:]), cwd)


def _target(store: Store, paths: TaskPaths, script: ScriptRecord, cwd: Path) -> tuple[str, ...]:
    """Return what python is given before the program's own arguments."""
    if script.kind == "module" and script.module:
        return ("-m", script.module)
    if script.entry_point:
        base = Path(script.root, script.working_dir) if script.root else cwd
        path = base / script.entry_point
        if path.is_file():
            return (str(path),)
    if script.standalone is not None:
        return (str(paths.home / script.standalone.path),)
    if not script.entry_point:
        raise Refused(f"task {paths.id[:12]} records no script to run")
    raise Refused(f"the script of task {paths.id[:12]}, {script.entry_point}, is not in {script.root or cwd}")


def run_task(store: Store, task_id: str, planned: Plan) -> int:
    """Run a draft as a child and wait for it; return its exit code (128 + n for a signal n), as a shell would.

    The child's own session keeps the record. What it could not say itself (it was killed) is said here.
    """
    code = _run(store, {TASK_VARIABLE: task_id}, planned)
    _settle(store, task_id, code)
    return code


def run_script(store: Store, planned: Plan, *, project: str | None, name: str | None) -> int:
    """Run any script as a new task without changing it; return its exit code as `run_task` does."""
    options = [f"--{key}={value}" for key, value in (("project", project), ("name", name)) if value]
    return _run(store, {}, Plan((*options, "--", *planned.arguments), planned.cwd))


def script_plan(script: str, arguments: Sequence[str], *, is_module: bool = False) -> Plan:
    """Return how a script of the user's is run. Raises NotFound."""
    if is_module:
        return Plan(("-m", script, *arguments), Path.cwd())
    if not Path(script).is_file():
        raise NotFound("task or script", script, "`taskstore ls` lists the tasks")
    return Plan((script, *arguments), Path.cwd())


def _run(store: Store, environment: dict[str, str], planned: Plan) -> int:
    variables = {**os.environ, ROOT_VARIABLE: str(store.root), **environment}
    variables.pop(MASTER_VARIABLE, None)
    arguments = planned.arguments if "--" in planned.arguments else ("--", *planned.arguments)
    command = [sys.executable, "-m", _CHILD, *arguments]
    with _signals_left_to_child():
        process = subprocess.Popen(command, cwd=planned.cwd, env=variables)
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _signals_left_to_child() -> Iterator[None]:
    """Ctrl-C reaches the child too, being in the same group: it decides, and we wait for what it does."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _settle(store: Store, task_id: str, code: int) -> None:
    """Say of a child that died without a word what its exit code tells."""
    from ..store import places

    paths = places.locate(store, task_id)
    record = tasks.read(paths)
    if record.status is Status.IN_PROGRESS and not liveness.is_running(store, paths, record):
        reason = f"killed ({signal.Signals(code - 128).name})" if code > 128 else f"exit code {code}"
        with contextlib.suppress(BadTransition):
            tasks.transition(
                store,
                task_id,
                Status.FAILED,
                only_from=frozenset({Status.IN_PROGRESS}),
                reason=reason,
                message="the process ended without a word",
            )
    elif record.status in _RUNNABLE and code:
        with contextlib.suppress(BadTransition):
            tasks.transition(store, task_id, Status.IN_PROGRESS, only_from=_RUNNABLE, reason="started")
            tasks.transition(store, task_id, Status.FAILED, reason=f"exit code {code}", message="it did not start")
