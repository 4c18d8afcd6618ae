"""One task in an agent's hands: from the ticket that was taken to the end of its process."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection
from enum import Enum
from pathlib import Path

from ..core.clock import UTC
from ..core.errors import BadTransition, Busy, NotFound, ReadOnly, Refused, TaskstoreError
from ..core.states import Status
from ..disk.beacon import mark_released
from ..queues import claim, policy
from ..run import abort, launch, remote, trust
from ..run.mode import LAUNCH_VARIABLE, TASK_VARIABLE
from ..schema.worker import Running
from ..store import places, stopping, tasks
from ..store.store import Store
from ..store.tickets import Ticket
from . import container, output, prepare, recovery, starting
from .options import Options, Tell

TIMED_OUT = "timed out"
_GROUP_WAIT_S = 2.0
_GROUP_POLL_S = 0.05
_ANSWER_WAIT_S = 3.0
_RETRY_S = 1.0


class Why(str, Enum):
    """Why an agent ends a task's process."""

    ABORTED = "aborted"
    TIMED_OUT = "timed out"
    PUT_BACK = "put back"


class Job:
    """A task that was taken: `start` begins it on a thread; `look` is to be called every second until it is done."""

    def __init__(
        self,
        store: Store,
        ticket: Ticket,
        options: Options,
        *,
        slot: int,
        worker: str,
        work: Path,
        tell: Tell,
        wake: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ticket = ticket
        self._options = options
        self._worker = worker
        self._work = work
        self._tell = tell
        self._wake = wake
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._secrets: Collection[str] = ()
        self._box: container.Box | None = None
        self._began_at = monotonic()
        self._time_limit_s: float | None = None
        self._why: Why | None = None
        self._asked_at = 0.0
        self._terminated_at: float | None = None
        self._is_killed = False
        self._had_failed = False
        """It had called itself failed before it was killed; what the kill makes of it otherwise is no failure."""
        self._is_left = threading.Event()
        """Set when the agent is about to end, though the store does not answer."""
        self._thread = threading.Thread(target=self._run, name=f"task-{ticket.task_id[:12]}", daemon=True)
        self.slot = slot
        self.since = store.clock.now()
        self.is_done = False

    @property
    def task_id(self) -> str:
        """The task that this is about."""
        return self._ticket.task_id

    def start(self) -> None:
        """Begin, on a thread of its own."""
        self._thread.start()

    def wait(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def as_record(self) -> Running:
        """Return what the worker's record says of this."""
        pid = self._process.pid if self._process is not None else None
        since = self.since.astimezone(UTC)
        return Running(task=self.task_id, queue=self._ticket.queue, slot=self.slot, since=since, pid=pid)

    def put_back(self) -> None:
        """End the process, and put the task back into its queue."""
        self._end_because(Why.PUT_BACK)
        self._is_left.set()

    def look(self) -> None:
        """Look whether somebody has asked for the task's end, or its time is over, and go on with ending it."""
        if self.is_done:
            return
        if self._why is None:
            if self._is_asked_to_stop():
                self._end_because(Why.ABORTED)
            elif self._time_limit_s is not None and self._monotonic() - self._began_at > self._time_limit_s:
                self._end_because(Why.TIMED_OUT)
        if self._why is not None and self._process is not None:
            self._go_on_ending(self._process)

    def _end_because(self, why: Why) -> None:
        if self._why is None:
            self._why, self._asked_at = why, self._monotonic()

    def _is_asked_to_stop(self) -> bool:
        with contextlib.suppress(OSError, TaskstoreError):
            paths = places.locate(self._store, self.task_id)
            record = stopping.read(paths)
            return record is not None and record.requested is not None
        return False

    def _go_on_ending(self, process: subprocess.Popen[bytes]) -> None:
        """SIGTERM, once the run has answered where it wants to be asked; SIGKILL to all of it after the grace."""
        now = self._monotonic()
        if self._terminated_at is None:
            if self._why is Why.ABORTED and self._is_answering(now):
                return
            self._terminated_at = now
            with contextlib.suppress(ProcessLookupError, PermissionError):
                process.terminate()
        elif not self._is_killed and now - self._terminated_at >= self._grace_s():
            self._had_failed = self._has_said_failed()
            self._is_killed = True
            if self._box is None:
                _signal_group(process, _KILL)
            else:  # an engine may take its time, and the agent's loop has none
                threading.Thread(target=_kill_box, args=(self._box, process), daemon=True).start()

    def _is_answering(self, now: float) -> bool:
        with contextlib.suppress(OSError, TaskstoreError):
            record = stopping.read(places.locate(self._store, self.task_id))
            if record is not None and record.timeout_s is not None and record.answered is None:
                return now - self._asked_at < record.timeout_s + _ANSWER_WAIT_S
        return False

    def _has_said_failed(self) -> bool:
        with contextlib.suppress(OSError, TaskstoreError):
            return tasks.read(places.locate(self._store, self.task_id)).status is Status.FAILED
        return False

    def _grace_s(self) -> float:
        with contextlib.suppress(OSError, TaskstoreError):
            record = stopping.read(places.locate(self._store, self.task_id))
            if record is not None and record.grace_s is not None:
                return record.grace_s
        return self._options.grace_s

    def _run(self) -> None:
        try:
            self._do()
        except Exception as error:  # noqa: BLE001 - one task's trouble must not end the agent
            self._tell(f"task {self.task_id[:12]}: {traceback.format_exc()}")
            with contextlib.suppress(OSError, TaskstoreError):
                launch.end(self._store, self.task_id, "the agent failed", f"{type(error).__name__}: {error}")
            with contextlib.suppress(OSError):
                claim.ack(self._ticket)
        finally:
            self.is_done = True
            self._wake()

    def _do(self) -> None:
        store, task_id = self._store, self.task_id
        try:
            self._check_trust()
            name = launch.claim(
                store,
                task_id,
                only_from=frozenset({Status.QUEUED}),
                reason=f"taken by worker {self._worker}",
                worker=self._worker,
            )
        except (Refused, NotFound) as error:
            claim.ack(self._ticket)
            self._tell(f"task {task_id[:12]}: not run: {error}")
            return
        self._time_limit_s = self._limit()
        try:
            with contextlib.ExitStack() as held:
                written = prepare.folder_of(self._work, task_id) / prepare.OUTPUT
                code = self._execute(name, self._prepared(name, held), written)
        except (TaskstoreError, OSError) as error:
            text = str(error)
            if self._why is None:
                self._surely(lambda: self._fail("it could not be started", text))
            else:
                self._surely(lambda: self._finish(None, None))
        else:
            self._surely(lambda: self._finish(code, written))

    def _surely(self, write: Callable[[], None]) -> None:
        """Write down how the task ended, and try again for as long as the store does not let us, or is away.

        An agent that is to end at once does not wait for that: then its ticket says that there is something to do.
        """
        said = ""
        while True:
            try:
                if not self._store.paths.record.exists():
                    raise FileNotFoundError(errno.ENOENT, "it is not there", str(self._store.root))  # noqa: TRY301 - it is handled as all others are
                write()
            except (OSError, ReadOnly, Busy) as error:
                text = f"task {self.task_id[:12]}: its end cannot be written down yet: {error}"
                if text != said:
                    said = text
                    self._tell(text)
                if self._is_left.wait(_RETRY_S):
                    self._tell(f"task {self.task_id[:12]}: left to another agent, or `taskstore doctor --fix`")
                    return
            else:
                return

    def _check_trust(self) -> None:
        if trust.is_needed(tasks.read(places.locate(self._store, self.task_id))):
            remote.dequeue(self._store, self.task_id)  # its ticket was written by hand
            raise Refused("it came from elsewhere, and nobody has said that it may run; enqueue it with --trust")

    def _prepared(self, launch_name: str, held: contextlib.ExitStack) -> starting.Start:
        """Make ready what the task needs; what is said meanwhile is in its console too."""
        with output.console_of(self._store, self.task_id) as console:

            def say(text: str) -> None:
                console.console("stderr", f"taskstore agent: {text}", is_whole=True)

            start = starting.make_ready(
                self._store,
                places.locate(self._store, self.task_id),
                prepare.folder_of(self._work, self.task_id),
                self._options,
                held,
                own={TASK_VARIABLE: self.task_id, LAUNCH_VARIABLE: launch_name},
                gpus=self._options.gpus[self.slot] if self._options.gpus else "",
                tell=say,
            )
            for note in start.notes:
                say(note)
            return start

    def _limit(self) -> float | None:
        limits = [self._options.time_limit_s, policy.read(self._store, self._ticket.queue).time_limit_s]
        return min((limit for limit in limits if limit is not None), default=None)

    def _fail(self, reason: str, message: str) -> None:
        with output.console_of(self._store, self.task_id) as console:
            for line in message.splitlines():
                console.console("stderr", f"taskstore agent: {line}", is_whole=True)
        launch.end(self._store, self.task_id, reason, message)
        claim.ack(self._ticket)
        self._tell(f"task {self.task_id[:12]}: {reason}: {message}")

    def _execute(self, launch_name: str, start: starting.Start, written: Path) -> int | None:
        """Run the process to its end; return its exit code, or None where it is not to be run any more."""
        if self._why is not None or not self._is_still_ours(launch_name):
            return None
        self._secrets = start.secrets
        self._box = start.box
        self._process = start.begin(written)
        self._began_at = self._monotonic()
        what = f"process {self._process.pid}" if start.box is None else f"container {start.box.name}"
        self._tell(f"task {self.task_id[:12]}: started, {what}")
        self._wake()
        code = self._process.wait()
        _end_group(self._process)
        if self._box is not None:
            self._leave(self._box, launch_name)
        return code

    def _leave(self, box: container.Box, launch_name: str) -> None:
        """Remove a container. Its run's process cannot be looked for from here: that it is gone is known by that."""
        if box.remove():
            with contextlib.suppress(OSError, TaskstoreError):
                if self._is_still_ours(launch_name):
                    mark_released(places.locate(self._store, self.task_id).beacon)
        else:
            self._tell(f"task {self.task_id[:12]}: container {box.name} could not be removed, and may go on")

    def _is_still_ours(self, launch_name: str) -> bool:
        record = tasks.read(places.locate(self._store, self.task_id))
        is_named = record.execution is not None and record.execution.launch == launch_name
        return is_named and record.status is Status.IN_PROGRESS

    def _finish(self, code: int | None, written: Path | None) -> None:
        """Write down how the task ended, where it has not said so itself, and be done with the ticket."""
        store, task_id = self._store, self.task_id
        lines: list[str] = []
        with contextlib.suppress(NotFound):
            paths = places.locate(store, task_id)
            if code and written is not None:
                has_begun = paths.beacon.exists()
                lines = output.add_unheard(store, task_id, written, has_begun=has_begun, secrets=self._secrets)
            self._write_end(code, lines)
        if self._secrets and written is not None:
            written.unlink(missing_ok=True)  # the program may have printed them
        if self._why is Why.PUT_BACK and self._is_to_be_put_back():
            what = recovery.requeue(store, self._ticket)
        else:
            claim.ack(self._ticket)
            what = self._what_became()
        self._tell(f"task {task_id[:12]}: {what}")

    def _write_end(self, code: int | None, lines: list[str]) -> None:
        store, task_id = self._store, self.task_id
        if self._why is None:
            if code == container.COULD_NOT_START and self._box is not None and not self._has_beacon():
                launch.end(store, task_id, "its container could not be started", "\n".join(lines[-20:]))
            elif code is not None:
                launch.settle(store, task_id, 128 - code if code < 0 else code, last="\n".join(lines[-20:]))
            return
        only_from = {Status.IN_PROGRESS} | ({Status.FAILED} if self._is_killed and not self._had_failed else set())
        message = f"it had not ended {self._grace_s():g} s after SIGTERM" if self._is_killed else ""
        if self._why is Why.TIMED_OUT:
            message = "\n".join(filter(None, (f"it ran longer than {self._time_limit_s:g} s", message)))
            only_from |= {Status.STOPPED}
            with contextlib.suppress(BadTransition):
                tasks.transition(
                    store,
                    task_id,
                    Status.FAILED,
                    only_from=frozenset(only_from),
                    reason=TIMED_OUT,
                    message=message,
                    force=True,
                )
            return
        reason = f"{self._why.value} (SIGKILL)" if self._is_killed else self._why.value
        abort.stop(store, task_id, frozenset(only_from), reason, message)

    def _has_beacon(self) -> bool:
        return places.locate(self._store, self.task_id).beacon.exists()

    def _is_to_be_put_back(self) -> bool:
        """Tell whether the task was ended by us, and not by itself in that moment."""
        with contextlib.suppress(NotFound):
            return tasks.read(places.locate(self._store, self.task_id)).status is not Status.COMPLETED
        return False

    def _what_became(self) -> str:
        try:
            record = tasks.read(places.locate(self._store, self.task_id))
        except (NotFound, FileNotFoundError):
            return "deleted meanwhile"
        return f"{record.status.label.lower()} ({record.status_reason})"


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to all processes of a group; tell whether there were any."""
    if sys.platform == "win32":
        process.kill()
        return False
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _kill_box(box: container.Box, process: subprocess.Popen[bytes]) -> None:
    box.kill()
    _signal_group(process, _KILL)  # the client, which has nothing to wait for any more


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what a task's process has left running in its group: its slot is about to be another's."""
    if not _signal_group(process, signal.SIGTERM):
        return
    deadline = time.monotonic() + _GROUP_WAIT_S
    while time.monotonic() < deadline:
        if not _signal_group(process, 0):
            return
        time.sleep(_GROUP_POLL_S)
    _signal_group(process, _KILL)
