"""The program of a task: command, commit, changes, packages, source, as `show` prints them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from . import context, page, render

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.schema.record import FileRef, ScriptRecord


def facts(paths: TaskPaths, script: ScriptRecord) -> None:
    """Print what was run, where, and of which code."""
    page.facts(
        [
            ("command", _command(script)),
            ("in", script.cwd),
            ("repository", script.repository),
            ("commit", _commit(script)),
            ("changes", _changes(paths, script)),
            ("code", f"source/script, {render.size(script.standalone.size)}" if script.standalone else ""),
            ("packages", _package_count(script)),
        ]
    )


def _command(script: ScriptRecord) -> str:
    if not script.argv and not script.entry_point and not script.module:
        return ""
    program = ["-m", script.module] if script.module else script.argv[:1] or [script.entry_point]
    return shlex.join([script.binary or "python", *program, *script.argv[1:]])


def _commit(script: ScriptRecord) -> str:
    if not script.version_num:
        return ""
    names = [f"branch {script.branch}"] * bool(script.branch) + [f"tag {script.tag}"] * bool(script.tag)
    if script.bundle:
        names.append("not pushed: its commits are kept with the task")
    return script.version_num + (f" ({', '.join(names)})" if names else "")


def _changes(paths: TaskPaths, script: ScriptRecord) -> str:
    missing = script.missing
    lost, lost_untracked = (missing.changed, missing.untracked) if missing else (0, 0)
    parts = [_diff(paths, script.diff, lost)] if script.diff is not None else []
    if script.untracked or lost_untracked:
        parts.append(render.count(len(script.untracked) + lost_untracked, "untracked file"))
        parts += [f"{lost_untracked:,} left out"] if lost_untracked else []
    dirty = sum(item.dirty for item in script.submodules)
    if dirty:
        parts.append(render.count(dirty, "changed submodule"))
    is_told = script.diff is not None if lost else bool(lost_untracked)
    if missing and not is_told:
        what = f"{render.count(lost, 'changed file')}: " if lost else ""
        parts.append(f"{'the rest ' if parts else ''}not recorded ({what}{page.short(missing.reason)})")
    return ", ".join(parts) or ("none" if script.version_num else "")


def _diff(paths: TaskPaths, reference: FileRef, lost: int) -> str:
    """Say what the diff holds, of a work tree with `lost` more changed files."""
    from taskstore.sections import compare, patch

    data = compare.read_source(paths, reference, limit_bytes=32 << 20)
    rest = f", {lost:,} left out" if lost else ""
    if data is None:
        return f"uncommitted, {render.size(reference.size)}{rest}"
    found = patch.measure(data)
    count = f"{found.files:,} of {found.files + lost:,} files" if lost else render.count(found.files, "file")
    return f"+{found.added:,} -{found.removed:,} lines in {count}{rest}"


def _package_count(script: ScriptRecord) -> str:
    return f"{len(script.requirements):,} imported (--packages lists them)" if script.requirements else ""


def print_packages(script: ScriptRecord, *, as_json: bool) -> None:
    """Print the packages that the program imported."""
    if as_json:
        for name, version in script.requirements.items():
            render.print_json({"name": name, "version": version})
        return
    render.table(script.requirements.items(), ["name", "version"])


def _why_not(paths: TaskPaths, reference: FileRef) -> str:
    from taskstore.store import left_out

    if not (paths.home / reference.path).exists() and left_out.is_left_out(paths, reference.path):
        return f"it was {left_out.WHY}"
    return "large or not text; see its file"


def print_source(paths: TaskPaths, script: ScriptRecord, *, as_json: bool) -> None:
    """Print the captured code: the script, and what was not committed."""
    from taskstore.sections import compare

    shown = 0
    for name, reference in script.code_files():
        shown += 1
        data = compare.read_source(paths, reference)
        text = None if data is None or b"\0" in data else data.decode("utf-8", "replace")
        if as_json:
            render.print_json({"name": name, "path": reference.path, "size": reference.size, "text": text})
            continue
        title = f"{render.safe(name)} ({render.safe(reference.path)}, {render.size(reference.size)})"
        render.hanging(("# ", "bold"), (title, "bold"))
        render.line(render.safe_lines(text).rstrip("\n") if text is not None else f"# {_why_not(paths, reference)}")
    if not shown:
        context.say(render.safe(_without_code(script)))
    elif script.missing is not None:
        context.say(render.safe(f"that is not all: {_changes(paths, script)}"))


def _without_code(script: ScriptRecord) -> str:
    """Say why there is no code to show, and where there is some."""
    if script.missing is not None:
        return f"no code was captured: its uncommitted changes are not recorded ({script.missing.reason})"
    if script.version_num:
        is_left = any(item.dirty and not item.captured for item in script.submodules)
        where = "but within submodules" if is_left else "in the repository"
        return f"no code was captured beside the commit: nothing was changed {where}"
    notes = [note for note in script.notes if note.startswith(("source:", "code:", "git:", "the repository", "git is"))]
    return "; ".join(["no code was captured, and no commit is known", *notes])
