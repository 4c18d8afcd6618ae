"""A rebuilt work tree against the record of it: commit, changes, contents, each by its hash.

Three steps, each able to find what the others cannot. The index against the recorded diff: each file has the mode and
the object that the diff named when it was captured. The work tree against the index: each file is read and hashed
again, whatever its times say. HEAD against the recorded commit, whose name is a hash of all that is in it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...capture.vcs.command import Answer, Git
from ...capture.vcs.porcelain import parse_index
from ...core.errors import CodeDiffers
from . import patches
from .building import said, text

GITLINK = "160000"
_GROUP = 200
Objects = dict[str, tuple[str, str]]
"""Mode and object's name by path."""


@dataclass(frozen=True)
class Expected:
    """What a work tree is to be: the commit ("" for none), and the diff on it."""

    commit: str
    diff: bytes


def differences(git: Git, root: Path, expected: Expected) -> list[tuple[str, str]]:
    """Return each file of the work tree at `root` that is not as recorded, and how it differs."""
    head = text(git.ask("rev-parse", "--verify", "--quiet", "HEAD"))
    if head != expected.commit:
        return [("HEAD", f"is at {head[:12] or 'no commit'}, and {expected.commit[:12] or 'none'} was recorded")]
    index = read_index(git)
    before = _committed(git, expected.commit)
    return [*_index_differs(index, before, patches.read(expected.diff)), *_files_differ(git, root, index)]


def read_index(git: Git) -> Objects:
    """Return what the index has."""
    listing = _asked(git.ask("ls-files", "--stage", "-z"))
    return {path: (mode, name) for mode, name, path in parse_index(listing)}


def _committed(git: Git, commit: str) -> Objects:
    if not commit:
        return {}
    found: Objects = {}
    for entry in os.fsdecode(_asked(git.ask("ls-tree", "-r", "-z", "--full-tree", commit))).split("\0"):
        facts, tab, path = entry.partition("\t")
        if tab:
            mode, _, name = facts.split(" ", 2)
            found[path] = (mode, name)
    return found


def _asked(answer: Answer) -> bytes:
    if answer.problem:
        raise CodeDiffers("what was rebuilt cannot be compared", [("git", said(answer))])
    return answer.stdout


def _index_differs(index: Objects, before: Objects, recorded: dict[str, patches.Becomes]) -> list[tuple[str, str]]:
    """Compare the changes that the index has, file by file, with those that were recorded."""
    found = []
    for path, becomes in recorded.items():
        present = index.get(path)
        if becomes.is_gone:
            if present is not None:
                found.append((path, "is there, and was deleted"))
            continue
        mode, name = before.get(becomes.of, ("", ""))
        mode, name = becomes.mode or mode, becomes.name or name
        if present is None:
            found.append((path, "is not there"))
        elif not present[1].startswith(name):
            found.append((path, f"has the content {present[1][:12]}, and {name[:12]} was recorded"))
        elif mode and present[0] != mode:
            found.append((path, f"has the mode {present[0]}, and {mode} was recorded"))
    others = {path for path in {*index, *before} - recorded.keys() if index.get(path) != before.get(path)}
    return [*found, *((path, "differs from the commit, and was not recorded as changed") for path in sorted(others))]


def _files_differ(git: Git, root: Path, index: Objects) -> list[tuple[str, str]]:
    """Hash the files again: by an index that knows nothing of their times, so that git reads each of them."""
    again = git.given(GIT_INDEX_FILE=str(_beside_index(git, root)))
    try:
        _asked(again.ask("read-tree", text(git.ask("write-tree"))))
        again.ask("update-index", "-q", "--really-refresh")  # which fails where some differ
        listing = _asked(again.ask("diff-files", "--name-only", "--no-renames", "--ignore-submodules", "-z"))
    finally:
        Path(_beside_index(git, root)).unlink(missing_ok=True)
    names = [name for name in os.fsdecode(listing).split("\0") if name]
    return [(name, how) for name in names if (how := _how(git, root, name, index.get(name)))]


def _beside_index(git: Git, root: Path) -> Path:
    return root / text(git.ask("rev-parse", "--git-path", "taskstore-index"))


def _how(git: Git, root: Path, path: str, entry: tuple[str, str] | None) -> str:
    """Say how a file differs from the index; "" for one that only a conversion of line ends would change.

    Such files are in the commit as no checkout would write them, and git says now and again that they have changed.
    """
    place = root / path
    if not os.path.lexists(place):
        return "is not there"
    if entry is None or entry[0] == "120000" or place.is_symlink():
        return "is another link"
    is_executable = bool(place.stat().st_mode & 0o100)
    if os.name == "posix" and is_executable != (entry[0] == "100755"):
        return "has another mode"
    written = text(git.ask("hash-object", "--no-filters", "--", path))
    return "" if written == entry[1] else f"has the content {written[:12]}, and {entry[1][:12]} was recorded"


def raise_for(files: Sequence[tuple[str, str]], what: str) -> None:
    """Raise CodeDiffers where there are any."""
    if files:
        raise CodeDiffers(f"the code was rebuilt, and is not what was recorded of {what}", files, _HINT)


_HINT = "nothing was run; where the diff was edited by hand, take the lines out of it that begin with `index`"
