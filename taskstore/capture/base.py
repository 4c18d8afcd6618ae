"""What the captures share: where they report to, and how they hook into a library and out again.

A capture is a module of its own that knows nothing of the others or of the store. What it found it returns,
or reports to a `Sink`; what it patched it puts back. The session enters captures in one ExitStack.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Literal, Protocol

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class Found:
    """One parameter as the program has it: the live value, and what is known of it."""

    value: object
    type: str | None = None
    description: str | None = None
    spellings: tuple[str, ...] = field(default=(), compare=False)
    """What else it is called on the command line: one that says that it is a credential makes it one."""
    told: str | None = field(default=None, compare=False)
    """What the library itself calls the type, if anything."""
    is_of_library: bool = field(default=False, compare=False)
    """Whether it is the argument library's own (`--help`, `--verbosity`) and none of the program's."""


class Reporter(Protocol):
    """What a capture reports by: the part of a Logger that captures need. Raises BadValue for what does not fit.

    Whatever reports inside one of the program's own calls does so within `contained`.
    """

    def report_scalar(self, title: str, series: str, value: Any, iteration: int) -> None:  # noqa: ANN401
        """Append one point."""
        ...

    def report_text(self, msg: str, level: int = 20, print_console: bool = True, *args: object) -> None:
        """Append lines to the console log."""
        ...

    def report_plotly(self, title: str, series: str, figure: object, iteration: int | None = None) -> None:
        """Report a plotly figure, or the dict of one."""
        ...

    def report_matplotlib_figure(
        self,
        title: str,
        series: str,
        figure: object,
        iteration: int | None = None,
        report_image: bool = False,
        report_interactive: bool = True,
    ) -> None:
        """Report a figure as a plot that is a picture, or with `report_image` as a debug sample."""
        ...

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
        """Report a picture as a debug sample: a path, a PIL image, or an array of any order of channels."""
        ...

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
        """Report a file as a debug sample: a path, or a stream with its `file_extension`."""
        ...


class Sink(Protocol):
    """Where a capture reports to. Calls may come from any thread, never raise, and never wait for a lock."""

    def console(self, stream: Stream, text: str, *, is_whole: bool) -> None:
        """Append one console entry, without its line end; `is_whole` is false for a part of a line yet to end."""
        ...

    def parameters(self, section: str, found: Mapping[str, Found]) -> Mapping[str, str]:
        """Record parameters, masked where they are secrets; return the stored texts that override them, if any."""
        ...

    def correct(self, section: str, found: Mapping[str, Found]) -> None:
        """Record the values that the program has kept, in place of stored texts that do not fit."""
        ...

    def note(self, capture: str, message: str) -> None:
        """Record in the task, and warn once, that a capture left something out or failed."""
        ...

    @property
    def reporter(self) -> Reporter:
        """What scalars, plots and pictures are reported by."""
        ...

    def configuration(self, name: str, text: str, kind: str = "yaml") -> str | None:
        """Record a configuration object; return the stored text that overrides it in a task that is run again."""
        ...

    def model_saved(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """Keep the file or folder that the program has just written as an output model of the task.

        `framework` is ClearML's word for it (PyTorch, ScikitLearn, XGBoost, …), `key` the name of the capture in
        `auto_connect_frameworks`, by whose wildcards it may be left out. Without a name it is called by its stem.
        Of a TensorFlow checkpoint the path is what its files' names begin with (`ckpt-1` of `ckpt-1.index`, …).
        """
        ...

    def model_loaded(self, framework: str, path: Path, *, key: str = "", name: str = "") -> None:
        """Record the file or folder that the program has just read as an input model of the task."""
        ...


@contextmanager
def swapped(owner: object, name: str, wrap: Callable[[object], object]) -> Iterator[None]:
    """Replace `owner.name` by `wrap(original)` within the block, and put the original back.

    Where somebody else has replaced it again in the meantime, theirs is left alone. What replaces a function of a
    module or a class pickles within the block, by name: in another process it is that one's own. What replaces an
    object's method does where it is a bound method of that object.
    """
    is_own = name in vars(owner)
    original = vars(owner)[name] if is_own else getattr(owner, name)
    replacement = wrap(original)
    setattr(owner, name, replacement)
    _let_be_found(owner, name, replacement)
    try:
        yield
    finally:
        current = vars(owner).get(name)
        if current is replacement:
            if is_own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)


def _let_be_found(owner: object, name: str, replacement: object) -> None:
    """Give a function the name by which pickle finds it, unless it has one: its original's says where that lies."""
    function = replacement.__func__ if isinstance(replacement, classmethod | staticmethod) else replacement
    if not isinstance(function, FunctionType) or _is_found(function):
        return
    if isinstance(owner, ModuleType):
        function.__module__, function.__qualname__ = owner.__name__, name
    elif isinstance(owner, type):
        function.__module__, function.__qualname__ = owner.__module__, f"{owner.__qualname__}.{name}"
    else:
        return
    function.__name__ = name


def _is_found(function: FunctionType) -> bool:
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return getattr(found, "__func__", found) is function


@contextmanager
def contained(sink: Sink, capture: str) -> Iterator[None]:
    """Run one capture's part; whatever it raises is noted with its traceback, as far as there is memory for that."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the capture boundary: our caller may be the user's program
        with suppress(MemoryError):
            sink.note(capture, _described(error))


def _described(error: Exception) -> str:
    import traceback

    try:
        return f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    except MemoryError:
        return type(error).__name__
