"""Where the program runs, as ClearML's scripts ask for it."""

from __future__ import annotations

import logging

from ..run import session as sessions


def running_remotely() -> bool:
    """Tell whether the process was launched for a task, whose stored parameters replace the program's."""
    session = sessions.current()
    return session is not None and session.is_rerun


def get_remote_task_id() -> str | None:
    """Return the id of the task that the process was launched for; None where it was not."""
    session = sessions.current()
    return session.task_id if session is not None and session.is_rerun else None


class LoggerRoot:
    """ClearML's own log, which scripts write to."""

    @staticmethod
    def get_base_logger(*_: object, **__: object) -> logging.Logger:
        """Return a logger of the standard library."""
        return logging.getLogger("clearml")
