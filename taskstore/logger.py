"""What a program reports by: scalars, single values and text."""

from __future__ import annotations

import logging
import sys
from typing import SupportsFloat

from .capture import console
from .core.errors import BadValue
from .sections.reports import Writer


class Logger:
    """Reports into one task. Safe to call from any thread, from forked children and from helper processes."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def report_scalar(self, title: str, series: str, value: SupportsFloat, iteration: int) -> None:
        """Report one point of a series; it survives a SIGKILL that comes right after the call.

        NaN and infinities are kept as what they are. The line is in events/scalars.<writer>.jsonl afterwards.
        Raises BadValue where value is not one number or iteration not a whole one, ReadOnly after `task.close()`;
        never for the disk's sake.
        """
        self._writer.scalar(title, series, value, iteration)

    def report_single_value(self, name: str, value: SupportsFloat) -> None:
        """Report a result of the whole run, such as a final accuracy: a scalar that has no iteration."""
        self._writer.single_value(name, value)

    def report_text(self, msg: str, level: int = logging.INFO, print_console: bool = True) -> None:
        """Write text to the task's console log, and to the terminal unless `print_console` is false.

        From `logging.WARNING` on it goes to stderr. Raises BadValue where msg is not a text.
        """
        if not isinstance(msg, str):
            raise BadValue(f"msg must be a text, not {type(msg).__name__}")
        self._writer.check_open()
        name = "stderr" if level >= logging.WARNING else "stdout"
        text = msg.removesuffix("\n")
        for line in text.split("\n"):
            self._writer.console(name, line, is_whole=True)
        stream = getattr(sys, name)
        if print_console and stream is not None:
            with console.unseen():  # it is in the log already
                stream.write(f"{text}\n")
