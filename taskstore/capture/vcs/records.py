"""What the git capture is allowed to cost, and what it brings back. Field names as in ClearML's script document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds of one capture. What goes beyond one is left out whole, and a note says so."""

    diff_bytes: int = 10 * MIB
    untracked_file_bytes: int = 10 * MIB
    untracked_total_bytes: int = 100 * MIB
    untracked_files: int = 2_000
    unpushed_commits: int = 1_000
    bundle_bytes: int = 100 * MIB
    timeout_s: float = 10.0
    """Per git command."""
    total_s: float = 60.0
    """For all commands of one call together."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Untracked:
    """A file that git does not track, nor ignore (an ignored entry point is the one exception).

    A symbolic link is described by `link_target`, the text in the link, and is never to be followed: whoever copies
    `source` opens it without following links, and expects that it may have changed or gone since.
    """

    path: str
    """Relative to the root, with forward slashes. Bytes that are not UTF-8 are surrogate escapes."""
    source: Path
    size_bytes: int
    is_executable: bool
    link_target: str | None = None


@dataclass(frozen=True)
class Submodule:
    """A submodule as it is checked out: `commit` is what stands in its folder, not what the index wants there.

    `is_dirty` says that its own files, or those of a submodule in it, differ from that commit.
    """

    path: str
    """Relative to the root of the outermost repository, with forward slashes."""
    url: str
    commit: str
    is_dirty: bool
    is_checked_out: bool = True
    """False where its folder is empty; `commit` is then what the index wants."""
    state: Snapshot | None = None
    """What differs, and what no remote has. Paths in it are relative to the submodule's root."""


@dataclass(frozen=True)
class Missing:
    """What of the work tree is not in a snapshot: numbers of files, and why; no numbers where git did not tell."""

    changed: int = 0
    untracked: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The state of a work tree: `version_num` checked out, then `diff` applied, then `untracked` copied over it.

    Apply with `git apply --index --whitespace=nowarn` in a checkout of `version_num` (in an empty repository where
    that is ""); then each submodule in the same way. A repository that git could not read has a root and notes, and
    the rest empty.
    """

    root: Path
    repository: str = ""
    """The remote's address without credentials; the root's path where there is no remote."""
    branch: str = ""
    version_num: str = ""
    tag: str = ""
    working_dir: str = "."
    entry_point: str = ""
    diff: bytes = b""
    untracked: tuple[Untracked, ...] = ()
    submodules: tuple[Submodule, ...] = ()
    """Those within submodules too, each behind the one that it is in."""
    unpushed: tuple[str, ...] = ()
    """Commits of HEAD that no remote-tracking branch has, newest first, cut at `Limits.unpushed_commits`."""
    has_entry_point: bool = False
    """Whether commit, diff and untracked files hold the script that runs, as it is."""
    missing: Missing | None = None
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
