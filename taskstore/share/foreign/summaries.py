"""What event files hold, written into a draft by the names that the capture of a live run gives (core/summaries)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from ...core.summaries.events import HPARAMS_SECTION, Events
from . import events as files
from .draft import Draft
from .logs import Logs

_LEFT_OUT = {
    **{"graph_def": "a graph was left out", "meta_graph_def": "a graph was left out"},
    "tagged_run_metadata": "the timing of a graph was left out",
}
_UNFIT = (ValueError, IndexError, TypeError, OverflowError, struct.error)
"""What an event raises whose tensor is not what its plugin says."""


def take(draft: Draft, found: Sequence[tuple[str, files.EventFile]], name: str) -> None:
    """Write what event files hold: each given by its path below the run, whose folder has this name.

    Each file has a log of its own, since each may grow.
    """
    taken = _Taken(draft)
    for part, file in found:
        folder = (PurePosixPath(name) / part).parent.as_posix()
        taken.file(part, file, folder)


class _Taken:
    """Reports events into the log of the file that they are from."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._notes = draft.notes
        self._logs: Logs
        self._events = Events(self, self._hparams, self._passed_over)

    def file(self, part: str, file: files.EventFile, folder: str) -> None:
        self._logs = self._draft.logs(part)
        if file.path.name.endswith(".v2"):
            self._events.always_stepped(folder)  # TensorFlow 2 writes nothing without a step
        for event in files.events(file, self._notes.add):
            self._logs.at = event.wall_time
            kind = event.WhichOneof("what")
            if kind in _LEFT_OUT:
                self._notes.add(_LEFT_OUT[kind])
            elif kind == "summary":
                with self._notes.of("what an event holds was left out", *_UNFIT):
                    self._events.take(event, folder)
            del event  # it may be large, and the next one is read before its name is taken

    def _hparams(self, tag: str, content: bytes) -> None:
        if tag == "session_start_info":
            self._draft.parameters(HPARAMS_SECTION, files.hyperparameters(content))
        elif tag == "session_end_info" and files.has_failed(content):
            self._draft.facts.status = "failed"
            self._draft.facts.reason = "the hparams plugin says that it has failed"

    def _passed_over(self, what: str) -> None:
        self._notes.add(f"what the plugin {what} shows was left out" if what != "a tensor" else "a tensor was left out")

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        self._logs.report_scalar(title, series, value, iteration)

    def report_plotly(self, title: str, series: str, figure: dict[str, Any], iteration: int) -> None:
        self._logs.report_plotly(title, series, figure, iteration)

    def report_media(
        self, title: str, series: str, iteration: int, *, stream: bytes | str, file_extension: str
    ) -> None:
        self._logs.report_media(title, series, iteration, stream=stream, file_extension=file_extension)
