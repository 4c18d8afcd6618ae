"""What a program reports by."""

from __future__ import annotations

from .reporting import Reporting
from .run import session as sessions


class Logger(Reporting):
    """Reports into one task. Safe to call from any thread, from forked children and from helper processes.

    What does not fit raises BadValue, which names the argument, the shape wanted and the shape given. Nothing is raised
    for the disk's sake. `iteration` None is 0; arrays are of numpy, torch, pandas or plain lists; NaN and infinities
    are kept as what they are. Plots are plotly JSON in events/plots.<writer>.jsonl, debug samples files below
    files/media that events/media.<writer>.jsonl names.
    """

    @classmethod
    def current_logger(cls) -> Logger | None:
        """Return what reports into this process's open task; None where there is none."""
        session = sessions.current()
        return cls(session.sink.writer) if session is not None and session.is_open else None

    def flush(self, wait: bool = False) -> None:
        """Take what was reported to the disk, and store what of the registered artifacts has changed."""
        session = sessions.opened()
        if session is not None and session.sink.writer is self._writer:
            session.do_chores()
        super().flush(wait)
