"""The git state of the code that runs, read without changing anything and without ever waiting for long.

Some six short git commands, read through pipes (about 10 ms on a thousand files); no GitPython, whose import alone
costs more than ten times that and which cannot bound what a command prints.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ..core.urls import strip_credentials
from .vcs import place
from .vcs.bundle import write_bundle
from .vcs.command import Git, environment, find_git
from .vcs.porcelain import Config, Status, commit_id, parse_config, parse_status, remote_url
from .vcs.records import DEFAULT_LIMITS, Limits, Snapshot, Submodule, Untracked
from .vcs.submodules import Indexed, read_index
from .vcs.untracked import choose, describe, listed

__all__ = ["DEFAULT_LIMITS", "Limits", "Snapshot", "Submodule", "Untracked", "snapshot", "write_bundle"]

_CONFIG_KEYS = r"^(remote\..*\.url|branch\..*\.remote|url\..*\.insteadof|submodule\..*\.url)$"
# each option undoes a setting of the user's that would make a diff that `git apply` does not take
_DIFF = (
    *("-c", "diff.autoRefreshIndex=true", "-c", "diff.suppressBlankEmpty=false"),
    *("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--unified=3"),
    *("--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/"),
    *("--submodule=short", "--ignore-submodules=dirty"),
)
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
            return Snapshot(marked, notes=("git is not on the PATH: the state of the repository is not recorded",))
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
        return Snapshot(marked, notes=(f"the repository cannot be read: {problem}",))
    root = Path(os.fsdecode(answer.stdout.removeprefix(b"true").strip(b"\r\n")))
    return _Reading(git.inside(root), root, limits).run(script, cwd)


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
    notes: list[str] = field(default_factory=list)

    def run(self, script: Path | None, cwd: Path) -> Snapshot:
        status = self.status()
        config = self.config()
        inside = place.working_dir(self.root, cwd)
        script_path = place.script_path(self.root, script) if script is not None else None
        indexed = self.index(config, status, script_path)
        untracked = self.untracked(status, None if indexed.is_tracked else script_path)
        return Snapshot(
            root=self.root,
            repository=self.repository(config, status.branch),
            branch=status.branch,
            version_num=status.commit,
            tag=self.tag(status.commit),
            working_dir=inside,
            entry_point=place.entry_point(self.root, script, inside),
            diff=self.diff(status),
            untracked=untracked,
            submodules=indexed.submodules,
            unpushed=self.unpushed(status, config),
            notes=tuple(self.notes),
        )

    def status(self) -> Status:
        common = ("status", "--porcelain=v2", "-z", "--branch", "--no-renames", "--ahead-behind")
        answer = self.git.ask(*common, "--untracked-files=all", "--ignore-submodules=none")
        if not answer.problem:
            return parse_status(answer.stdout)
        left_out = "untracked files and the state of submodules" if answer.stopped else "the state of submodules"
        self.notes.append(f"{left_out} left out: {answer.problem}")
        untracked = "no" if answer.stopped else "all"
        answer = self.git.ask(*common, f"--untracked-files={untracked}", "--ignore-submodules=all")
        if not answer.problem:
            return parse_status(answer.stdout)
        self.notes.append(f"uncommitted changes and untracked files left out: {answer.problem}")
        head = self.git.ask("rev-parse", "--verify", "HEAD").stdout.decode(errors="replace").strip()
        branch = os.fsdecode(self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD").stdout).rstrip("\n")
        return Status(commit=commit_id(head), branch=branch)

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
        dirty = [module.path for module in indexed.submodules if module.is_dirty]
        if dirty:
            self.notes.append(f"uncommitted changes inside submodules left out: {listed(dirty)}")
        return indexed

    def untracked(self, status: Status, ignored_script: str | None) -> tuple[Untracked, ...]:
        files, notes = choose(self.root, status.untracked, self.limits)
        self.notes.extend(notes)
        if ignored_script is None or ignored_script in status.untracked:
            return files
        description = describe(self.root, ignored_script)
        if isinstance(description, str) or description.size_bytes > self.limits.untracked_file_bytes:
            self.notes.append(f"the entry point is not tracked by git, and left out: {listed([ignored_script])}")
            return files
        return (*files, description)

    def diff(self, status: Status) -> bytes:
        if not status.is_changed:
            return b""
        base = status.commit or self.empty_tree()
        if not status.commit and not status.branch:
            self.notes.append("the present commit cannot be read: the diff holds all files whole")
        answer = self.git.ask(*_DIFF, base, "--", max_bytes=self.limits.diff_bytes)
        if answer.problem:
            self.notes.append(f"uncommitted changes left out: {answer.problem}")
            return b""
        if status.unmerged:
            self.notes.append(f"conflicts of a merge, in the diff as they stand in: {listed(status.unmerged)}")
        if _LFS_POINTER in answer.stdout:
            self.notes.append("contents of changed LFS files left out: the diff holds their pointers")
        return answer.stdout

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
