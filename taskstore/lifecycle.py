"""What becomes of a task: marked, reset, published, deleted, waited for; `task.lifecycle`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from .core import states
from .core.errors import BadTransition, BadValue, Refused
from .core.states import Status
from .run.ending import PUBLISH
from .run.stopping import StopListener
from .schema.record import TaskRecord
from .sections import clone
from .store import liveness, published, stopping, tasks, trash
from .store.hold import Hold


class Lifecycle:
    """Changes a task's status. A change that the table of statuses does not allow raises BadTransition.

    A running program may mark its own task: the mark stays when the program ends, whatever the exit code, and what is
    reported until then is recorded.
    """

    def __init__(self, hold: Hold, listener: StopListener | None = None) -> None:
        self._hold = hold
        self._listener = listener

    def mark_started(self, *, force: bool = False) -> None:
        """Set the status to in_progress, of a task that something else than `taskstore run` executes."""
        forget = liveness.forget_earlier_run(self._hold.store)
        with self._hold.guard():
            tasks.transition(
                self._hold.store, self._hold.task_id, Status.IN_PROGRESS, reason="started", force=force, also=forget
            )

    def mark_completed(self, *, message: str = "", force: bool = False) -> None:
        """Set the status to completed. `force` skips the table of statuses."""
        self._mark(Status.COMPLETED, "completed", message, force=force)

    def mark_failed(self, *, reason: str = "", message: str = "", force: bool = False) -> None:
        """Set the status to failed; `reason` is one line, `message` may be more."""
        self._mark(Status.FAILED, reason or "marked as failed", message, force=force)

    def mark_stopped(self, *, reason: str = "", message: str = "", force: bool = False) -> None:
        """Set the status to stopped (shown as Aborted). That ends no process: `taskstore abort` does."""
        self._mark(Status.STOPPED, reason or "marked as aborted", message, force=force)

    def request_stop(self, message: str = "") -> None:
        """Ask a running task to stop, also one on another host that shares the store; returns at once.

        Its abort callback is called, and then it ends itself as by SIGTERM. Raises BadTransition where it does not run.
        """
        record = self._hold.settled()
        if record.status is not Status.IN_PROGRESS:
            raise BadTransition(record.id, record.status.value, Status.STOPPED.value, "only what runs can be asked to")
        with self._hold.guard():
            stopping.ask(self._hold.store, self._hold.task_id, message, ends_itself=True)

    def register_abort_callback(self, callback: Callable[[], object] | None, *, timeout_s: float = 30.0) -> None:
        """Be called, on a thread of its own, when this process's run is asked to stop and before it gets SIGTERM.

        `taskstore abort` waits for it, at most `timeout_s` seconds. It replaces an earlier one; None removes that. In a
        helper process of the run it is not called. Raises BadValue, Refused where the task is not this process's own.
        """
        if self._listener is None:
            raise Refused(f"task {self._hold.task_id[:12]} is not this process's open task; only that can call back")
        self._listener.register(callback, timeout_s)

    def _mark(self, status: Status, reason: str, message: str, *, force: bool) -> None:
        with self._hold.guard():
            tasks.transition(self._hold.store, self._hold.task_id, status, reason=reason, message=message, force=force)

    def reset(self, *, force: bool = False) -> None:
        """Make the task a draft again: what it was given stays, what it produced is deleted for good.

        A published one is refused unless `force` is given, a running one always. Raises BadTransition, Refused.
        """
        self._hold.settled()
        clone.reset(self._hold.store, self._hold.task_id, force=force)

    def publish(self, *, message: str = "", force: bool = False) -> None:
        """Make a task that has ended read-only, for good, with a hash of every file. Raises BadTransition."""
        self._hold.settled()
        published.publish(self._hold.store, self._hold.task_id, message=message, force=force)

    def publish_on_completion(self, wanted: bool = True) -> None:
        """Have the running program's own task published when it ends as completed."""
        text = {PUBLISH: "1"} if wanted else {}

        def change(record: TaskRecord) -> None:
            record.runtime = {name: value for name, value in record.runtime.items() if name != PUBLISH} | text

        self._hold.edit(change)

    def enqueue(self, queue: str = "default", *, priority: int = 0, force: bool = False, trust: bool = False) -> None:
        """Put the task into a queue, to be run by whoever takes it from there, and out of any other queue.

        A higher priority (-1000 to 1000) comes first. A draft can be enqueued, and what was stopped or has failed; with
        `force` a completed one is reset first. Raises NotFound for a queue that is not there (`default` always is),
        BadTransition, Conflict where it waits in that one already; Refused for a task that was imported, unless `trust`
        says that its program may run.
        """
        from .run import remote  # a run has no use for it

        store, task_id = self._hold.store, self._hold.task_id
        remote.enqueue(store, task_id, queue, priority=priority, force=force, is_trusted=trust)

    def dequeue(self) -> None:
        """Take the task out of the queue that it waits in: its status is as it was before. Raises Refused."""
        from .run import remote  # a run has no use for it

        remote.dequeue(self._hold.store, self._hold.task_id)

    def execute_remotely(
        self, queue: str | None = None, *, clone: bool = False, exit_process: bool = True
    ) -> str | None:
        """Stop here, and let the task go on from a queue: close it, enqueue it, and end the process with exit code 0.

        Where the process was launched for the task, nothing happens: what follows is what is run. With `clone` a copy
        is enqueued, and its id returned where the process goes on. Without a queue the task is left as a draft, which
        keeps nothing that it has reported. Of a task that is not this process's own, nothing but the enqueueing is
        done. Raises NotFound for a queue that is not there, BadValue where neither a clone nor an exit is wanted.
        """
        from .run import remote  # most runs have no use for it

        return remote.execute_remotely(
            self._hold.store, self._hold.task_id, queue, with_clone=clone, exit_process=exit_process
        )

    def delete(self, *, force: bool = False) -> None:
        """Move the task to the trash, from which it can be restored. A running or published one needs `force`."""
        self._hold.settled()
        with self._hold.guard():
            trash.put(self._hold.store, self._hold.task_id, force=force)

    def wait_for_status(
        self,
        status: Iterable[str] = ("completed", "stopped", "closed", "published"),
        *,
        raise_on_status: Iterable[str] = ("failed",),
        check_interval_s: float = 1.0,
        timeout_s: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> str:
        """Wait until the task has one of the statuses, and return that. A run that dies is seen to have failed.

        Raises Refused, with the reason, where it comes to one of `raise_on_status`, or when the time is up; BadValue
        for a status that does not exist.
        """
        wanted, bad = _parsed(status), _parsed(raise_on_status)
        left_s = timeout_s
        while True:
            record = self._hold.settled()
            told = f"task {record.id[:12]} is {record.status.label}"
            if record.status in wanted:
                return record.status.value
            if record.status in bad:
                raise Refused(f"{told}: {record.status_reason}" if record.status_reason else told)
            if left_s is not None and left_s <= 0:
                raise Refused(f"{told}, after a wait of {timeout_s:g} s")
            pause_s = check_interval_s if left_s is None else min(check_interval_s, left_s)
            sleep(pause_s)
            left_s = None if left_s is None else left_s - pause_s


def _parsed(names: Iterable[str]) -> frozenset[Status]:
    found = {name: states.parse(name) for name in ([names] if isinstance(names, str) else names)}
    unknown = [name for name, status in found.items() if status is None]
    if unknown:
        raise BadValue(f"no status {unknown[0]!r}; there are {', '.join(status.value for status in Status)}")
    return frozenset(status for status in found.values() if status is not None)
