"""One process's part in one task, from its start to its end."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..capture import packages, source
from ..capture.base import contained
from ..core.errors import BadName, BadTransition, BadValue, Busy, Damaged, NotFound, ReadOnly, TaskstoreError
from ..core.secrets import Masker
from ..core.states import Status
from ..disk.beacon import HeldBeacon
from ..disk.layout import TaskPaths
from ..store import events, places
from ..store.store import Store, open_default
from . import frameworks, given, origin, ranks, taking
from .captures import Captures
from .closing import Closing, sum_up_late
from .code import CodeCapture, first_look
from .ending import COMPLETED, Ending, Outcome
from .forks import follow
from .heartbeat import Heartbeat, LogSync
from .mode import (
    LAUNCH_VARIABLE,
    MASTER_VARIABLE,
    REBUILT_VARIABLE,
    STREAMS_VARIABLE,
    TASK_VARIABLE,
    Mode,
    Role,
    decide,
    master_text,
)
from .origin import Origin
from .origin import Wanted as Wanted
from .sink import StoreSink, warn
from .stopping import StopListener

_FORK_WAIT_S = 5.0
_HEARTBEAT_WAIT_S = 5.0
_CODE_WAIT_S = 90.0
_STOPPED_WAIT_S = 3.0
"""Whoever stops a run makes an end of it after some seconds more: 10 s for a container, 30 s in Slurm."""


class Session:
    """This process's part in a task. `is_recording` is false where the store could not be written at the start."""

    def __init__(self, origin: Origin) -> None:
        self.store = origin.store
        self.task_id = origin.task_id
        self.mode = origin.mode
        self.settings = origin.settings
        self._origin = origin
        self.is_recording = True
        self.is_adoptable = False
        """Begun by a launcher for a program that may say Task.init itself, and then names the task."""
        self.ending = Ending(self._finish, left=self.wait_for_code)
        known = tuple(given.here().values.values()) if self.is_rerun else ()
        self.masker = Masker(tuple(self.settings.secrets.extra), tuple(self.settings.secrets.allowed), known)
        self.sink = StoreSink(
            self.store,
            self.task_id,
            self.paths,
            self.masker,
            is_rerun=self.is_rerun,
            library_arguments=self.settings.capture.library_arguments,
        )
        self.sink.writer.history = self.settings.reports.sample_history
        self.sink.writer.offset = origin.offset
        self.verb = "running" if self.is_rerun else origin.verb
        """What this process does with the task, for the person at the terminal."""
        self.task: Any = None
        """The facade over this session; held here so that every asker gets the same one."""
        self.chores: dict[str, Callable[[], None]] = {}
        """What else keeps something in the task up to date, by the name of what it is about; see `do_chores`."""
        self._begun_as = Wanted()
        self._pid = os.getpid()
        self._captures = Captures(self.sink, self.masker, self.settings, str(self.store.root))
        self._hooks = contextlib.ExitStack()
        self._code: CodeCapture | None = None
        self._observed: packages.Observed = set()
        self._beacon: HeldBeacon | None = None
        self._heartbeat = Heartbeat(self._beat)
        self.stopping = StopListener(
            self.store,
            self.task_id,
            self.paths,
            self.sink,
            self._heartbeat,
            is_in_charge=lambda: self.is_owner and self.is_recording,
        )
        self._sync_logs = LogSync()
        self._closing = threading.RLock()  # a signal's handler closes too, on the thread that may be closing
        self._is_closed = False

    def paths(self) -> TaskPaths:
        """Return where the task is now. Raises NotFound where it has been deleted, or was never recorded."""
        if not self.is_recording:
            raise NotFound("task", self.task_id, "this run is not recorded")
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

    def start(self, wanted: Wanted, entry: source.Entry | None) -> None:
        """Begin capturing; the task of an owner (which has an entry) is then in progress, and its beacon held.

        Raises OSError or TaskstoreError where the store cannot be written, and then nothing is captured.
        """
        self._begun_as = wanted
        if entry is not None:
            self._take_over(entry)
        self._captures.choose_streams(wanted.with_streams)
        if entry is not None:
            self._hooks.enter_context(self.ending.watched(self.paths().beacon))
            self._capture_program(wanted, entry)
            self._tell_children(with_streams=bool(wanted.with_streams))
        else:
            self._hooks.enter_context(self.ending.hard_exit_watched())
        atexit.register(self._at_exit)

    def _tell_children(self, *, with_streams: bool = True) -> None:
        os.environ[MASTER_VARIABLE] = master_text(self.task_id, str(self.store.root))
        if with_streams:
            os.environ.pop(STREAMS_VARIABLE, None)
        else:
            os.environ[STREAMS_VARIABLE] = "0"

    def _capture_program(self, wanted: Wanted, entry: source.Entry) -> None:
        self._observed = self._captures.watch_packages()
        self._captures.choose_program(wanted)
        in_git = frameworks.is_repository_wanted(wanted.with_frameworks)
        self._code = CodeCapture(
            self.store,
            self.task_id,
            self.paths,
            entry,
            self.settings.capture,
            self.sink,
            rebuilt=Path(self._origin.rebuilt) if self._origin.rebuilt else None,
            with_repository=in_git,
        )
        self._code.start()
        self._heartbeat.start()
        follow(_owned)

    def _take_over(self, entry: source.Entry) -> None:
        paths = self.paths()
        self._beacon = taking.hold(self._origin, paths)
        taking.begin(self._origin, paths, first_look(entry, self.masker))

    def adopt(self, wanted: Wanted) -> None:
        """Follow what the program itself says of the task which a launcher began for it. Raises BadName.

        Of a task that is run again the names stay, and so do those that the launcher was given; of what it wants
        captured all is followed.
        """
        self.is_adoptable = False
        self._captures.choose_streams(wanted.with_streams)
        self._captures.choose_program(wanted)
        self._tell_children(with_streams=bool(wanted.with_streams))
        try:
            if self.is_rerun:
                taking.put_outputs(self._origin, wanted.output_uri)
            else:
                self._take_names(wanted)
        except (BadName, BadValue):
            raise
        except (OSError, TaskstoreError) as error:
            self.sink.cannot_write(error)

    def _take_names(self, wanted: Wanted) -> None:
        name = taking.name_of(wanted, self._begun_as)
        if wanted.with_arguments is not True:
            self._captures.forget_arguments(wanted.with_arguments)
        taking.take_names(self._origin, wanted, self._begun_as, name, self.paths)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Change the task within the block; a store that refuses is warned of, once.

        Once the session has ended, the task is one like any other, and errors are raised.
        """
        if self._is_closed:
            yield
            return
        try:
            yield
        except (OSError, Busy, Damaged, NotFound, ReadOnly) as error:
            self.sink.cannot_write(error)

    def _beat(self) -> None:
        """Renew the heartbeat, take the logs to the disk, and keep the summary fresh."""
        try:
            paths = self.paths()
            with contextlib.suppress(FileNotFoundError):  # it is being moved; the next beat finds it
                if self._beacon is not None:
                    self._beacon.beat(paths.beacon)
                self._sync_logs(paths.events)
                self.sink.sync()
                last = events.refresh_summary(paths).last_iteration
                if self._captures.monitor is not None:
                    self._captures.monitor.sample(None if last is None else last - self.sink.writer.offset)
        except (OSError, TaskstoreError) as error:
            self.sink.cannot_write(error)
        self.stopping.look()
        self.do_chores()
        if self._code is not None:
            self._code.refresh(self._observed)

    def do_chores(self) -> None:
        """Do each chore: at every beat, at a flush, and before the end. Nothing is raised."""
        if os.getpid() != self._pid or not self.is_recording:
            return
        for name, chore in list(self.chores.items()):
            with contained(self.sink, name):
                try:
                    chore()
                except (OSError, TaskstoreError) as error:
                    self.sink.cannot_write(error)

    def _at_exit(self) -> None:
        if os.getpid() != self._pid:
            self._leave()
            return
        with self.ending.interrupt_kept():
            self.close(self.ending.outcome())

    def _leave(self) -> None:
        """End a forked child's part: what it has printed without an end is persisted; the task's state is not its."""
        self._captures.close()
        self.sink.writer.close()

    def pause(self) -> None:
        """Let no thread of ours run while the process forks: a child must not inherit a lock that one of them holds.

        (From Python 3.12 on, a fork of a process with threads also warns.)
        """
        self._heartbeat.pause(_FORK_WAIT_S)
        if self._code is not None:
            self._code.wait(_FORK_WAIT_S)

    def resume(self, *soon: Callable[[], None]) -> None:
        """Go on after a fork, in the parent; `soon` is called before the next one."""
        self._heartbeat.resume(*soon)

    def wait_for_code(self) -> None:
        """Wait until what the program consists of is recorded, for a time."""
        if self._code is not None:
            self._code.wait(_CODE_WAIT_S)

    def _finish(self, outcome: Outcome) -> None:
        if os.getpid() == self._pid:
            self.close(outcome)
        else:
            self._leave()

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
        self._heartbeat.stop(_HEARTBEAT_WAIT_S)
        self.do_chores()
        self._captures.close()
        if self.is_recording:
            self.sink.finish()
        if self._code is not None and self.is_recording:
            is_stopped = outcome is not None and outcome.status is Status.STOPPED
            self._code.finish(self._observed, wait_s=_STOPPED_WAIT_S if is_stopped else _CODE_WAIT_S)
        self.sink.writer.close()
        if self.mode is Mode.HELPER:
            sum_up_late(self.paths)
        elif self.is_recording:
            closing = Closing(self.store, self.task_id, self.paths, self.sink, self.masker, self._beacon)
            closing.write(outcome, self.stopping.message)
            closing.publish_if_asked()
        # The last of all: a signal that comes before is ours, and the program dies of it when all is written.
        self._hooks.close()
        if os.environ.get(MASTER_VARIABLE, "").startswith(f"{self._pid}:{self.task_id}:"):
            del os.environ[MASTER_VARIABLE]
            os.environ.pop(STREAMS_VARIABLE, None)
        atexit.unregister(self._at_exit)
        _forget(self)

    def _release_beacon(self) -> None:
        if self._beacon is not None:
            self._beacon.release()

    def give_up(self, error: Exception) -> None:
        """Record nothing (any more), and say so once: the training matters more than the record of it."""
        self._captures.close()
        self._release_beacon()
        self.is_recording = False
        warn(f"this run is not recorded: {error}")
        self.sink.silence()


_current: Session | None = None
_beginning = threading.RLock()


def _begin_anew_after_a_fork() -> None:
    global _beginning
    _beginning = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_a_fork)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one thread at a time look whether there is a session, and begin one; a signal's handler may come between."""
    with _beginning:
        yield


def _owned() -> Session | None:
    return _current if _current is not None and _current.is_owner else None


def opened() -> Session | None:
    """Return this process's open session, if it has one already."""
    return _current if _current is not None and _current.is_open else None


def current() -> Session | None:
    """Return this process's open session; a child of a run joins its parent's task here."""
    global _current
    if _current is not None:
        return _current
    with one_at_a_time():
        if _current is not None:
            return _current
        role = ranks.joined_already(decide(os.environ))
        joined = origin.joined(role, Wanted()) if role.mode is Mode.HELPER else None
        wanted = Wanted(with_streams=os.environ.get(STREAMS_VARIABLE) != "0")
        _current = _joined(joined, wanted) if joined is not None else None
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
    alone = decide(os.environ)
    role, claim = ranks.meet(alone, find_store)
    try:
        joined = origin.joined(role, wanted) if role.mode is Mode.HELPER else None
        # What a rank begins instead has no parent, for rank 0 is none.
        session = _joined(joined, wanted) if joined is not None else _owner(alone, wanted, find_store)
    except BaseException:
        if claim is not None:
            claim.settle(None)
        raise
    if claim is not None:
        claim.settle(session.task_id if session.is_recording else None)
    _current = session
    return session


def _joined(joined: Origin, wanted: Wanted) -> Session:
    session = Session(joined)
    session.start(wanted, None)
    if MASTER_VARIABLE not in os.environ:  # a rank's children would have to meet the others again
        session._tell_children()
    return session


def _owner(role: Role, wanted: Wanted, find_store: Callable[[], Store]) -> Session:
    """Return a session of this process's own task. Raises BadName; of a launched process's task, what is wrong."""
    try:
        entry = source.entry()
    except OSError as error:  # the working directory is gone
        return _failed(Session(origin.nowhere(error)), error)
    if role.mode is Mode.ATTACHED:
        for name in (TASK_VARIABLE, LAUNCH_VARIABLE, REBUILT_VARIABLE):  # its children are helpers
            os.environ.pop(name, None)
        begun = origin.attached(role, find_store)
    else:
        begun = origin.fresh(wanted, entry, find_store, parent=role.task_id)
    session = Session(begun)
    if begun.failure is not None:
        return _failed(session, begun.failure)
    try:
        session.start(wanted, entry)
    except (OSError, TaskstoreError) as error:
        if role.mode is Mode.ATTACHED and isinstance(error, (BadTransition, Busy)):
            raise  # somebody else runs the task, or it has ended: to go on would be no run of it
        return _failed(session, error)
    if begun.warning:
        session.sink.note("settings", begun.warning)
    return session


def _failed(session: Session, error: Exception) -> Session:
    session.give_up(error)
    return session


def announce(session: Session) -> None:
    """Tell the person at the terminal which task this is."""
    home = session.paths().home
    warn(f"{session.verb} task {session.task_id} in {home}")
