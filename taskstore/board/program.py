"""A task's program as a screen shows it: its command, its repository, what of it was not committed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from ..disk.layout import TaskPaths
from ..disk.text import read_bytes
from ..schema.record import Container, FileRef, Missing, ScriptRecord, Submodule
from ..sections import compare, patch
from ..sections.patch import Patch
from ..store import left_out, places, tasks
from ..store.store import Store

MAX_DIFF_LINES = 2_000
MAX_DIFF_BYTES = 32 << 20


@dataclass(frozen=True)
class Captured:
    """A file of code that was captured: what it is to a person, and its text; without one, `why` says the reason."""

    name: str
    file: FileRef
    text: str | None = None
    patch: Patch | None = None
    why: str = ""


@dataclass(frozen=True)
class Program:
    """What ran, as it was read at once."""

    script: ScriptRecord
    container: Container | None
    diffs: list[Captured] = field(default_factory=list)
    others: list[Captured] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


def read(store: Store, task_id: str) -> Program:
    """Return a task's program. Raises NotFound, Damaged."""
    paths = places.locate(store, task_id)
    script = tasks.read_script(paths)
    diffs: list[Captured] = []
    others: list[Captured] = []
    for name, reference in script.code_files():
        is_diff = reference is script.diff or any(reference is module.diff for module in script.submodules)
        (diffs if is_diff else others).append(_captured(paths, name, reference, is_diff=is_diff))
    record = tasks.read(paths)
    prefix = "env/"
    variables = {name.removeprefix(prefix): value for name, value in record.runtime.items() if name.startswith(prefix)}
    return Program(script, record.container, diffs, others, _environment(paths), variables)


def _captured(paths: TaskPaths, name: str, reference: FileRef, *, is_diff: bool) -> Captured:
    if not is_diff:
        return Captured(name.removeprefix("untracked "), reference)  # its text is read when it is asked for
    data = compare.read_source(paths, reference, limit_bytes=MAX_DIFF_BYTES)
    if data is None:
        return Captured(name, reference, why=why_not(paths, reference))
    return Captured(name, reference, patch=patch.parse(data, max_lines=MAX_DIFF_LINES))


def text_of(store: Store, task_id: str, path: str) -> Captured:
    """Return a captured file with its text, by its path within the task."""
    paths = places.locate(store, task_id)
    for name, reference in tasks.read_script(paths).code_files():
        if reference.path == path:
            data = compare.read_source(paths, reference)
            if data is None or b"\0" in data:
                return Captured(name, reference, why=why_not(paths, reference))
            return Captured(name, reference, text=data.decode("utf-8", "replace"))
    return Captured(path, FileRef(path=path, size=0, hash=""), why="it is there no more")


def why_not(paths: TaskPaths, reference: FileRef) -> str:
    """Say why a captured file is not shown."""
    if not (paths.home / reference.path).exists():
        is_left_out = left_out.is_left_out(paths, reference.path)
        return f"It was {left_out.WHY}." if is_left_out else "Its file is missing."
    return "It is large, or not text; download it to see it."


def command(script: ScriptRecord) -> str:
    """Return the command line as a shell takes it; nothing where none is known."""
    if not script.argv and not script.entry_point and not script.module:
        return ""
    program = ["-m", script.module] if script.module else script.argv[:1] or [script.entry_point]
    return shlex.join([script.binary or "python", *program, *script.argv[1:]])


def missing(what: ScriptRecord | Submodule) -> str:
    """Say what of the uncommitted changes was not recorded, and why."""
    lost: Missing | None = what.missing
    if lost is None:
        return ""
    counts = [f"{lost.changed:,} changed"] * bool(lost.changed) + [f"{lost.untracked:,} untracked"] * bool(
        lost.untracked
    )
    files = f"files that are not recorded: {', '.join(counts)}; " if counts else "not all is recorded: "
    return files + lost.reason


def _environment(paths: TaskPaths) -> list[str]:
    """Return the lines of the list of all packages that were installed."""
    path = paths.environment
    try:
        if not path.resolve().is_relative_to(paths.home.resolve()):
            return []
        lines = read_bytes(path).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip() and not line.startswith("#")]
