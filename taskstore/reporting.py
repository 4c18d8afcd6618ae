"""What reports into one task by ClearML's names: scalars, single values, text, plots, debug samples."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import SupportsFloat

from .capture import console
from .core.errors import BadValue
from .plotting import PlotReports
from .sections import media
from .sections.reports import checked_history


class Reporting(PlotReports):
    """Everything that a Logger reports, for captures too, which have no business with the program's session."""

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

    def report_text(
        self,
        msg: str,
        level: int = logging.INFO,
        print_console: bool = True,
        *args: object,
    ) -> None:
        """Write text to the task's console log, and to the terminal unless `print_console` is false.

        From `logging.WARNING` on it goes to stderr. `args` are for the `%` in it, as in logging. Raises BadValue where
        msg is not a text, or level not a number of logging.
        """
        if not isinstance(msg, str):
            raise BadValue(f"msg must be a text, not {type(msg).__name__}")
        if not isinstance(level, int):
            raise BadValue(f"level must be a number such as logging.WARNING, not {type(level).__name__} {level!r}")
        self._writer.check_open()
        name = "stderr" if level >= logging.WARNING else "stdout"
        text = _worded(msg, args).removesuffix("\n")
        for line in text.split("\n"):
            self._writer.console(name, line, is_whole=True)
        stream = getattr(sys, name)
        if print_console and stream is not None:
            with console.unseen():  # it is in the log already
                stream.write(f"{text}\n")

    def report_image(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        local_path: str | Path | None = None,
        image: object = None,
        matrix: object = None,
        max_image_history: int | None = None,
        delete_after_upload: bool = False,
        url: str | None = None,
    ) -> None:
        """Report a picture as a debug sample: a file, a PIL image, or an array; `url` is recorded, and not fetched.

        An array has the shape (height, width), (height, width, channels) or (channels, height, width), with 1, 3 or 4
        channels: integers to 255, floats to 1, or booleans. Of a series the latest `max_image_history` are kept.
        """
        picture = _only(local_path=local_path, image=image, matrix=matrix, url=url)
        if max_image_history is not None:
            checked_history(max_image_history, "max_image_history")
        sample = media.of_url(url) if url is not None else media.of_image(*picture)
        self._media(title, series, sample, iteration, max_image_history, local_path if delete_after_upload else None)

    def report_media(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        local_path: str | Path | None = None,
        stream: object = None,
        file_extension: str | None = None,
        max_history: int | None = None,
        delete_after_upload: bool = False,
        url: str | None = None,
    ) -> None:
        """Report any file (sound, film, page, …) as a debug sample: by its path, as a stream, or as an address.

        A stream is of bytes or of text, and needs a `file_extension`. Of a series the latest `max_history` are kept.
        """
        _only(local_path=local_path, stream=stream, url=url)
        if url is not None:
            sample = media.of_url(url)
        elif stream is not None:
            sample = media.of_stream(stream, file_extension)
        else:
            sample = media.of_file("local_path", local_path)
        self._media(title, series, sample, iteration, max_history, local_path if delete_after_upload else None)

    def _media(
        self,
        title: str,
        series: str,
        sample: media.Sample,
        iteration: int | None,
        history: int | None,
        done_with: str | Path | None,
    ) -> None:
        is_stored = self._writer.media(title, series, sample, iteration, history=history)
        if is_stored and done_with is not None:
            with contextlib.suppress(OSError):
                Path(done_with).expanduser().unlink()

    def set_iteration_offset(self, offset: int) -> None:
        """Add this to each iteration that this process reports from now on. Raises BadValue."""
        if not isinstance(offset, int) or isinstance(offset, bool):
            raise BadValue(f"offset must be a whole number, not {offset!r}")
        self._writer.offset = offset

    def set_default_debug_sample_history(self, max_history: int) -> None:
        """Keep the latest so many debug samples of each series of this process; 0 or less keeps all."""
        self._writer.history = checked_history(max_history)

    def get_default_debug_sample_history(self) -> int:
        """Return how many debug samples of a series are kept."""
        return self._writer.history

    def flush(self, wait: bool = False) -> None:  # noqa: ARG002
        """Take what was reported to the disk, so that it survives a power cut too; `wait` changes nothing."""
        self._writer.flush()


def _worded(msg: str, args: tuple[object, ...]) -> str:
    try:
        return msg % args if args else msg
    except (TypeError, ValueError) as error:
        raise BadValue(f"args do not fit {msg!r}: {error}") from None


def _only(**given: object) -> tuple[str, object]:
    """Return the one argument that is given. Raises BadValue where none or several are."""
    found = [(name, value) for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise BadValue(f"give one of {', '.join(given)}" + (f", not {len(found)}" if found else ""))
    return found[0]
