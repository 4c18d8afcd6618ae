"""The git state of the code that runs, read without changing anything and without ever waiting for long.

Some six short git commands, read through pipes (about 10 ms on a thousand files); no GitPython, whose import alone
costs more than ten times that and which cannot bound what a command prints.
"""

from __future__ import annotations

import os
from pathlib import Path

from .vcs import place
from .vcs.bundle import write_bundle
from .vcs.command import Git, environment, find_git
from .vcs.reading import read_work_tree
from .vcs.records import DEFAULT_LIMITS, Limits, Missing, Snapshot, Submodule, Untracked

__all__ = ["DEFAULT_LIMITS", "Limits", "Missing", "Snapshot", "Submodule", "Untracked", "snapshot", "write_bundle"]


def root_name(script: Path | None, cwd: Path) -> str | None:
    """Return the name of the folder that is the repository's root, without asking git; None outside of any."""
    roots = (place.marked_root(folder) for folder in place.candidates(script, cwd))
    return next((root.name for root in roots if root is not None), None)


def snapshot(script: Path | None, cwd: Path, *, limits: Limits = DEFAULT_LIMITS) -> Snapshot | None:
    """Read the state of the repository that holds `script`, else of the one that holds `cwd`; None without one.

    Writes nothing into the repository, needs no network, raises nothing for a broken repository: what could not be
    read is missing from the result and named in its notes. May be called from any thread.
    """
    executable = find_git()
    for folder in place.candidates(script, cwd):
        marked = place.marked_root(folder)
        if marked is None:
            continue
        if executable is None:
            note = "git is not on the PATH: the state of the repository is not recorded"
            return Snapshot(marked, missing=Missing(reason="git is not on the PATH"), notes=(note,))
        found = _read_at(_git(executable, folder, limits), marked, script, cwd, limits)
        if found is not None:
            return found
    if executable and {"GIT_DIR", "GIT_WORK_TREE"} <= os.environ.keys():
        return _read_elsewhere(executable, script, cwd, limits)
    return None


def _git(executable: str, folder: Path, limits: Limits, *, keep_pointers: bool = False) -> Git:
    env = environment(os.environ, keep_pointers=keep_pointers)
    return Git(executable, folder, env, timeout_s=limits.timeout_s, total_s=limits.total_s)


def _read_elsewhere(executable: str, script: Path | None, cwd: Path, limits: Limits) -> Snapshot | None:
    """Read a repository that is kept apart from its work tree, where that holds the folder in question."""
    tree = Path(os.environ["GIT_WORK_TREE"])
    for folder in place.candidates(script, cwd):
        if tree.is_absolute() and place.relative(tree, folder) is not None:
            return _read_at(_git(executable, folder, limits, keep_pointers=True), tree, script, cwd, limits)
    return None


def _read_at(git: Git, marked: Path, script: Path | None, cwd: Path, limits: Limits) -> Snapshot | None:
    answer = git.ask("rev-parse", "--is-inside-work-tree", "--show-toplevel")
    is_none = "not a git repository (or any" in answer.problem
    if answer.stdout.startswith(b"false") or (is_none and not (marked / ".git" / "objects").is_dir()):
        return None
    if answer.problem or not answer.stdout.startswith(b"true"):
        problem = _advised(answer.problem or "git did not answer", marked)
        note = f"the repository cannot be read: {problem}"
        return Snapshot(marked, missing=Missing(reason=problem), notes=(note,))
    root = Path(os.fsdecode(answer.stdout.removeprefix(b"true").strip(b"\r\n")))
    return read_work_tree(git.inside(root), root, limits, script, cwd)


def _advised(problem: str, root: Path) -> str:
    if "dubious ownership" in problem or "unsafe repository" in problem:
        return f"{problem}; if you trust it: git config --global --add safe.directory '{root}'"
    return problem
