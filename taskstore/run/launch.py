"""Running a task's recorded command, or any script, as a child process in the present environment."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from ..core.errors import BadTransition, NotFound, Refused, TaskstoreError
from ..core.ids import new_id
from ..core.states import Status
from ..disk.beacon import ended_by_signal, is_alive, read_beacon, why_gone
from ..disk.layout import TaskPaths
from ..schema.record import Execution, ScriptRecord, TaskRecord
from ..store import liveness, places, tasks
from ..store.store import ROOT_VARIABLE, Store, check_writable
from . import checkout, given, modules, trust
from .mode import LAUNCH_VARIABLE, MASTER_VARIABLE, REBUILT_VARIABLE, TASK_VARIABLE

AS_CLEARML = (("clearml", "taskstore.clearml"),)
_CHILD = "taskstore.run.child"
_RUNNABLE = frozenset({Status.CREATED, Status.QUEUED})
_OWN_VARIABLES = (MASTER_VARIABLE, TASK_VARIABLE, LAUNCH_VARIABLE, REBUILT_VARIABLE)
_FORWARDED = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


@dataclass(frozen=True)
class Plan:
    """What would be started: what python is given, the folder it starts in, and what a person should know of it."""

    arguments: tuple[str, ...]
    cwd: Path
    notes: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    """Names of packages for which another stands in the program: (name, package)."""
    python: str = ""
    """The interpreter; empty is this one."""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    """Environment variables that the program is to have, besides this process's own; None takes one away."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the task has masked, by the variables that the program's process is to have; see `given`."""
    kept_open: tuple[int, ...] = ()
    """Descriptors that the program's process is to hold as long as it lives."""

    def shown(self) -> str:
        """Return the command as a person would type it."""
        import shlex

        return shlex.join(["python", *self.arguments])


def plan(store: Store, paths: TaskPaths, *, is_claimed: bool = False, secrets: Mapping[str, str] | None = None) -> Plan:
    """Return how a draft's recorded command is run here. Raises BadTransition, or Refused saying what is missing.

    Its notes say where the code here differs from the recorded code. One that `is_claimed` is in progress already.
    Without `secrets` those that it needs are this process's variables.
    """
    record = tasks.read(paths)
    if not is_claimed and record.status not in _RUNNABLE:
        raise _not_runnable(record)
    script = tasks.read_script(paths)
    if script.repository and not script.root and not script.cwd:
        raise Refused(
            f"the code of task {record.id[:12]} is in {script.repository}, of which there is no clone here; "
            "make one, go there, and use `taskstore run SCRIPT ARGS...`"
        )
    cwd = Path(script.cwd or ".")
    if not cwd.is_dir():
        raise Refused(
            f"the folder that task {record.id[:12]} ran in, {cwd}, is not on this machine; "
            "go to where the code is now, and use `taskstore run SCRIPT ARGS...`"
        )
    arguments = own_arguments(paths.id, script)
    target, notes = _target(paths, script, cwd)
    secrets = given.for_task(paths) if secrets is None else secrets
    notes += given.notes(paths, secrets)
    return Plan((*target, *arguments), cwd, tuple(notes), tuple(script.aliases.items()), secrets=secrets)


def check_runnable(store: Store, paths: TaskPaths) -> None:
    """Raise BadTransition where a task is none that can be run."""
    record = tasks.read(paths)
    if record.status not in _RUNNABLE:
        raise _not_runnable(record)


def check_binary(name: str, binary: str) -> None:
    """Raise Refused for a program of another language, which is recorded, and run neither here nor by an agent."""
    if binary and not Path(binary).name.startswith("python"):
        raise Refused(f"{name} is run by {binary}, and taskstore runs Python programs; let one of them start it")


def own_arguments(task_id: str, script: ScriptRecord) -> list[str]:
    """Return what a task's program is given on its command line. Raises Refused where that cannot be run."""
    check_binary(f"task {task_id[:12]}", script.binary)
    return script.argv[1:]


def _not_runnable(record: TaskRecord) -> BadTransition:
    hint = f"`taskstore clone {record.id[:12]}` makes a draft of it to run, "
    if record.status is Status.IN_PROGRESS:
        hint += f"`taskstore abort {record.id[:12]}` ends it"
    else:
        hint += "`taskstore reset` makes it one again"
    return BadTransition(record.id, record.status.value, Status.IN_PROGRESS.value, hint)


def _target(paths: TaskPaths, script: ScriptRecord, cwd: Path) -> tuple[tuple[str, ...], list[str]]:
    """Return what python is given before the program's own arguments, and what is to be said of it."""
    if script.kind == "module" and script.module:
        return _module_target(paths, script, cwd)
    place = Path(script.root, script.working_dir) if script.root else cwd
    if script.entry_point and (place / script.entry_point).is_file():
        return (str(place / script.entry_point),), checkout.differences(paths, script)
    if script.standalone is not None and (paths.home / script.standalone.path).is_file():
        missing = [f"{script.entry_point} is gone; the task's own copy of it is run"] if script.entry_point else []
        return (str(paths.home / script.standalone.path),), missing
    if not script.entry_point:
        raise Refused(f"task {paths.id[:12]} records no script to run; `taskstore run SCRIPT ARGS...` runs one")
    raise Refused(
        f"the script of task {paths.id[:12]}, {script.entry_point}, is not in {place}; "
        "bring it back, or use `taskstore run SCRIPT ARGS...`"
    )


def _module_target(paths: TaskPaths, script: ScriptRecord, cwd: Path) -> tuple[tuple[str, ...], list[str]]:
    if modules.is_runnable(script.module, cwd):
        return ("-m", script.module), checkout.differences(paths, script)
    missing = f"the module of task {paths.id[:12]}, {script.module}, is not to be found from {cwd}"
    if script.standalone is None or not (paths.home / script.standalone.path).is_file():
        raise Refused(f"{missing}; bring it back, or use `taskstore run -m MODULE ARGS...`")
    if modules.needs_package(paths.home / script.standalone.path):
        raise Refused(
            f"{missing}, and the task's own copy of it cannot run without the package that it imports from; "
            f"bring that back (the copy is {paths.home / script.standalone.path})"
        )
    return (str(paths.home / script.standalone.path),), [f"{script.module} is gone; the task's own copy of it is run"]


def script_plan(script: str, arguments: Sequence[str], *, is_module: bool = False, as_clearml: bool = False) -> Plan:
    """Return how a script of the user's is run; `as_clearml` has `import clearml` give ours. Raises NotFound."""
    aliases = AS_CLEARML if as_clearml else ()
    if is_module:
        return Plan(("-m", script, *arguments), Path.cwd(), aliases=aliases)
    if not Path(script).is_file():
        raise NotFound("script", script, "name a Python file, or -m and a module")
    return Plan((script, *arguments), Path.cwd(), aliases=aliases)


def run_task(store: Store, task_id: str, planned: Plan, *, is_trusted: bool = False) -> int:
    """Run a draft as a child and wait for it; return its exit code (128 + n for a signal n), as a shell would.

    Of two callers one wins, and the other gets BadTransition. The child's own session keeps the record; what it
    could not say itself (it was killed) is said here. Raises Refused for what came from elsewhere and is not trusted.
    """
    trust.check(store, task_id, is_trusted=is_trusted)
    launch = claim(store, task_id)
    try:
        code = _run(store, {TASK_VARIABLE: task_id, LAUNCH_VARIABLE: launch}, (), planned)
    except OSError as error:
        end(store, task_id, f"could not be started: {error.strerror}", str(error))
        raise Refused(f"task {task_id[:12]} could not be started: {error}") from None
    settle(store, task_id, code)
    return code


def run_script(store: Store, planned: Plan, *, project: str | None, name: str | None) -> int:
    """Run any script as a new task without changing it; return its exit code as `run_task` does.

    Raises ReadOnly for a store in a zip, before the script has begun.
    """
    check_writable(store)
    options = [f"--{key}={value}" for key, value in (("project", project), ("name", name)) if value]
    earlier = new_id()
    code = _run(store, {}, options, planned)
    if code > 128:
        _settle_since(store, earlier)
    return code


def _settle_since(store: Store, earlier: str) -> None:
    """Write down how the runs ended that have begun since an id was made, and are gone: the child died of a signal."""
    for folder, task_id in places.walk(store, []):
        if task_id > earlier:
            paths = TaskPaths(Path(folder) / task_id)
            with contextlib.suppress(TaskstoreError, OSError):  # it is being moved, or damaged: no matter of this run
                liveness.settle(store, paths, tasks.read(paths))


def claim(
    store: Store, task_id: str, *, only_from: frozenset[Status] = _RUNNABLE, reason: str = "launched", worker: str = ""
) -> str:
    """Take a task for this run; return the name of the launch, which the child is to be given. Raises BadTransition.

    The child, which comes to hold the beacon, finds the task in progress; one that finds another launch named in the
    record does not begin.
    """
    launch, forget = secrets.token_hex(8), liveness.forget_earlier_run(store)

    def name_launch(paths: TaskPaths, record: TaskRecord) -> None:
        forget(paths, record)
        if not paths.beacon.exists():
            paths.stop.unlink(missing_ok=True)
        record.execution = record.execution or Execution()
        record.execution.launch = launch
        record.last_worker = worker

    try:
        tasks.transition(store, task_id, Status.IN_PROGRESS, only_from=only_from, reason=reason, also=name_launch)
    except BadTransition:
        raise _not_runnable(tasks.read(places.locate(store, task_id))) from None
    return launch


def command_of(planned: Plan, options: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a plan as a task."""
    aliases = ",".join(f"{name}={package}" for name, package in planned.aliases)
    command = [planned.python or sys.executable, "-m", _CHILD, *options, *([f"--alias={aliases}"] if aliases else [])]
    return [*command, "--", *planned.arguments]


def variables_of(store: Store, environment: Mapping[str, str], planned: Plan) -> dict[str, str]:
    """Return the environment of a child that runs as a task of this store: nothing of a run that this process is."""
    variables = {key: value for key, value in os.environ.items() if key not in _OWN_VARIABLES}
    if TASK_VARIABLE in environment:  # an agent may have the secrets of many tasks
        variables = {key: value for key, value in variables.items() if not key.startswith(given.PREFIX)}
    changed = {**variables, **planned.variables, **planned.secrets, ROOT_VARIABLE: str(store.root), **environment}
    return {key: value for key, value in changed.items() if value is not None}


def _run(store: Store, environment: dict[str, str], options: Sequence[str], planned: Plan) -> int:
    with _Signals() as signals:
        process = subprocess.Popen(
            command_of(planned, options),
            cwd=planned.cwd,
            env=variables_of(store, environment, planned),
            pass_fds=planned.kept_open,
        )
        signals.send_to(process)
        code = process.wait()
    return code if code >= 0 else 128 - code


class _Signals:
    """Hands on to the child, within the block, the signals that ask a program to end: it decides what they mean.

    They are handled and not ignored, because a child inherits what is ignored. Ctrl-C reaches the child by itself,
    being typed at the terminal of both.
    """

    def __init__(self) -> None:
        self._before: dict[int, object] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __enter__(self) -> _Signals:
        with contextlib.suppress(ValueError):  # not the main thread, to which signals come
            for number in (signal.SIGINT, *_FORWARDED):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal has returned

    def send_to(self, process: subprocess.Popen[bytes]) -> None:
        """Name the child, once it runs."""
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and _is_in_foreground():
            return
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)


def _is_in_foreground() -> bool:
    """Tell whether what is typed at a terminal reaches this process's group, and so the child too."""
    if os.name != "posix":
        return True
    with contextlib.suppress(OSError), open(os.ctermid(), "rb", buffering=0) as terminal:  # noqa: PTH123 - no file
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False


def settle(store: Store, task_id: str, code: int, *, last: str = "") -> None:
    """Say of a child that ended without a word what its exit code tells, and the `last` lines that it has written.

    A signal n is the exit code 128 + n.
    """
    paths = places.locate(store, task_id)
    record = tasks.read(paths)
    if record.status is not Status.IN_PROGRESS or is_alive(paths.beacon, store.locks):
        return
    beacon = read_beacon(paths.beacon)
    if ended_by_signal(paths.beacon) or (beacon is not None and beacon.ended):  # it could not write its record
        liveness.settle(store, paths, record)
        return
    has_begun = paths.beacon.exists()
    if code == 0 and has_begun:  # the store was away as it ended
        _leave(store, task_id, Status.COMPLETED, "completed", "told by the exit code: the run could not write it down")
        return
    reason, message = f"exit code {code}", "the process ended without a word" if has_begun else "it did not start"
    if code > 128:
        with contextlib.suppress(ValueError):
            reason = f"killed ({signal.Signals(code - 128).name})"
        cause, details = why_gone(paths.beacon) if has_begun else ("", message)
        reason, message = (cause, details) if cause == "out of memory" else (reason, details)
    end(store, task_id, reason, "\n".join(filter(None, (message, last))))


def end(store: Store, task_id: str, reason: str, message: str) -> None:
    """Call a task failed that is still said to be in progress."""
    _leave(store, task_id, Status.FAILED, reason, message)


def _leave(store: Store, task_id: str, to: Status, reason: str, message: str) -> None:
    with contextlib.suppress(BadTransition):  # somebody was first to notice
        tasks.transition(store, task_id, to, only_from=frozenset({Status.IN_PROGRESS}), reason=reason, message=message)
