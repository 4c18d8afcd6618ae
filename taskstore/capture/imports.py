"""Meeting a library when it is imported, whether that was before or comes later; no builtin is replaced for it.

A finder at the front of `sys.meta_path` finds nothing itself: where a watched module is looked for, it asks the
finders behind it, and has the loader call back when the module's code has run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Met = Callable[[ModuleType], None]


@contextmanager
def on_import(name: str, met: Met) -> Iterator[None]:
    """Call `met(module)` once, with the module whole: now where it is imported, else after its import in the block.

    What `met` raises comes out of the program's import statement: it must contain its own failures.
    """
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        met(module)
        yield
        return
    _finder.watched.setdefault(name, []).append(met)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    try:
        yield
    finally:
        waiting = _finder.watched.get(name, [])
        with suppress(ValueError):
            waiting.remove(met)
        if not waiting:
            _finder.watched.pop(name, None)
        if not _finder.watched and _finder in sys.meta_path:
            sys.meta_path.remove(_finder)


class _Finder:
    """Sees each import of a module that is not loaded, and steps aside for all but the watched ones."""

    def __init__(self) -> None:
        self.watched: dict[str, list[Met]] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ANN401 - the import protocol
        if name not in self.watched:
            return None
        here = sys.meta_path.index(self) + 1 if self in sys.meta_path else 0
        for finder in sys.meta_path[here:]:
            find = getattr(finder, "find_spec", None)
            if find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                self._call_after(spec)
                return spec
        return None

    def _call_after(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        run = getattr(loader, "exec_module", None)
        if run is None:
            return

        def exec_module(module: ModuleType) -> None:
            if module.__name__ != spec.name:
                run(module)
                return
            vars(loader).pop("exec_module", None)
            run(module)
            for met in self.watched.pop(spec.name, []):
                met(module)

        with suppress(AttributeError, TypeError):  # a loader that cannot be changed; built-in modules have one
            loader.exec_module = exec_module


_finder = _Finder()
