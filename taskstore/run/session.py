"""One process's part in one task, from its start to its end."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..capture import arguments, console, git, packages, source
from ..core.errors import BadName, BadTransition, BadValue, NotFound, TaskstoreError
from ..core.names import MIN_LENGTH
from ..core.secrets import Masker
from ..core.states import RECORDING, Status
from ..disk.atomic import replace_record
from ..disk.layout import TaskPaths
from ..disk.lock import HEARTBEAT_S, HeldBeacon, hold_beacon
from ..schema import codec
from ..schema.record import ScriptRecord, TaskRecord
from ..store import events, places, settings, tasks
from ..store.store import Store, open_at, open_default
from .code import CodeCapture, first_look
from .ending import COMPLETED, Ending, Outcome, leave_exit_code
from .forks import follow, warning_hidden
from .mode import MASTER_VARIABLE, TASK_VARIABLE, Mode, Role, decide, master_text
from .sink import StoreSink, warn

_FORK_WAIT_S = 5.0
_FORK_WARNING_S = 0.1
_DEFAULT_PROJECT = "Untitled"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a program asks for when it begins a task; None where it leaves the choice."""

    project: str | None = None
    name: str | None = None
    type: str | None = None
    tags: Sequence[str] = ()
    with_streams: bool = True
    with_arguments: bool = True


class Session:
    """This process's part in a task. `is_recording` is false where the store could not be written at the start."""

    def __init__(self, store: Store, task_id: str, mode: Mode, configured: settings.Settings) -> None:
        self.store = store
        self.task_id = task_id
        self.mode = mode
        self.settings = configured
        self.is_recording = True
        self.is_adoptable = False
        """Begun by a launcher for a program that may say Task.init itself, and then names the task."""
        self.ending = Ending(self._finish)
        self.masker = Masker(tuple(configured.secrets.extra), tuple(configured.secrets.allowed))
        self.sink = StoreSink(
            store, task_id, self.paths, self.masker, self.ending.undisturbed, is_rerun=mode is Mode.ATTACHED
        )
        self.has_console = False
        self.task: Any = None
        """The facade over this session; held here so that every asker gets the same one."""
        self._pid = os.getpid()
        self._captures = contextlib.ExitStack()
        self._code: CodeCapture | None = None
        self._observed: packages.Observed = set()
        self._beacon: HeldBeacon | None = None
        self._heartbeat = threading.Event()
        self._beating: threading.Thread | None = None
        self._forked_alone = False
        self._closing = threading.Lock()
        self._is_closed = False

    def paths(self) -> TaskPaths:
        """Return where the task is now."""
        return places.locate(self.store, self.task_id)

    @property
    def is_owner(self) -> bool:
        """Whether this process decides the task's state; a forked child and a helper do not."""
        return self.mode is not Mode.HELPER and os.getpid() == self._pid

    @property
    def is_rerun(self) -> bool:
        """Whether stored parameters replace the program's."""
        return self.mode is Mode.ATTACHED

    @property
    def is_open(self) -> bool:
        """Whether the session goes on."""
        return not self._is_closed

    def start(self, wanted: Wanted, entry: source.Entry) -> None:
        """Begin capturing. The owner's task is in progress afterwards, and its beacon held."""
        if self.mode is not Mode.HELPER:
            self._take_over(entry)
        capture = self._captures.enter_context
        if wanted.with_streams:
            capture(console.capture(self.sink))
            self.has_console = True
        if self.mode is Mode.HELPER:
            return
        capture(self.ending.watched())
        self._observed = capture(packages.watched())
        if wanted.with_arguments:
            capture(arguments.capture(self.sink, masker=self.masker))
        self._code = CodeCapture(self.store, self.task_id, self.paths, entry, self.settings.capture, self.sink)
        self._code.start()
        self._start_beating()
        follow(_owned)
        os.environ[MASTER_VARIABLE] = master_text(self.task_id, str(self.store.root))
        atexit.register(self._at_exit)

    def _take_over(self, entry: source.Entry) -> None:
        """Hold the beacon first: who sees the task in progress must find it alive."""
        paths = self.paths()
        self._beacon = hold_beacon(paths.beacon, self.store.locks)
        paths.exit_code.unlink(missing_ok=True)
        script = first_look(entry, self.masker)

        def change(record: ScriptRecord) -> None:
            for field in ScriptRecord.__struct_fields__:
                if field != "rev":
                    setattr(record, field, getattr(script, field))

        if self.mode is Mode.ATTACHED:
            tasks.edit_script(self.store, self.task_id, change)
        else:
            replace_record(paths.script, codec.encode(script))
        startable = frozenset({Status.CREATED, Status.QUEUED, Status.IN_PROGRESS})
        tasks.transition(self.store, self.task_id, Status.IN_PROGRESS, only_from=startable, reason="started")

    def adopt(self, wanted: Wanted) -> None:
        """Take the names that the program itself gives to the task which a launcher began for it."""
        self.is_adoptable = False

        def change(record: TaskRecord) -> None:
            record.name = wanted.name or record.name
            record.type = wanted.type or record.type
            record.tags = list(dict.fromkeys([*record.tags, *wanted.tags]))

        with self.ending.undisturbed():
            tasks.edit(self.store, self.task_id, change, allowed=RECORDING)
            if wanted.project:
                tasks.move(self.store, self.task_id, wanted.project)

    def _beat(self, *started: Callable[[], None]) -> None:
        """Renew the heartbeat, take the logs to the disk, and keep the summary fresh, until the end."""
        for tell in started:
            self._heartbeat.wait(_FORK_WARNING_S)
            tell()
        while not self._heartbeat.wait(HEARTBEAT_S):
            try:
                self._beat_once()
            except (OSError, TaskstoreError) as error:
                self.sink.cannot_write(error)

    def _beat_once(self) -> None:
        paths = self.paths()
        if self._beacon is not None:
            self._beacon.beat(paths.beacon)
        self.sink.writer.sync()
        events.refresh_summary(paths)

    def _at_exit(self) -> None:
        if os.getpid() == self._pid:
            with self.ending.interrupt_kept():
                self.close(self.ending.outcome())

    def pause(self) -> None:
        """Let no thread of ours run while the process forks: a child must not inherit a lock that one of them holds.

        (From Python 3.12 on, a fork of a process with threads also warns.)
        """
        self._heartbeat.set()
        if self._beating is not None:
            self._beating.join()
        if self._code is not None:
            self._code.wait(_FORK_WAIT_S)
        self._forked_alone = threading.active_count() == 1

    def resume(self) -> None:
        """Go on after a fork, in the parent."""
        if self.is_open and self._beating is not None:
            self._start_beating(*([warning_hidden()] if self._forked_alone else []))

    def _start_beating(self, *started: Callable[[], None]) -> None:
        self._heartbeat.clear()
        self._beating = threading.Thread(target=self._beat, args=started, name="taskstore-heartbeat", daemon=True)
        self._beating.start()

    def _leave_to_reader(self) -> bool:
        """Leave the final state to whoever looks next, who will find the exit code and nobody alive."""
        try:
            return leave_exit_code(self.paths().exit_code)
        except TaskstoreError:
            return False

    def _finish(self, outcome: Outcome) -> None:
        self.close(outcome)

    def close(self, outcome: Outcome | None = COMPLETED) -> None:
        """End this process's part: captures out, logs synced, and, by the owner, the final state written. Once.

        Without an outcome the process is about to leave with a code that only the system will know. A forked child
        only closes its own logs. Nothing is raised for the store's sake.
        """
        if os.getpid() != self._pid:
            self.sink.writer.close()
            return
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        self._heartbeat.set()
        with self.ending.undisturbed():
            self._captures.close()
            if self._code is not None and self.is_recording:
                self._code.finish(self._observed)
            self.sink.writer.close()
            if self.mode is not Mode.HELPER and self.is_recording:
                self._write_end(outcome)
        if os.environ.get(MASTER_VARIABLE, "").startswith(f"{self._pid}:{self.task_id}:"):
            del os.environ[MASTER_VARIABLE]
        atexit.unregister(self._at_exit)
        _forget(self)

    def _write_end(self, outcome: Outcome | None) -> None:
        if outcome is None:
            if self._leave_to_reader():
                return
            outcome = Outcome(Status.COMPLETED, "SystemExit", "left by SystemExit with a code that is not known")
        try:
            events.refresh_summary(self.paths())
            tasks.transition(
                self.store,
                self.task_id,
                outcome.status,
                only_from=frozenset({Status.IN_PROGRESS}),
                reason=outcome.reason,
                message=outcome.message,
            )
        except (BadTransition, NotFound):
            pass  # somebody marked it, or deleted it, while it ran: their word stands
        except (OSError, TaskstoreError) as error:
            self.sink.cannot_write(error)
        finally:
            if self._beacon is not None:
                self._beacon.release()


_current: Session | None = None


def _owned() -> Session | None:
    return _current if _current is not None and _current.is_owner else None


def current() -> Session | None:
    """Return this process's open session; a child of a run joins its parent's task here."""
    global _current
    if _current is None and decide(os.environ).mode is Mode.HELPER:
        _current = _join(decide(os.environ), Wanted())
    return _current


def _forget(session: Session) -> None:
    global _current
    if _current is session:
        _current = None


def begin(wanted: Wanted, *, find_store: Callable[[], Store] = open_default) -> Session:
    """Begin this process's part in a task: a new one, the one it was launched for, or its parent's.

    A name that cannot be used raises BadName; a store that cannot be used warns, and the session records nothing.
    """
    global _current
    role = decide(os.environ)
    if role.mode is Mode.HELPER:
        _current = _join(role, wanted)
        if _current is not None:
            return _current
    entry = source.entry()
    session = _attached(role, find_store) if role.mode is Mode.ATTACHED else _fresh(wanted, entry, find_store, role)
    if session.is_recording:
        try:
            session.start(wanted, entry)
        except (OSError, TaskstoreError) as error:
            session.is_recording = False
            session.sink.cannot_write(error)
    _current = session
    return session


def announce(session: Session) -> None:
    """Tell the person at the terminal which task this is."""
    home = session.paths().home
    verb = "running" if session.is_rerun else "created"
    warn(f"{verb} task {session.task_id} in {home}")


def _attached(role: Role, find_store: Callable[[], Store]) -> Session:
    del os.environ[TASK_VARIABLE]  # its children are helpers
    store = find_store()
    places.locate(store, role.task_id)
    return Session(store, role.task_id, Mode.ATTACHED, settings.load(store))


def _fresh(wanted: Wanted, entry: source.Entry, find_store: Callable[[], Store], role: Role) -> Session:
    stem = entry.path.stem if entry.path else "interactive"
    name = wanted.name or (stem if len(stem) >= 3 else f"{stem} run")

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.type = wanted.type or record.type
        record.tags = list(dict.fromkeys(wanted.tags))
        record.system_tags = ["development"]
        record.parent = role.task_id or None

    store: Store | None = None
    try:
        store = find_store()
        configured = settings.load(store)
        paths = tasks.create(store, wanted.project or _default_project(entry), name, fill=fill)
    except (BadName, BadValue):
        raise
    except (OSError, TaskstoreError) as error:
        return _unrecorded(store, error)
    return Session(store, paths.id, Mode.FRESH, configured)


def _default_project(entry: source.Entry) -> str:
    """Return the name of the repository that the program lies in, as ClearML does, or Untitled."""
    name = git.root_name(entry.path, entry.working_directory) or ""
    return name if len(name) >= MIN_LENGTH else _DEFAULT_PROJECT


def _unrecorded(store: Store | None, error: Exception) -> Session:
    """Return a session that records nothing: the training matters more than the record of it."""
    from pathlib import Path

    from ..core.ids import new_id
    from ..disk.layout import StorePaths
    from ..disk.lock import LockKind

    nowhere = store or Store(StorePaths(Path(os.devnull)), "", LockKind.FLOCK)
    session = Session(nowhere, new_id(), Mode.FRESH, settings.Settings())
    session.is_recording = False
    warn(f"this run is not recorded: {error}")
    session.sink.silence()
    return session


def _join(role: Role, wanted: Wanted) -> Session | None:
    """Join the parent's task as a helper; None where another task is asked for, or the parent's has ended."""
    try:
        store = open_at(role.root)
        paths = places.locate(store, role.task_id)
        record = tasks.read(paths)
        project = places.project_of(store, paths.home)
    except (OSError, TaskstoreError):
        return None
    is_same = wanted.name in (None, record.name) and wanted.project in (None, project)
    if record.status is not Status.IN_PROGRESS or not is_same:
        return None
    session = Session(store, role.task_id, Mode.HELPER, settings.load(store))
    session.start(wanted, source.entry())
    return session
