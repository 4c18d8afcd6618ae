"""The run's side of a request to stop: it calls back, answers, and ends itself where nobody else will end it."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import threading
from collections.abc import Callable

from ..capture.base import contained
from ..core.errors import BadValue, TaskstoreError
from ..disk.layout import TaskPaths
from ..store import stopping
from ..store.store import Store
from .heartbeat import Heartbeat
from .sink import StoreSink

POLL_S = 1.0
"""How often a run that has a callback looks whether it is asked to stop; one without looks at each heartbeat."""


class StopListener:
    """Looks whether the run is asked to stop, on the heartbeat's thread; the callback has a thread of its own."""

    def __init__(
        self,
        store: Store,
        task_id: str,
        paths: Callable[[], TaskPaths],
        sink: StoreSink,
        heartbeat: Heartbeat,
        *,
        is_in_charge: Callable[[], bool] = lambda: True,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._task_id = task_id
        self._paths = paths
        self._sink = sink
        self._heartbeat = heartbeat
        self._is_in_charge = is_in_charge
        self._end = end or end_this_process
        self._callback: Callable[[], object] | None = None
        self._timeout_s = 0.0
        self._is_asked = False
        self.message = ""
        """Who has asked the run to stop, and why; empty as long as nobody has."""

    def register(self, callback: Callable[[], object] | None, timeout_s: float) -> None:
        """Call back, on a thread of its own, when the run is asked to stop; None does so no more. Raises BadValue.

        A helper process is not asked, and does nothing here. A store that cannot be written warns.
        """
        if callback is not None and not callable(callback):
            raise BadValue(f"the abort callback must be callable, not {type(callback).__name__}")
        if not 0 <= timeout_s < float("inf"):
            raise BadValue(f"timeout_s is {timeout_s!r}; it is a number of seconds from 0 on")
        if not self._is_in_charge():
            return
        self._callback, self._timeout_s = callback, float(timeout_s)
        try:
            stopping.listen(self._store, self._task_id, None if callback is None else self._timeout_s)
        except (OSError, TaskstoreError) as error:
            self._sink.cannot_write(error)
        self._heartbeat.poll(self.look if callback is not None else None, POLL_S)

    def look(self) -> None:
        """Look whether the run is asked to stop, and begin to if it is. Raises nothing."""
        if self._is_asked:
            return
        try:
            record = stopping.read(self._paths())
        except (OSError, TaskstoreError):
            return  # it is being moved, or cannot be read; the next look sees
        if record is None or record.requested is None or record.answered is not None:
            return
        if self._callback is None and not record.ends_itself:
            return  # SIGTERM follows
        self._is_asked = True
        self.message = stopping.sentence(record)
        threading.Thread(target=self._stop, name="taskstore-abort", daemon=True).start()

    def _stop(self) -> None:
        if self._callback is not None:
            call = threading.Thread(target=self._call, args=(self._callback,), name="abort-callback", daemon=True)
            call.start()
            call.join(self._timeout_s)
            if call.is_alive():
                self._sink.note("abort callback", f"it has not returned within {self._timeout_s:g} s")
        ends_itself = True
        with contextlib.suppress(OSError, TaskstoreError):
            ends_itself = stopping.answer(self._store, self._task_id).ends_itself
        if ends_itself:
            self._end()

    def _call(self, callback: Callable[[], object]) -> None:
        with contained(self._sink, "abort callback"):
            callback()


def end_this_process() -> None:
    """End the process as `taskstore abort` does, from within."""
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGTERM)
    else:  # there the system's own SIGTERM leaves no time to say how it ended
        _thread.interrupt_main(signal.SIGTERM)
