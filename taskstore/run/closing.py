"""What is written at the end of a run: its final state, into the record and into the beacon."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import BadTransition, NotFound, TaskstoreError
from ..core.secrets import Masker
from ..core.states import Status
from ..disk.beacon import BY_EXIT_CODE, EXIT_CODE_AT, HeldBeacon
from ..disk.layout import TaskPaths
from ..store import events, published, tasks
from ..store.store import Store
from .ending import PUBLISH, Outcome, leave_exit_code
from .sink import StoreSink, warn

_MAX_REASON_WITH_GAP = 150


@dataclass(frozen=True)
class Closing:
    """Writes a run's end; `paths` says where its task is. Nothing is raised for the store's sake."""

    store: Store
    task_id: str
    paths: Callable[[], TaskPaths]
    sink: StoreSink
    masker: Masker
    beacon: HeldBeacon | None

    def write(self, outcome: Outcome | None, stop_message: str) -> None:
        """Write the final state, and give the beacon up; without an outcome only the system will know the exit code."""
        if outcome is None:
            if self._leave_to_reader():
                return
            outcome = Outcome(Status.COMPLETED, "SystemExit", "left by SystemExit with a code that is not known")
        reason = self.masker.text(outcome.reason)
        if self.sink.gap:  # told by the reason, for which the beacon has room on a full disk
            reason = f"{reason[:_MAX_REASON_WITH_GAP]}; {self.sink.gap}"
        message = (outcome.status is Status.STOPPED and stop_message) or outcome.message
        try:
            if self.beacon is not None:
                self.beacon.say_end(outcome.status.value, reason)  # in place: there is room for it on a full disk too
            tasks.transition(
                self.store,
                self.task_id,
                outcome.status,
                only_from=frozenset({Status.IN_PROGRESS}),
                reason=reason,
                message=self.masker.text(message),
            )
            self.paths().stop.unlink(missing_ok=True)
            events.refresh_summary(self.paths())
        except (BadTransition, NotFound):
            pass  # somebody marked it, or deleted it, while it ran: their word stands
        except (OSError, TaskstoreError, MemoryError) as error:
            self.sink.cannot_write(error)
        finally:
            if self.beacon is not None:
                self.beacon.release()

    def _leave_to_reader(self) -> bool:
        """Leave the final state to whoever looks next, who will find the exit code and nobody alive."""
        if self.beacon is None:
            return False
        try:
            self.beacon.say_end(BY_EXIT_CODE, "")
            return leave_exit_code(self.paths().beacon, EXIT_CODE_AT)
        except (OSError, TaskstoreError):
            return False

    def publish_if_asked(self) -> None:
        """Publish the task where the program wants that and it is completed."""
        try:
            record = tasks.read(self.paths())
        except (OSError, TaskstoreError):
            return  # deleted, or not to be read, which has been said
        if record.status is not Status.COMPLETED or not record.runtime.get(PUBLISH):
            return
        try:
            published.publish(self.store, self.task_id)
        except (OSError, TaskstoreError) as error:
            warn(f"the task is not published: {error}")


def sum_up_late(paths: Callable[[], TaskPaths]) -> None:
    """Count what a helper has reported since the owner's last word: nobody else will. Raises nothing."""
    with contextlib.suppress(OSError, TaskstoreError):
        found = paths()
        if tasks.read(found).status is not Status.IN_PROGRESS:
            events.refresh_summary(found)
