"""The git state of the code that runs, read without changing anything and without ever waiting for long.

Some six short git commands, read through pipes (about 10 ms on a thousand files); no GitPython, whose import alone
costs more than ten times that and which cannot bound what a command prints.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.urls import strip_credentials
from .vcs import place
from .vcs.bundle import write_bundle
from .vcs.command import Git, environment, find_git
from .vcs.diff import read_diff
from .vcs.porcelain import Config, Status, commit_id, parse_config, parse_status, remote_url
from .vcs.records import DEFAULT_LIMITS, Limits, Missing, Snapshot, Submodule, Untracked
from .vcs.submodules import Indexed, read_index
from .vcs.untracked import Stores, choose, describe, listed

__all__ = ["DEFAULT_LIMITS", "Limits", "Missing", "Snapshot", "Submodule", "Untracked", "snapshot", "write_bundle"]

_CONFIG_KEYS = r"^(remote\..*\.url|branch\..*\.remote|url\..*\.insteadof|submodule\..*\.url)$"
_LFS_POINTER = b"\n+version https://git-lfs.github.com/spec/"


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
    return _Reading(git.inside(root), root, limits, Stores(root)).run(script, cwd)


def _advised(problem: str, root: Path) -> str:
    if "dubious ownership" in problem or "unsafe repository" in problem:
        return f"{problem}; if you trust it: git config --global --add safe.directory '{root}'"
    return problem


@dataclass
class _Reading:
    """One snapshot in the making; each step that fails leaves a note and its part empty."""

    git: Git
    root: Path
    limits: Limits
    stores: Stores
    reasons: list[str] = field(default_factory=list)
    lost_changes: list[str] = field(default_factory=list)
    lost_untracked: int = 0
    notes: list[str] = field(default_factory=list)

    def run(self, script: Path | None, cwd: Path) -> Snapshot:
        status = self.status()
        config = self.config()
        inside = place.working_dir(self.root, cwd)
        script_path = place.script_path(self.root, script) if script is not None else None
        indexed = self.index(config, status, script_path)
        untracked = self.untracked(status, script_path, is_tracked=indexed.is_tracked)
        diff = self.diff(status, script_path)
        return Snapshot(
            root=self.root,
            repository=self.repository(config, status.branch),
            branch=status.branch,
            version_num=status.commit,
            tag=self.tag(status.commit),
            working_dir=inside,
            entry_point=place.entry_point(self.root, script, inside),
            diff=diff,
            untracked=untracked,
            submodules=indexed.submodules,
            unpushed=self.unpushed(status, config),
            has_entry_point=self.has_script(script_path, status, indexed, untracked),
            missing=self.missing(),
            notes=tuple(self.notes),
        )

    def status(self) -> Status:
        common = ("status", "--porcelain=v2", "-z", "--branch", "--no-renames", "--ahead-behind")
        answer = self.git.ask(*common, "--untracked-files=all", "--ignore-submodules=none")
        if not answer.problem:
            return parse_status(answer.stdout)
        left_out = "untracked files and the state of submodules" if answer.stopped else "the state of submodules"
        self.notes.append(f"{left_out} left out: {answer.problem}")
        if answer.stopped:
            self.reasons.append(f"untracked files: {answer.problem}")
        untracked = "no" if answer.stopped else "all"
        answer = self.git.ask(*common, f"--untracked-files={untracked}", "--ignore-submodules=all")
        if not answer.problem:
            return parse_status(answer.stdout)
        self.notes.append(f"uncommitted changes and untracked files left out: {answer.problem}")
        self.reasons.append(answer.problem)
        head = self.git.ask("rev-parse", "--verify", "HEAD").stdout.decode(errors="replace").strip()
        branch = os.fsdecode(self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD").stdout).rstrip("\n")
        return Status(commit=commit_id(head), branch=branch, is_known=False)

    def config(self) -> Config:
        answer = self.git.ask("config", "-z", "--get-regexp", _CONFIG_KEYS)
        if answer.problem and answer.problem != "git ended with 1":  # 1: no such key
            self.notes.append(f"the remote's address left out: {answer.problem}")
        return parse_config(answer.stdout)

    def repository(self, config: Config, branch: str) -> str:
        url = remote_url(config, branch)
        if not url:
            return str(self.root)
        if url.startswith(("./", "../")):  # git reads it from the root
            return str((self.root / url).resolve())
        return strip_credentials(url)

    def index(self, config: Config, status: Status, script_path: str | None) -> Indexed:
        indexed = read_index(self.git, self.root, config, status.submodules, script_path)
        if indexed.problem:
            self.notes.append(f"submodules left out: {indexed.problem}")
        if indexed.unpushed:
            self.notes.append(
                f"commits inside submodules that are on no remote, and left out: {listed(indexed.unpushed)}"
            )
        dirty = [module.path for module in indexed.submodules if module.is_dirty]
        if dirty:
            self.notes.append(f"uncommitted changes inside submodules left out: {listed(dirty)}")
        return indexed

    def untracked(self, status: Status, script: str | None, *, is_tracked: bool) -> tuple[Untracked, ...]:
        paths = [path for path in status.untracked if not self.stores.has(path)]
        files, left_out = choose(self.root, paths, script, self.limits)
        self.leave("untracked files left out", left_out)
        self.lost_untracked = sum(map(len, left_out.values()))
        if script is None or is_tracked or script in status.untracked or self.stores.has(script):
            return files
        description = describe(self.root, script)
        if isinstance(description, str) or description.size_bytes > self.limits.untracked_file_bytes:
            self.notes.append(f"the entry point is not tracked by git, and left out: {listed([script])}")
            return files
        return (*files, description)

    def diff(self, status: Status, script: str | None) -> bytes:
        changed = [path for path in status.changed if not self.stores.has(path)]
        if not changed:
            return b""
        base = status.commit or self.empty_tree()
        if not status.commit and not status.branch:
            self.notes.append("the present commit cannot be read: the diff holds all files whole")
        is_all = len(changed) == len(status.changed)
        found = read_diff(self.git, self.root, base, changed, script, self.limits, is_all=is_all)
        self.leave("uncommitted changes left out", found.left_out)
        self.lost_changes = [path for paths in found.left_out.values() for path in paths]
        if status.unmerged:
            self.notes.append(f"conflicts of a merge, in the diff as they stand in: {listed(status.unmerged)}")
        if _LFS_POINTER in found.text:
            self.notes.append("contents of changed LFS files left out: the diff holds their pointers")
        return found.text

    def leave(self, what: str, left_out: Mapping[str, Sequence[str]]) -> None:
        self.notes.extend(f"{what}, {reason}: {listed(paths)}" for reason, paths in left_out.items())
        self.reasons.extend(left_out)

    def missing(self) -> Missing | None:
        if not self.reasons:
            return None
        return Missing(len(self.lost_changes), self.lost_untracked, "; ".join(dict.fromkeys(self.reasons)))

    def has_script(self, path: str | None, status: Status, indexed: Indexed, untracked: Sequence[Untracked]) -> bool:
        """Tell whether the script can be had from what is recorded."""
        if path is None or not status.is_known or indexed.problem:
            return False
        if place.relative(self.root, (self.root / path).resolve()) is None:  # a link that leads out
            return False
        return path not in self.lost_changes if indexed.is_tracked else any(file.path == path for file in untracked)

    def empty_tree(self) -> str:
        """What a work tree without a commit is compared with; its name depends on the hash. Nothing is written."""
        return self.git.ask("hash-object", "-t", "tree", "--stdin").stdout.decode(errors="replace").strip()

    def unpushed(self, status: Status, config: Config) -> tuple[str, ...]:
        follows_remote = config.get(f"branch.{status.branch}.remote") not in ("", ".")
        if not status.commit or (status.is_ahead is False and follows_remote):
            return ()
        count = self.limits.unpushed_commits
        answer = self.git.ask("rev-list", f"--max-count={count + 1}", status.commit, "--not", "--remotes")
        commits = answer.stdout.decode(errors="replace").split()
        if answer.problem:
            self.notes.append(f"which commits are unpushed is not known: {answer.problem}")
        if len(commits) > count:
            self.notes.append(f"more than {count:,} commits are unpushed; the list holds the newest")
        return tuple(commits[:count])

    def tag(self, commit: str) -> str:
        if not commit:
            return ""
        answer = self.git.ask(
            "for-each-ref", "--count=1", f"--points-at={commit}", "--format=%(refname:strip=2)", "refs/tags"
        )
        return os.fsdecode(answer.stdout).rstrip("\n")
