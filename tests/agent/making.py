"""Tasks of real code for the tests of rebuilding it, and trees to compare."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from taskstore.agent.source import Tree, rebuild
from taskstore.capture.git import Snapshot
from taskstore.capture.source import Entry
from taskstore.core.secrets import Masker
from taskstore.disk.layout import TaskPaths
from taskstore.run.code import first_look, keep, look
from taskstore.schema import codec
from taskstore.schema.record import ScriptRecord
from taskstore.store import tasks
from taskstore.store.settings import Capture
from taskstore.store.store import Store


def entry(script: Path | None, cwd: Path, *argv: str, kind: str = "script", module: str | None = None) -> Entry:
    name = str(script or module or "")
    return Entry(kind, script, module, [name, *argv], [], "/usr/bin/python3", "python3", cwd)  # type: ignore[arg-type]


def captured(store: Store, program: Entry, settings: Capture | None = None) -> tuple[TaskPaths, ScriptRecord]:
    """Make a task as a run of the program would, with its code; the record has been through its file."""
    paths = tasks.create(store, "examples", "a run")
    script = first_look(program, Masker())
    keep(look(program, settings or Capture()), program, store.paths, paths, settings or Capture())(script)
    return paths, codec.decode(ScriptRecord, codec.encode(script), paths.script)


def built(made: tuple[TaskPaths, ScriptRecord], at: Path, *, allow_missing: bool = False) -> Tree:
    return rebuild(*made, at, tell=lambda text: None, allow_missing=allow_missing)


def facts_of(taken: Snapshot) -> tuple[object, ...]:
    """Return what a capture has found, without the folder in which it was."""
    untracked = [(file.path, file.size_bytes, file.is_executable, file.link_target) for file in taken.untracked]
    modules = [
        (each.path, each.url, each.commit, each.is_dirty, each.is_checked_out, each.state and facts_of(each.state)[1:])
        for each in taken.submodules
    ]
    return (taken.branch, taken.version_num, taken.diff, untracked, taken.unpushed, modules, taken.missing, taken.notes)


def tree_hash(root: Path) -> str:
    """One hash of every file below `root`, its mode, links by their texts; git's own and empty folders are no part."""
    digest = hashlib.sha256()
    for line in sorted(_lines(root)):
        digest.update(line + b"\0")
    return digest.hexdigest()


def _lines(root: Path) -> list[bytes]:
    found = []
    for folder, folders, names in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git" and name not in links]
        for name in [*names, *links]:
            path = Path(folder) / name
            if name == ".git":
                continue
            where = os.fsencode(path.relative_to(root).as_posix())
            if path.is_symlink():
                found.append(where + b"\0link\0" + os.fsencode(os.readlink(path)))  # noqa: PTH115 - the text itself
            else:
                mode = b"x" if path.stat().st_mode & 0o100 else b"-"
                found.append(where + b"\0" + mode + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found
