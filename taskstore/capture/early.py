"""The hooks into command-line libraries that are there before a task is: what is parsed above `Task.init()` counts too.

`import taskstore` calls `install`. It patches four methods where argparse is imported already, else it leaves a finder
that patches them at the import (argparse is not imported for it). Of the other libraries, in LIBRARIES, it has the
capture installed in the same way, when the library is imported; see `relay`. This module imports nothing that Python
has not loaded at its start, costs well under a millisecond, and does nothing until the program parses its arguments.

The outermost call counts, once per thread: `parse_args` calls `parse_known_args`, sub-parsers are parsers too. Whose
parse it is decides whether it counts at all:

- the program's own parses do, whatever list they are given (`main(argv)`, `parse_args([])` in a notebook);
- a library's (installed or standard) only where it reads the command line: with no list, or with sys.argv's own.
  A notebook's `%magic` and an internal `parse_args([...])` are not the program's parameters.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

TYPE_CHECKING = False  # `typing` costs milliseconds
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping
    from types import FrameType, ModuleType
    from typing import Any, Protocol

    Parse = tuple[ArgumentParser, object, bool]  # the parser, its namespace, and whether the program itself parsed
    Listener = Callable[[ArgumentParser, Callable[[], Any], bool], Any]

    End = Callable[[BaseException | None], None]

    class Ahead(Protocol):
        """What a task that is run again has stored, before its session is there."""

        def parameters(self, section: str) -> Mapping[str, str]:
            """Return the stored texts of a section."""

        def configuration(self, name: str, text: str, kind: str) -> str | None:
            """Return a stored configuration object; `text` is the program's own."""


LIBRARIES = {
    "click.core": "click",
    "typer.core": "click",  # recent versions of Typer have a click of their own
    "fire.core": "fire",
    "jsonargparse._core": "jsonargparse",
    "absl.flags": "absl",
    "hydra._internal.hydra": "hydra",
}
"""The capture of each module of a library: `taskstore.capture.<it>.RELAY` is installed when the module is imported."""

METHODS = ("parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args")
MAX_PARSES = 64

_STANDARD = os.path.dirname(os.__file__).replace("\\", "/") + "/"  # noqa: PTH120 - pathlib costs milliseconds
_running: set[int] = set()  # the threads inside a parse
_parses: list[Parse] = []  # the latest, with the live namespaces that the program holds
_listeners: list[Listener] = []
_originals: dict[str, Callable[..., Any]] = {}
_wrappers: dict[str, Callable[..., Any]] = {}
_ahead: Callable[[], Ahead | None] | None = None
_end: End | None = None


def install(ahead: Callable[[], Ahead | None] | None = None, end: End | None = None) -> None:
    """Hook into the libraries, now or when they are imported; harmless to call again.

    `ahead` gives what the task that is run again has stored, for parses that come before its session; `end` ends the
    open task of the process, which was begun within one job of several.
    """
    global _ahead, _end
    _ahead = ahead or _ahead
    _end = end or _end
    for name in ("argparse", *LIBRARIES):
        module = sys.modules.get(name)
        if module is None:
            _finder.waiting.add(name)
        elif not getattr(module.__spec__, "_initializing", False):
            _meet(module)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Put the libraries back as they were and forget what was parsed; a patch that somebody put over ours stays."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _finder]
    _finder.waiting.clear()
    for capture in LIBRARIES.values():
        loaded = sys.modules.get(f"taskstore.capture.{capture}")
        if loaded is not None:
            loaded.RELAY.uninstall()
    module = sys.modules.get("argparse")
    for name, original in _originals.items():
        if module is not None and vars(module.ArgumentParser).get(name) is _wrappers[name]:
            setattr(module.ArgumentParser, name, original)
    _originals.clear()
    _wrappers.clear()
    forget()


def forget() -> None:
    """Forget what was parsed until now."""
    _parses.clear()


def is_installed() -> bool:
    """Tell whether the hook is in place, or waits for the import of argparse."""
    return bool(_originals) or "argparse" in _finder.waiting


def ahead() -> Ahead | None:
    """Return what the task that this process was launched for has stored; None where it was launched for none."""
    return _ahead() if _ahead is not None else None


def parses() -> list[Parse]:
    """Return the latest parses of this process, oldest first: (parser, namespace, whether the program's own)."""
    return list(_parses)


def listen(listener: Listener) -> None:
    """Hand every parse from now on to `listener(parser, parse, is_own)`, which calls `parse()` and returns its result.

    The latest listener gets them, until `ignore`.
    """
    _listeners.append(listener)


def ignore(listener: Listener) -> None:
    """Take a listener away."""
    _listeners.remove(listener)


def end_task(error: BaseException | None) -> None:
    """End the open task of this process, if there is one: completed, or failed by the error."""
    if _end is not None:
        _end(error)


def may_be_a_worker() -> bool:
    """Tell whether this process may be one that multiprocessing has started from a run: one look, no import."""
    return "TASKSTORE_PROC_MASTER_ID" in os.environ and "multiprocessing.process" in sys.modules


def _patch(module: ModuleType) -> None:
    if _originals:
        return
    for name in METHODS:
        original = vars(module.ArgumentParser)[name]
        _originals[name] = original
        _wrappers[name] = _wrap(original)
        setattr(module.ArgumentParser, name, _wrappers[name])


def _wrap(original: Callable[..., Any]) -> Callable[..., Any]:
    from functools import update_wrapper  # argparse has it loaded

    from ..core.frames import leave_no_frame

    def parse(self: ArgumentParser, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse's own
        try:
            return _parse(self, original, args, namespace, sys._getframe(1))
        except BaseException as error:
            leave_no_frame(error)
            raise

    return update_wrapper(parse, original)


def _parse(
    parser: ArgumentParser, original: Callable[..., Any], args: object, namespace: object, frame: FrameType
) -> Any:  # noqa: ANN401 - argparse's own
    thread = get_ident()
    if thread in _running or _is_jsonargparse(parser):
        return original(parser, args, namespace)
    is_own = not _is_library(_caller(frame, parser))
    if not is_own and not _is_command_line(args):
        return original(parser, args, namespace)
    _running.add(thread)
    try:
        if _listeners:
            result = _listeners[-1](parser, lambda: original(parser, args, namespace), is_own)
        else:
            result = original(parser, args, namespace)
    finally:
        _running.discard(thread)
    _parses.append((parser, result[0] if isinstance(result, tuple) else result, is_own))
    del _parses[:-MAX_PARSES]
    return result


def _is_jsonargparse(parser: ArgumentParser) -> bool:
    """Its parsers are argparse's, their parse is another: they have a capture of their own."""
    return any(kind.__module__.startswith("jsonargparse.") for kind in type(parser).__mro__)


def _is_command_line(args: object) -> bool:
    """An empty list is nobody's command line: libraries parse `[]` for their defaults."""
    return args is None or (isinstance(args, (list, tuple)) and bool(args) and list(args) == sys.argv[1:])


def _caller(frame: FrameType | None, parser: ArgumentParser) -> FrameType | None:
    """Find who asked for the parse, past argparse and past the methods of a subclass (which may be a library's)."""
    while frame is not None:
        code = frame.f_code
        own = code.co_varnames[0] if code.co_argcount else ""
        if frame.f_globals.get("__name__") != "argparse" and not (own and frame.f_locals.get(own) is parser):
            return frame
        frame = frame.f_back
    return None


def _is_library(frame: FrameType | None) -> bool:
    filename = frame.f_code.co_filename.replace("\\", "/") if frame is not None else ""
    installed = "/site-packages/" in filename or "/dist-packages/" in filename
    return installed or filename.startswith((_STANDARD, "<frozen "))


def _meet(module: ModuleType) -> None:
    if module.__name__ == "argparse":
        _patch(module)
    elif "taskstore_cli" not in sys.modules:  # our own commands are nobody's parameters
        from importlib import import_module

        import_module(f"taskstore.capture.{LIBRARIES[module.__name__]}").RELAY.install(module)


class _Finder:
    """Steps aside at the import of a library, and has its loader hook into it when its code has run."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401 - the import protocol
        if name not in self.waiting:
            return None
        here = sys.meta_path.index(self) + 1 if self in sys.meta_path else 0
        for finder in sys.meta_path[here:]:  # those before us may ask us
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._call_after(spec.loader)
                return spec
        return None

    def _call_after(self, loader: Any) -> None:  # noqa: ANN401 - any loader
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            if module.__name__ not in self.waiting:
                return
            vars(loader).pop("exec_module", None)
            self.waiting.discard(module.__name__)
            if not self.waiting and self in sys.meta_path:
                sys.meta_path.remove(self)
            _meet(module)

        try:
            loader.exec_module = exec_module
        except (AttributeError, TypeError):
            return  # a loader that cannot be changed: `Task.init` patches then, and only earlier parses are missed


_finder = _Finder()
