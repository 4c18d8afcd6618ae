"""One package standing for another in this process, and in the Pythons that it starts.

`install("clearml", "taskstore.clearml")` has `import clearml` and `from clearml.logger import Logger` give what
`taskstore.clearml` offers, whether or not a real package of that name is installed. Nothing else is touched: no file,
no sys.path, and no other process but those that come from this one. What multiprocessing makes is told directly. A
Python that the program starts by itself (`torchrun`, `subprocess.run([sys.executable, …])`) finds by PYTHONPATH a
package of that name in `standins`, which does the same there; it is not reached where it ignores its environment.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from ..capture.base import swapped
from ..capture.imports import on_import

ALIASES_VARIABLE = "TASKSTORE_ALIASES"
"""Which names stand for which packages, as name=package,…: for what `taskstore run` starts below this process."""

_STANDINS = Path(__file__).parent / "standins"
_until_the_end = ExitStack()


class Stand(Protocol):
    """What a package that stands for another offers: the module `alias`."""

    def names_of(self, module: str) -> Mapping[str, object] | None:
        """Return the names in a module, "" being the package itself, or None where there is no such module."""
        ...

    def look_up(self, module: str, name: str) -> object:
        """Return what a name in a module stands for. Raises AttributeError, saying what there is."""
        ...


def install(name: str, package: str) -> None:
    """Let `name` stand for `package` from now on; what has been imported by that name is forgotten."""
    if active().get(name) == package:
        return
    for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[module]
    sys.meta_path.insert(0, _Finder(name, package))
    os.environ[ALIASES_VARIABLE] = ",".join(f"{alias}={target}" for alias, target in active().items())
    if (_STANDINS / name).is_dir():
        _put_first_on_path(str(_STANDINS))
    atexit.register(_until_the_end.close)
    _until_the_end.enter_context(on_import("multiprocessing.spawn", _hand_on_to_children))


def _put_first_on_path(folder: str) -> None:
    """Have the Pythons that start from here look into a folder before what is installed."""
    others = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each and each != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])


def install_all(text: str) -> None:
    """Install what ALIASES_VARIABLE says; what is not understood is passed over."""
    for part in text.split(","):
        name, _, package = part.partition("=")
        if name.isidentifier() and package:
            install(name, package)


def active() -> dict[str, str]:
    """Return which names stand for which packages in this process."""
    return {finder.name: finder.package for finder in sys.meta_path if isinstance(finder, _Finder)}


class _Finder:
    """Finds the name and all below it, before whoever else might."""

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self.package = package

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ANN401, ARG002 - the import protocol
        if name != self.name and not name.startswith(f"{self.name}."):
            return None
        stand = cast("Stand", importlib.import_module(f"{self.package}.alias"))
        inner = name[len(self.name) + 1 :]
        names = stand.names_of(inner)
        if names is None:
            raise ModuleNotFoundError(
                f"No module named {name!r}: {self.package} stands for {self.name} here, and has no such module",
                name=name,
            )
        loader: Any = _Loader(inner, names, stand)
        return ModuleSpec(name, loader, origin=self.package, is_package=True)


class _Loader:
    def __init__(self, inner: str, names: Mapping[str, object], stand: Stand) -> None:
        self._inner = inner
        self._names = names
        self._stand = stand

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python: an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        def look_up(name: str) -> object:
            value = self._stand.look_up(self._inner, name)
            setattr(module, name, value)
            return value

        module.__dict__.update(
            __getattr__=look_up, __dir__=lambda: sorted(self._names), __all__=list(self._names), __path__=[]
        )


class _Handed:
    """What unpickles, in a child, into the aliases of its parent; before the parent's program is imported there."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return install_all, (os.environ.get(ALIASES_VARIABLE, ""),)


def _hand_on_to_children(spawn: ModuleType) -> None:
    def wrap(original: object) -> Callable[..., dict[str, object]]:
        def get_preparation_data(name: str) -> dict[str, object]:
            data: dict[str, object] = original(name)  # type: ignore[operator]  # multiprocessing's own function
            return {"taskstore_aliases": _Handed(), **data}

        return get_preparation_data

    _until_the_end.enter_context(swapped(spawn, "get_preparation_data", wrap))
