"""Where the code that is about to run differs from what a task recorded: said, never a reason not to run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import git as capture
from ..capture.vcs.untracked import Stores
from ..disk.atomic import sha256_of
from ..disk.layout import TaskPaths
from ..schema.record import ScriptRecord, Submodule, Untracked

if TYPE_CHECKING:
    from git import Repo

_LIMITS = capture.Limits(timeout_s=5.0, total_s=10.0)
_GIT_TIMEOUT_S = 5.0
_NO_SUCH_COMMIT = 128
_MAX_NAMES = 5
_DIFF_PART = re.compile(rb"^diff --git ", re.M)
_DIFF_NAME = re.compile(rb'"?a/(.*?)"? "?b/')


def differences(paths: TaskPaths, script: ScriptRecord) -> list[str]:
    """Return, a line each, how the checkout at the recorded place differs from the recorded commit, diff and files.

    Nothing where there is nothing to compare, or git does not tell. Bounded in time; changes nothing.
    """
    root = Path(script.root)
    if not script.root or not script.version_num or not root.is_dir():
        return []
    snapshot = capture.snapshot(None, root, limits=_LIMITS)
    if snapshot is None or not snapshot.version_num:
        return [f"{root} is no git checkout any more; the recorded commit is {script.version_num[:12]}"]
    found = []
    if snapshot.version_num != script.version_num:
        found.append(_commits_apart(root, script.version_num, snapshot.version_num))
    stores = Stores(root)
    changed = [name for name in _changed_parts(paths, script, snapshot) if not stores.has(name)]
    lost = [item.path for item in script.untracked if not stores.has(item.path) and not _is_same(root, item)]
    present = {module.path: module for module in snapshot.submodules}
    for module in script.submodules:
        there = present.get(module.path)
        if there is not None and there.commit != module.version_num and module.checked_out:
            found.append(f"submodule {module.path} is at commit {there.commit[:12]}, and not {module.version_num[:12]}")
        if there is not None and there.state is not None and module.captured:
            changed += [f"{module.path}/{name}" for name in _changed_parts(paths, module, there.state)]
            inside = root / module.path
            lost += [f"{module.path}/{item.path}" for item in module.untracked if not _is_same(inside, item)]
    if changed:
        found.append(f"the uncommitted changes are not the recorded ones ({_names(changed)})")
    if lost:
        found.append(f"files that git does not track are not as they were ({_names(lost)})")
    return found


def _commits_apart(root: Path, recorded: str, present: str) -> str:
    text = f"commit {recorded[:12]} was recorded, and {present[:12]} is checked out"
    repository = _open(root)
    if repository is None:
        return text
    with repository:
        return f"{text}{_changed_between(repository, recorded, present)}"


def _open(root: Path) -> Repo | None:
    try:
        # 125 ms, and only two differing commits need it; it fails to import where there is no git.
        import git
    except ImportError:
        return None
    try:
        return git.Repo(root)
    except (git.GitError, OSError, ValueError):
        return None


def _changed_between(repository: Repo, recorded: str, present: str) -> str:
    """Say which files differ between two commits, as far as git tells."""
    import git

    # It must neither ask for a password nor fetch what a partial clone lacks.
    repository.git.update_environment(GIT_TERMINAL_PROMPT="0", GIT_NO_LAZY_FETCH="1", GIT_OPTIONAL_LOCKS="0")
    try:
        listing = repository.git.diff("--name-only", "-z", recorded, present, "--", kill_after_timeout=_GIT_TIMEOUT_S)
    except git.GitCommandError as error:
        return "; the recorded one is not in this clone" if error.status == _NO_SUCH_COMMIT else ""
    except (git.GitError, OSError, ValueError):
        return ""
    changed = [name for name in str(listing).split("\0") if name]
    return f"; {_names(changed)} differ" if changed else "; no file differs"


def _recorded_diff(paths: TaskPaths, script: ScriptRecord | Submodule) -> bytes:
    if script.diff is None:
        return b""
    try:
        return (paths.home / script.diff.path).read_bytes()
    except OSError:
        return b""


def _changed_parts(paths: TaskPaths, script: ScriptRecord | Submodule, present: capture.Snapshot) -> list[str]:
    """Return the names of the files of which the diffs say different things; what either left out is not compared."""
    before, after = _parts(_recorded_diff(paths, script)), _parts(present.diff)
    names = before.keys() | after.keys()
    names -= (after.keys() - before.keys()) if script.missing else set()
    names -= (before.keys() - after.keys()) if present.missing else set()
    return sorted(name for name in names if before.get(name) != after.get(name))


def _parts(diff: bytes) -> dict[str, bytes]:
    parts = {}
    for part in _DIFF_PART.split(diff)[1:]:
        name = _DIFF_NAME.match(part)
        parts[(name[1] if name else part.partition(b"\n")[0]).decode("utf-8", "replace")] = part
    return parts


def _is_same(root: Path, item: Untracked) -> bool:
    """Tell whether a file that git did not know is as it was; links are not looked at."""
    path = root / item.own_path
    try:
        return item.file is None or (path.is_file() and sha256_of(path) == item.file.hash)
    except OSError:
        return False


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:_MAX_NAMES])
    return f"{shown} and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else shown
