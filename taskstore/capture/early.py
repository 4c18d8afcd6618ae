"""The hook into argparse that is there before a task is: `parse_args()` above `Task.init()` is captured too.

`import taskstore` calls `install`. It patches four methods where argparse is imported already, else it leaves a finder
that patches them at the import (argparse is not imported for it). This module imports nothing that Python has not
loaded at its start, costs well under a millisecond, and does nothing until the program parses its arguments.

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
    from collections.abc import Callable
    from types import FrameType, ModuleType
    from typing import Any

    Parse = tuple[ArgumentParser, object, bool]  # the parser, its namespace, and whether the program itself parsed
    Listener = Callable[[ArgumentParser, Callable[[], Any], bool], Any]

METHODS = ("parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args")
MAX_PARSES = 64

_STANDARD = os.path.dirname(os.__file__).replace("\\", "/") + "/"  # noqa: PTH120 - pathlib costs milliseconds
_running: set[int] = set()  # the threads inside a parse
_parses: list[Parse] = []  # the latest, with the live namespaces that the program holds
_listeners: list[Listener] = []
_originals: dict[str, Callable[..., Any]] = {}
_wrappers: dict[str, Callable[..., Any]] = {}


def install() -> None:
    """Hook into argparse, now or when it is imported; harmless to call again."""
    module = sys.modules.get("argparse")
    if module is not None:
        _patch(module)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def uninstall() -> None:
    """Put argparse back as it was and forget what was parsed; a patch that somebody put over ours stays."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    module = sys.modules.get("argparse")
    for name, original in _originals.items():
        if module is not None and vars(module.ArgumentParser).get(name) is _wrappers[name]:
            setattr(module.ArgumentParser, name, original)
    _originals.clear()
    _wrappers.clear()
    _parses.clear()


def is_installed() -> bool:
    """Tell whether the hook is in place, or waits for the import of argparse."""
    return bool(_originals) or any(isinstance(finder, _Finder) for finder in sys.meta_path)


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
    if thread in _running:
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


class _Finder:
    """Steps aside at the first import of argparse, and has its loader patch it when its code has run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401 - the import protocol
        if name != "argparse":
            return None
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                _patch_after(spec.loader)
                return spec
        return None


def _patch_after(loader: Any) -> None:  # noqa: ANN401 - any loader
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        run(module)
        if module.__name__ == "argparse":
            vars(loader).pop("exec_module", None)
            _patch(module)

    try:
        loader.exec_module = exec_module
    except (AttributeError, TypeError):
        return  # a loader that cannot be changed: `Task.init` patches then, and only earlier parses are missed
