"""Whether a module is there to be run as `python -m`, found without importing anything of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path


def is_runnable(name: str, cwd: Path) -> bool:
    """Tell whether `python -m name`, started in `cwd` by this interpreter, would find its module."""
    places: Sequence[str] | None = [str(cwd), *sys.path]
    for number, part in enumerate(name.split(".")):
        if places is None:  # what was found before is no package
            return False
        # By its last part only: of a dotted name the import system looks for the parent among what is imported.
        found = PathFinder.find_spec(part, places) or (None if number else _elsewhere(name))
        if found is None:
            return False
        places = None if found.submodule_search_locations is None else list(found.submodule_search_locations)
    return places is None or PathFinder.find_spec("__main__", places) is not None


def _elsewhere(name: str) -> ModuleSpec | None:
    """Ask the finders that an editable installation has put in place; they import nothing of a first part."""
    try:
        return find_spec(name.partition(".")[0])
    except ValueError:  # it is being run, and has no spec
        return None


def needs_package(copy: Path) -> bool:
    """Tell whether a module's text imports relatively, which only works within its package."""
    try:
        tree = ast.parse(copy.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False  # python says what is wrong with it
    return any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(tree))
