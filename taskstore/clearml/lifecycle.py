"""What becomes of a task: started, marked, reset, published, deleted, waited for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from enum import Enum

from ..core.errors import ReadOnly, Refused
from ..run import session as sessions
from .errors import as_value_error
from .held import Held, attempt
from .kinds import TaskStatusEnum, text_of

_ENDS = (TaskStatusEnum.completed, TaskStatusEnum.stopped, TaskStatusEnum.closed)


class DeleteError(Refused):
    """A task that could not be deleted."""


class Living(Held):
    """Changes the task's status. Where `ignore_errors` is false, what is not allowed is a ValueError."""

    DeleteError = DeleteError

    def mark_started(self, force: bool = False) -> None:
        """Set the status to in_progress."""
        with as_value_error():
            self._task.lifecycle.mark_started(force=force)

    def started(self, ignore_errors: bool = True, force: bool = False) -> bool:
        """Set the status to in_progress, and tell whether that went well."""
        return attempt(lambda: self.mark_started(force), ignore_errors=ignore_errors)

    def mark_completed(
        self, ignore_errors: bool = True, status_message: str | None = None, force: bool = False
    ) -> bool:
        """Set the status to completed."""
        change = self._task.lifecycle.mark_completed
        return attempt(lambda: change(message=status_message or "", force=force), ignore_errors=ignore_errors)

    def completed(self, ignore_errors: bool = True) -> bool:
        """Set the status to completed."""
        return self.mark_completed(ignore_errors)

    def mark_failed(
        self,
        ignore_errors: bool = True,
        status_reason: str | None = None,
        status_message: str | None = None,
        force: bool = False,
    ) -> bool:
        """Set the status to failed."""
        change = self._task.lifecycle.mark_failed
        return attempt(
            lambda: change(reason=status_reason or "", message=status_message or "", force=force),
            ignore_errors=ignore_errors,
        )

    def mark_stopped(self, force: bool = False, status_message: str | None = None) -> None:
        """Set the status to stopped; that ends no process."""
        with as_value_error():
            self._task.lifecycle.mark_stopped(message=status_message or "", force=force)

    def stopped(
        self,
        ignore_errors: bool = True,
        force: bool = False,
        status_reason: str | None = None,
        status_message: str | None = None,
    ) -> bool:
        """Set the status to stopped, and tell whether that went well."""
        change = self._task.lifecycle.mark_stopped
        return attempt(
            lambda: change(reason=status_reason or "", message=status_message or "", force=force),
            ignore_errors=ignore_errors,
        )

    def stop_request(self, ignore_errors: bool = True, force: bool = False, status_message: str | None = None) -> bool:
        """Ask the task's process to end itself; tell whether there was one."""
        return attempt(lambda: self.mark_stop_request(force, status_message), ignore_errors=ignore_errors)

    def mark_stop_request(self, force: bool = False, status_message: str | None = None) -> None:  # noqa: ARG002 - what does not run cannot be asked
        """Ask the task's process to end itself, after its abort callback; wait for nothing."""
        with as_value_error():
            self._task.lifecycle.request_stop(status_message or "")

    def reset(self, set_started_on_success: bool = False, force: bool = False) -> None:
        """Make the task a draft again: what it produced is deleted for good."""
        with as_value_error():
            self._task.lifecycle.reset(force=force)
        if set_started_on_success:
            self.mark_started()

    def publish(self, ignore_errors: bool = True) -> bool:  # noqa: ARG002 - as in ClearML, what cannot be published raises
        """Make a task that has ended read-only. ValueError where it has not, or is the program's own and open."""
        with as_value_error():
            self._task.lifecycle.publish()
        return True

    def publish_on_completion(self, enable: bool = True) -> None:
        """Have the task published when it is closed."""
        self._task.lifecycle.publish_on_completion(enable)

    def delete(
        self,
        delete_artifacts_and_models: bool = True,  # noqa: ARG002 - they lie in the task
        skip_models_used_by_other_tasks: bool = True,  # noqa: ARG002
        raise_on_error: bool = False,
        callback: Callable[[str, str], bool] | None = None,  # noqa: ARG002
    ) -> bool:
        """Move the task to the trash, with all that is in it; `taskstore trash restore` brings it back."""
        return attempt(lambda: self._task.lifecycle.delete(force=True), ignore_errors=not raise_on_error)

    def wait_for_status(
        self,
        status: Iterable[str | Enum] = _ENDS,
        raise_on_status: Iterable[str | Enum] | None = (TaskStatusEnum.failed,),
        check_interval_sec: float = 60.0,
    ) -> None:
        """Wait until the task has one of the statuses. RuntimeError where it comes to one of the others."""
        from .errors import as_usage_error

        with as_usage_error():
            self._task.lifecycle.wait_for_status(
                [text_of(one) for one in status],
                raise_on_status=[text_of(one) for one in raise_on_status or ()],
                check_interval_s=check_interval_sec,
            )

    def close(self) -> None:
        """End the task: it is completed, and the process may begin another."""
        self._task.close()

    def flush(self, wait_for_uploads: bool = False) -> bool:  # noqa: ARG002 - nothing waits to be sent
        """Take what was reported to the disk, and registered artifacts that have changed."""
        with contextlib.suppress(ReadOnly):  # it has ended, and all is there
            self._task.get_logger().flush()
        return True

    def reload(self) -> None:
        """Do nothing: each look reads the files anew."""

    def register_abort_callback(
        self, callback_function: Callable[[], object] | None, callback_execution_timeout: float = 30.0
    ) -> None:
        """Be called when the run is asked to stop, on a thread of its own, before it gets SIGTERM."""
        with as_value_error():
            self._task.lifecycle.register_abort_callback(callback_function, timeout_s=callback_execution_timeout)

    def is_main_task(self) -> bool:
        """Tell whether this is the process's own task, begun by init."""
        session = sessions.current()
        return session is not None and session.task_id == self._task.id and session.is_open

    def is_current_task(self) -> bool:
        """Tell whether this is the process's own task."""
        return self.is_main_task()

    @staticmethod
    def running_locally() -> bool:
        """Tell whether the process was begun by a person, and not launched for a task."""
        from .place import running_remotely

        return not running_remotely()
