"""An agent at work: it takes tickets in order, starts a job for each, and looks after its jobs until it is stopped."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from ..core.errors import NotFound, TaskstoreError
from ..queues import claim, queue
from ..schema.worker import WorkerRecord
from ..store import settings, workers
from ..store.store import Store
from . import recovery
from .job import Job
from .options import Options, Tell, ready_work

BEAT_S = 5.0
RECOVER_S = 30.0
IDLE_POLL_S = 0.5
BUSY_POLL_S = 1.0
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name))


class Worker:
    """One agent. `run` returns when it is stopped, or with `once` when there is nothing to do any more."""

    def __init__(
        self, store: Store, options: Options, *, tell: Tell, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._options = options
        self._tell = tell
        self._monotonic = monotonic
        self._jobs: list[Job] = []
        self._asked = 0
        """How often it was asked to end: once to drain, twice to put back what runs."""
        self._is_draining = False
        self._beat_at = self._recover_at = 0.0
        self._done = 0
        self._missing: set[str] = set()
        """Queues that were deleted meanwhile."""
        self._troubles: set[str] = set()
        """What is wrong with the store, as was said: it is tried again twice a second, and said once."""
        self._waker = _Waker()
        self._work = Path()

    def stop(self) -> None:
        """Ask it to end: it takes nothing more, and ends with its last task. Asked again, it puts its tasks back."""
        self._asked += 1
        self._waker.wake()

    def run(self) -> int:
        """Work until there is an end; return how many tasks were run.

        Raises NotFound, Conflict, ReadOnly, and Refused, all before it begins.
        """
        for name in self._options.queues:
            queue.find(self._store, name)
        configured, warning = settings.load_sound(self._store)
        if warning:
            self._tell(warning)
        self._work = ready_work(configured.agent)
        name = self._options.name or workers.fresh_name()
        registered = workers.register(self._store, name, list(self._options.queues), self._options.slots)
        try:
            with self._waker, self._signals():
                self._tell(f"worker '{name}' takes from {', '.join(self._options.queues)}")
                self._loop(registered)
        finally:
            registered.leave()
        return self._done

    def _loop(self, registered: workers.Registered) -> None:
        while True:
            self._reap()
            self._heed()
            for job in self._jobs:
                job.look()
            self._keep_up(registered)
            has_taken = not self._is_draining and self._take(registered)
            self._describe(registered)
            if has_taken:
                continue
            if not self._jobs and (self._is_draining or (self._options.once and not self._recover())):
                return
            self._waker.wait(BUSY_POLL_S if self._jobs else IDLE_POLL_S)

    def _reap(self) -> None:
        done = [job for job in self._jobs if job.is_done]
        for job in done:
            job.wait()
            self._jobs.remove(job)
            self._done += 1

    def _heed(self) -> None:
        """Do what was asked by a signal."""
        if self._asked and not self._is_draining:
            self._is_draining = True
            count = len(self._jobs)
            self._tell(f"takes nothing more; {count} running" + ("; asked again, it puts them back" if count else ""))
        if self._asked > 1:
            for job in self._jobs:
                job.put_back()

    def _keep_up(self, registered: workers.Registered) -> None:
        now = self._monotonic()
        try:
            if now >= self._beat_at:
                self._beat_at = now + BEAT_S
                registered.beat()
        except OSError as error:
            self._say_trouble(f"the store does not answer: {error}")
        if now >= self._recover_at:
            self._recover_at = now + RECOVER_S
            self._recover()

    def _recover(self) -> int:
        """Clear up after lost workers; return how much there was to do."""
        try:
            return recovery.recover(self._store, tell=self._tell)
        except (OSError, TaskstoreError) as error:
            self._say_trouble(f"the store does not answer: {error}")
            return 0

    def _take(self, registered: workers.Registered) -> bool:
        """Begin one task where there is a free slot and one that waits; tell whether one was begun."""
        slot = next((each for each in range(self._options.slots) if each not in {job.slot for job in self._jobs}), None)
        if slot is None:
            return False
        if not self._store.paths.record.exists():
            self._say_trouble(f"no task can be taken: there is no store at {self._store.root}")
            return False
        try:
            ticket = claim.claim(self._store, self._present(), registered.id, tell=self._tell)
        except (OSError, TaskstoreError) as error:
            self._say_trouble(f"no task can be taken: {error}")
            return False
        self._troubles.clear()
        if ticket is None:
            return False
        job = Job(
            self._store,
            ticket,
            self._options,
            slot=slot,
            worker=registered.id,
            work=self._work,
            tell=self._tell,
            wake=self._waker.wake,
        )
        self._jobs.append(job)
        job.start()
        return True

    def _present(self) -> list[str]:
        """Return the queues that are there: one that was deleted holds up no other, and may come back."""
        found = []
        for name in self._options.queues:
            try:
                queue.find(self._store, name)
            except NotFound as error:
                if name not in self._missing:
                    self._tell(f"takes nothing from '{name}' any more: {error}")
                    self._missing.add(name)
            else:
                found.append(name)
                self._missing.discard(name)
        return found

    def _say_trouble(self, text: str) -> None:
        """Say what is wrong, once for as long as it lasts."""
        if text not in self._troubles:
            self._troubles.add(text)
            self._tell(text)

    def _describe(self, registered: workers.Registered) -> None:
        """Write down what it does, where that is not what is written."""
        state, running = "draining" if self._is_draining else "working", [job.as_record() for job in self._jobs]

        def change(record: WorkerRecord) -> None:
            record.state, record.running = state, running

        if (registered.record.state, registered.record.running) != (state, running):
            with contextlib.suppress(OSError):
                registered.change(change)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        before: dict[int, object] = {}
        with contextlib.suppress(ValueError):  # not the main thread, to which signals come
            for number in _SIGNALS:
                before[number] = signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal has returned

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGQUIT", None):
            self._asked += 1  # and so what runs is put back at once
        self.stop()


class _Waker:
    """Wakes the agent's loop, from its jobs' threads and from signal handlers: a pipe, for a lock might deadlock."""

    def __init__(self) -> None:
        self._reader, self._writer = -1, -1

    def __enter__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def __exit__(self, *error: object) -> None:
        reader, writer = self._reader, self._writer
        self._reader = self._writer = -1
        os.close(reader)
        os.close(writer)

    def wake(self) -> None:
        """Have `wait` return at once."""
        with contextlib.suppress(OSError):  # full: it wakes up anyway
            os.write(self._writer, b"\0")

    def wait(self, timeout_s: float) -> None:
        """Wait until somebody wakes it, or the time is over."""
        select.select([self._reader], [], [], timeout_s)
        with contextlib.suppress(OSError):
            os.read(self._reader, 4096)
