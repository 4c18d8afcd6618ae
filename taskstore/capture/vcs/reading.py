"""One work tree read by git, step by step, and the work trees of its submodules in the same way."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...core.urls import strip_credentials
from . import place
from .command import Git
from .diff import read_diff
from .porcelain import Config, Status, commit_id, parse_config, parse_status, remote_url
from .records import Limits, Missing, Snapshot, Submodule, Untracked
from .submodules import Indexed, read_index
from .untracked import Stores, choose, describe, listed

_CONFIG_KEYS = r"^(remote\..*\.url|branch\..*\.remote|url\..*\.insteadof|submodule\..*\.url)$"
_LFS_POINTER = b"\n+version https://git-lfs.github.com/spec/"


def read_work_tree(git: Git, root: Path, limits: Limits, script: Path | None, cwd: Path) -> Snapshot:
    """Return the state of the work tree at `root`, in which `git` runs, with that of its submodules."""
    return _Reading(git, root, limits, Stores(root)).run(script, cwd)


@dataclass(frozen=True)
class Taken:
    """What of the limits is used up."""

    diff_bytes: int = 0
    untracked_bytes: int = 0
    untracked_files: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.diff_bytes + other.diff_bytes,
            self.untracked_bytes + other.untracked_bytes,
            self.untracked_files + other.untracked_files,
        )


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
    taken: Taken = Taken()
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
            submodules=self.submodules(indexed, status),
            unpushed=self.unpushed(status, config),
            has_entry_point=self.has_script(script_path, status, indexed, untracked),
            missing=self.missing(),
            notes=tuple(self.notes),
        )

    def run_inside(self, module: Submodule, *, may_differ: bool) -> Snapshot:
        """Read the work tree of a submodule; one that git has called clean is asked for its own submodules only."""
        status = replace(self.status(), commit=module.commit) if may_differ else Status(commit=module.commit)
        config = self.config() if os.path.lexists(self.root / ".gitmodules") else Config()
        indexed = self.index(config, status, None)
        untracked = self.untracked(status, None, is_tracked=True)
        return Snapshot(
            root=self.root,
            branch=status.branch,
            version_num=module.commit,
            diff=self.diff(status, None),
            untracked=untracked,
            submodules=self.submodules(indexed, status),
            unpushed=self.unpushed(status, config),
            missing=self.missing(),
            notes=tuple(self.notes),
        )

    def submodules(self, indexed: Indexed, status: Status) -> tuple[Submodule, ...]:
        """Read what is in the submodules, and theirs; all of them share the limits with the tree that they are in."""
        found: list[Submodule] = []
        for module in indexed.submodules:
            root = self.root / module.path
            if not os.path.lexists(root / ".git"):
                found.append(replace(module, is_checked_out=False))
                continue
            reading = _Reading(self.git.inside(root), root, self.left(), Stores(root))
            state = reading.run_inside(module, may_differ=module.is_dirty or not status.knows_submodules)
            self.taken += reading.taken
            self.notes.extend(f"submodule {listed([module.path])}: {note}" for note in state.notes)
            inner = [replace(each, path=f"{module.path}/{each.path}") for each in state.submodules]
            found += [replace(module, state=state), *inner]
        return tuple(found)

    def left(self) -> Limits:
        """Return what of the limits is not used up."""
        limits, taken = self.limits, self.taken
        return replace(
            limits,
            diff_bytes=max(0, limits.diff_bytes - taken.diff_bytes),
            untracked_total_bytes=max(0, limits.untracked_total_bytes - taken.untracked_bytes),
            untracked_files=max(0, limits.untracked_files - taken.untracked_files),
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
            return replace(parse_status(answer.stdout), knows_submodules=False)
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
            self.reasons.append(f"submodules: {indexed.problem}")
        return indexed

    def untracked(self, status: Status, script: str | None, *, is_tracked: bool) -> tuple[Untracked, ...]:
        paths = [path for path in status.untracked if not self.stores.has(path)]
        files, left_out = choose(self.root, paths, script, self.limits)
        self.leave("untracked files left out", left_out)
        self.lost_untracked = sum(map(len, left_out.values()))
        self.taken += Taken(0, sum(file.size_bytes for file in files), len(files))
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
        self.taken += Taken(len(found.text))
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
