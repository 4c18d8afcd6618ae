"""What the captures of saved and loaded models share: one report a call, however many hooks it passes through.

A library's save often goes through another's (Lightning's through torch's, a folder's through one of each file). The
outermost hook that a thread is in reports, after the original has returned; what goes on inside of it says nothing.

A program that has said `from torch import save` before the task began holds the original: its modules get the hook too.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from ..core.frames import leave_no_frame
from .base import Sink, contained, swapped

_COMPRESSED = ("gzip", "bz2", "lzma", "zstandard", "joblib.compressor", "compression.zstd")
"""Modules of files that are whole only when they are closed."""
_PYTHON = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - a text to compare others with
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120 - the same
_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")


class Call(NamedTuple):
    """A call of the library's that has returned."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any

    def argument(self, position: int, name: str) -> Any:  # noqa: ANN401 - whatever the program gave
        """Return what was given by position (a method's own object is 0) or by name, None where it was not."""
        return self.args[position] if len(self.args) > position else self.kwargs.get(name)


Where = Callable[[Call], object]
"""Tells what a call wrote or read: a path, an open file that has a name, or None where it was neither."""

Namer = Callable[[Call], str]
"""Tells a call's framework, where it is not the capture's: nothing where it is."""

Concerns = Callable[[tuple[Any, ...], Any], bool]
"""Tells from the arguments by position and the result that a call is of interest. It must not fail."""


def argument(position: int, name: str) -> Where:
    """Tell that a call's file is what was given by this position or name."""
    return lambda call: call.argument(position, name)


class _Inside(threading.local):
    is_in_call = False


_inside = _Inside()


class Watch:
    """One capture's hooks. Each is put back when the block of `watching` ends, and reports nothing from then on."""

    def __init__(self, sink: Sink, hooks: ExitStack, capture: str, framework: str, key: str) -> None:
        self.sink = sink
        self.capture = capture
        self._hooks = hooks
        self._framework = framework
        self._key = key
        self._is_open = True
        self._program = _modules_of_the_program()
        hooks.callback(self._close)

    def _close(self) -> None:
        self._is_open = False

    def saves(
        self,
        owner: object,
        name: str,
        where: Where,
        framework: Namer | None = None,
        *,
        concerns: Concerns | None = None,
    ) -> None:
        """Report what the outermost call of `owner.name` has written; `concerns` leaves out others at little cost."""
        self._hook(owner, name, lambda call: self.saved(where(call), framework(call) if framework else ""), concerns)

    def loads(
        self,
        owner: object,
        name: str,
        where: Where,
        framework: Namer | None = None,
        *,
        concerns: Concerns | None = None,
    ) -> None:
        """Report what the outermost call of `owner.name` has read; `concerns` leaves out others at little cost."""
        self._hook(owner, name, lambda call: self.loaded(where(call), framework(call) if framework else ""), concerns)

    def quiet(self, owner: object, name: str) -> None:
        """Let nothing be reported of what `owner.name` writes and reads by way of other hooks."""
        self._hook(owner, name, lambda _: None)

    def saved(self, target: object, framework: str = "") -> None:
        """Report a file that was written: now, or where it is a compressed one that is still open, at its end."""
        if _is_compressed(target):
            self.when_closed(target, lambda: self.saved(path_of(target), framework))
            return
        path = path_of(target)
        if self._is_open and path is not None:
            _flush(target)
            self.sink.model_saved(framework or self._framework, path, key=self._key)

    def loaded(self, target: object, framework: str = "") -> None:
        """Report a file that was read."""
        path = path_of(target)
        if self._is_open and path is not None:
            self.sink.model_loaded(framework or self._framework, path, key=self._key)

    def after(self, owner: object, name: str, then: Callable[[Call], None]) -> None:
        """Call `then` after each call of `owner.name` has returned; what it raises is noted."""
        self._swap(owner, name, lambda function: _followed(function, self._contained(then)))

    def adds_callback(
        self, owner: object, name: str, make: Callable[[Mapping[str, Any]], object], *, parameter: str = "callbacks"
    ) -> None:
        """Give `owner.name` one more of its callbacks: what `make` makes of its arguments, unless that is None."""

        def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
            signature = inspect.signature(original)

            @wraps(original)
            def call(*args: object, **kwargs: object) -> object:
                with suppress(TypeError):  # a wrong call fails in the original
                    bound = signature.bind(*args, **kwargs)
                    self._add_callback(bound, make, parameter)
                    args, kwargs = bound.args, bound.kwargs
                try:
                    return original(*args, **kwargs)
                except BaseException as error:
                    leave_no_frame(error)
                    raise

            return call

        self._swap(owner, name, wrap)

    def _add_callback(
        self, bound: inspect.BoundArguments, make: Callable[[Mapping[str, Any]], object], parameter: str
    ) -> None:
        if not self._is_open:
            return
        with contained(self.sink, self.capture):
            callback = make(bound.arguments)
            if callback is not None:
                given = bound.arguments.get(parameter) or ()
                bound.arguments[parameter] = [*(given if isinstance(given, Iterable) else [given]), callback]

    def _hook(self, owner: object, name: str, then: Callable[[Call], None], concerns: Concerns | None = None) -> None:
        self._swap(owner, name, lambda function: _reporting(function, self._contained(then), concerns))

    def _contained(self, then: Callable[[Call], None]) -> Callable[[Call], None]:
        def report(call: Call) -> None:
            if self._is_open:
                with contained(self.sink, self.capture):
                    then(call)

        return report

    def _swap(self, owner: object, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        def wrapped(original: Any) -> object:  # noqa: ANN401 - a function, or the descriptor of one
            if isinstance(original, classmethod | staticmethod):
                return type(original)(wrap(original.__func__))
            return wrap(original)

        before = vars(owner).get(name)
        self._hooks.enter_context(swapped(owner, name, wrapped))
        if isinstance(owner, ModuleType) and before is not None:
            after = vars(owner)[name]
            library = owner.__name__.partition(".")[0]
            others = [one for one in self._program if one.__name__.partition(".")[0] != library]
            for module, alias in [(one, alias) for one in others for alias in _aliases(one, before)]:
                self._hooks.enter_context(swapped(module, alias, lambda _: after))

    def when_closed(self, file: Any, then: Callable[[], None]) -> None:  # noqa: ANN401 - any kind of file
        """Call `then` once the program, or the library, has closed the file; what it raises is noted."""
        original = file.close

        @wraps(original)
        def close() -> None:
            file.close = original
            try:
                original()
            except BaseException as error:
                leave_no_frame(error)
                raise
            with contained(self.sink, self.capture):
                then()

        file.close = close


@contextmanager
def watching(sink: Sink, capture: str, framework: str, key: str) -> Iterator[Watch]:
    """Hook into a library within the block; `framework` and `key` are as in `Sink.model_saved`."""
    with ExitStack() as hooks:
        yield Watch(sink, hooks, capture, framework, key)


def _modules_of_the_program() -> list[ModuleType]:
    """Return the modules that are neither Python's nor installed, nor ours; which, is told by the package on top."""
    is_the_programs: dict[str, bool] = {"__main__": True}
    found = []
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top not in is_the_programs:
            is_the_programs[top] = _is_of_the_program(sys.modules.get(top))
        if is_the_programs[top] and isinstance(module, ModuleType):
            found.append(module)
    return found


def _is_of_the_program(module: ModuleType | None) -> bool:
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return isinstance(place, str) and not place.startswith((_PYTHON, _OURS)) and not _INSTALLED.search(place)


def _aliases(module: ModuleType, function: object) -> list[str]:
    return [name for name, value in list(vars(module).items()) if value is function]


def _reporting(
    original: Callable[..., Any], report: Callable[[Call], None], concerns: Concerns | None
) -> Callable[..., Any]:
    @wraps(original)
    def call(*args: object, **kwargs: object) -> object:
        is_outermost = not _inside.is_in_call
        _inside.is_in_call = True
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            leave_no_frame(error)
            raise
        finally:
            if is_outermost:
                _inside.is_in_call = False
        if concerns is not None and not concerns(args, result):
            return result
        if is_outermost and not _is_ours(sys._getframe(1).f_globals):
            report(Call(args, kwargs, result))
        return result

    return call


def _followed(original: Callable[..., Any], report: Callable[[Call], None]) -> Callable[..., Any]:
    @wraps(original)
    def call(*args: object, **kwargs: object) -> object:
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            leave_no_frame(error)
            raise
        report(Call(args, kwargs, result))
        return result

    return call


def _is_ours(caller: dict[str, Any]) -> bool:
    """Tell our own calls (an artifact that is written with the library) from the program's."""
    name = caller.get("__name__")
    return isinstance(name, str) and name.startswith("taskstore.") and not name.startswith("taskstore.capture.")


def path_of(target: object) -> Path | None:
    """Return the absolute path of what was written or read, None for what is not on this disk.

    `target` is a path or an open file. It may also be the common start of several files' names, as TensorFlow has it.
    """
    name = os.fspath(target) if isinstance(target, os.PathLike) else target
    if not isinstance(name, str | bytes):
        name = getattr(target, "name", None)
    if not isinstance(name, str | bytes) or not name:
        return None
    path = Path(os.path.abspath(os.fsdecode(name)))  # noqa: PTH100 - resolve() would follow links
    return path if path.is_file() or path.is_dir() or _is_prefix(path) else None


def _is_prefix(path: Path) -> bool:
    return path.with_name(f"{path.name}.index").is_file()


def _flush(target: object) -> None:
    flush = getattr(target, "flush", None)
    if flush is not None and not getattr(target, "closed", False):
        flush()


def _is_compressed(target: object) -> bool:
    return type(target).__module__ in _COMPRESSED and not getattr(target, "closed", True)
