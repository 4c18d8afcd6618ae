"""The commits that exist only here, as a file that git can fetch from."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...disk.atomic import sync_folder, temporary_beside
from .command import Git, environment, find_git
from .records import DEFAULT_LIMITS, Limits, Snapshot


def write_bundle(snapshot: Snapshot, target: Path, *, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Write the commits up to `version_num` that no remote-tracking branch has to `target`, as a git bundle.

    It holds HEAD, and the branch where there is one. Without any remote that is the whole history, to be had with
    `git clone`; otherwise `git fetch` it into a clone of the remote. Nothing is written where nothing is unpushed.
    Returns a note where there should be a bundle and is none. The target appears whole or not at all.
    """
    if not snapshot.unpushed:
        return None
    executable = find_git()
    if executable is None:
        return "unpushed commits left out: git is not on the PATH"
    env = environment(os.environ, keep_pointers=not os.path.lexists(snapshot.root / ".git"))
    git = Git(executable, snapshot.root, env, timeout_s=limits.timeout_s, total_s=limits.total_s)
    problem = _obstacle(git, snapshot) or _write(git, snapshot, target, limits)
    return f"unpushed commits left out: {problem}" if problem else None


def _obstacle(git: Git, snapshot: Snapshot) -> str:
    """Say why a bundle would not bring the snapshot's commit back, or ""."""
    if git.ask("merge-base", "--is-ancestor", snapshot.version_num, "HEAD").problem:
        return "HEAD has moved to another line of commits since"
    shallow = git.ask("rev-parse", "--git-path", "shallow").stdout
    try:
        borders = (snapshot.root / os.fsdecode(shallow.removesuffix(b"\n"))).read_text(encoding="ascii").split()
    except (OSError, ValueError):  # not there: not a shallow clone
        return ""
    reached = git.ask("rev-list", "HEAD", "--not", "--remotes").stdout.decode("ascii", "replace").split()
    return "the clone is shallow, and their beginning is not in it" if set(borders) & set(reached) else ""


def _write(git: Git, snapshot: Snapshot, target: Path, limits: Limits) -> str:
    branch = f"refs/heads/{snapshot.branch}"
    has_branch = bool(snapshot.branch) and not git.ask("show-ref", "--verify", "--quiet", branch).problem
    heads = ("HEAD", branch) if has_branch else ("HEAD",)
    aside = temporary_beside(target)
    try:
        with aside.open("xb") as file:
            # No search for new deltas: of loose objects it takes most of the time, and packed ones keep theirs.
            arguments = ("-c", "pack.window=0", "-c", "pack.compression=1", "bundle", "create", "-")
            arguments += (*heads, "--not", "--remotes")
            answer = git.stream(file, *arguments, max_bytes=limits.bundle_bytes)
            if answer.problem:
                return answer.problem
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        return f"the bundle could not be written ({error})"
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    return ""
