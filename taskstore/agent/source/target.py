"""What python is given to start a task's program from its rebuilt code."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...capture import source
from ...core.errors import CodeDiffers, CodeNotFound, Refused
from ...core.names import decode
from ...disk.atomic import sha256_of
from ...disk.layout import TaskPaths
from ...run import modules
from ...schema.record import FileRef, ScriptRecord
from . import files


@dataclass(frozen=True)
class Place:
    """Where the code of a task was rebuilt: `root` is None where it lies in no repository."""

    paths: TaskPaths
    script: ScriptRecord
    at: Path
    root: Path | None
    cwd: Path


@dataclass(frozen=True)
class Target:
    """What python is given, and the folders in which it is to look for modules first."""

    target: tuple[str, ...]
    pythonpath: tuple[Path, ...] = ()


def find_target(place: Place, notes: list[str]) -> Target:
    """Return how the program is started; its own copy is written out where the repository does not hold it.

    Raises Refused where there is nothing to start, CodeDiffers where the copy is not what was captured.
    """
    script = place.script
    inside = _inside(place)
    if inside is not None and place.root is not None and _is_copy(script) and _is_free(inside):
        _write(place, place.root, inside.relative_to(place.root).parts)
    if inside is not None and _is_there(place, inside) and not (_is_notebook(script) and script.standalone):
        return _of_file(place, inside)
    if script.standalone is not None:
        return _of_copy(place, script.standalone, notes)
    place.cwd.mkdir(exist_ok=True)
    if script.kind == "module" and script.module:
        return _of_name(place, notes)
    if script.entry_point or script.module:
        raise CodeNotFound(
            f"the program of the task, {script.entry_point or script.module}, is not in its code, and has no copy"
        )
    raise Refused("the task records no program to run; `taskstore create SCRIPT` makes a task with one")


def _inside(place: Place) -> Path | None:
    """Return where the program is to be in the rebuilt repository; None where it was outside of it."""
    point = place.script.entry_point
    if place.root is None or not point or Path(point).is_absolute():
        return None
    path = Path(os.path.normpath(place.cwd / point))
    if not path.is_relative_to(place.root) or path == place.root:
        raise Refused(f"the task's program {point!r} leads out of its repository")
    return path


def _is_there(place: Place, path: Path) -> bool:
    return place.root is not None and path.is_file() and path.resolve().is_relative_to(place.root)


def _is_notebook(script: ScriptRecord) -> bool:
    return script.entry_point.endswith(".ipynb")


def _is_free(path: Path) -> bool:
    """Tell whether nothing is at a path, and no link on the way to it."""
    return not os.path.lexists(path) and path.parent.resolve() == path.parent


def _is_copy(script: ScriptRecord) -> bool:
    """Tell whether the task's copy of the program is its file itself, and not what was typed or converted."""
    return script.standalone is not None and script.kind in ("script", "module") and not _is_notebook(script)


def _of_file(place: Place, path: Path) -> Target:
    """Return how a file of the repository is started."""
    script = place.script
    copy = script.standalone
    if copy is not None and _is_copy(script) and sha256_of(path) != copy.hash:
        raise CodeDiffers("the program is not what was captured", [(script.entry_point, "its SHA-256 is another")])
    if script.kind == "module" and script.module:
        base = _module_base(script.module, path)
        return Target(("-m", script.module), () if base in (None, place.cwd) else (base,))
    if not _is_notebook(script):
        return Target((str(path),))
    text = source.notebook_code(path)
    if text is None:
        raise Refused(f"the notebook {script.entry_point} holds no cells that can be read")
    folder = place.at / "script"
    folder.mkdir(exist_ok=True)
    written = folder / f"{path.stem}.py"
    written.write_bytes(text)
    return Target((str(written),), (path.parent,))


def _of_name(place: Place, notes: list[str]) -> Target:
    """Return how a module is started of which no file was recorded: a draft may have its name only."""
    module, root = place.script.module, place.root
    for base in (place.cwd, root, root / "src") if root is not None else ():
        if any(_is_there(place, base.joinpath(*tail)) for tail in _tails(module)):
            return Target(("-m", module), () if base == place.cwd else (base,))
    notes.append(f"{module} is no part of the captured code, and is taken from the environment")
    return Target(("-m", module))


def _tails(module: str) -> tuple[list[str], ...]:
    """Return the files that a module may have, below the folder in which python finds it."""
    parts = module.split(".")
    return [*parts[:-1], f"{parts[-1]}.py"], [*parts, "__main__.py"], [*parts, "__init__.py"]


def _module_base(module: str, path: Path) -> Path | None:
    """Return the folder in which python finds the module, by the file that it has; None where the two do not fit."""
    for tail in _tails(module):
        if list(path.parts[-len(tail) :]) == tail:
            return path.parents[len(tail) - 1]
    return None


def _of_copy(place: Place, copy: FileRef, notes: list[str]) -> Target:
    """Write out the task's own copy of the program, under its own name."""
    script = place.script
    name = _name_of(script, copy)
    folder = place.at / "script"
    folder.mkdir(exist_ok=True)
    _write(place, folder, files.checked_parts(name, "a program"))
    if script.kind == "module" and modules.needs_package(folder / name):
        raise CodeNotFound(
            f"the module of the task, {script.module}, was captured by itself, and imports from its package"
        )
    if script.kind == "module":
        notes.append(f"{script.module} was captured by itself, and is run as a script")
    if script.kind in ("script", "module"):
        return Target((str(folder / name),))
    notebook = _inside(place)  # what was typed has imported from its own folder
    return Target((str(folder / name),), (place.cwd if notebook is None else notebook.parent,))


def _name_of(script: ScriptRecord, copy: FileRef) -> str:
    component = copy.path.rpartition("/")[2]
    name = decode(component)
    if name is None and script.kind in ("script", "module"):  # it is abbreviated
        name = Path(script.entry_point).name
    return name or component


def _write(place: Place, folder: Path, parts: tuple[str, ...]) -> None:
    copy = place.script.standalone
    if copy is not None and files.put(place.paths, copy, folder, parts, is_executable=False) != copy.hash:
        raise CodeDiffers("the program is not what was captured", [(copy.path, "its SHA-256 is another")])
