"""A rebuilt work tree against the record of it: commit, changes, contents, each by its hash.

Three steps, each able to find what the others cannot. The index against the recorded diff: each file has the mode and
the object that the diff named when it was captured. The work tree against the index: each file is read and hashed
again, whatever its times say. HEAD against the recorded commit, whose name is a hash of all that is in it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...capture.vcs.command import Answer, Git
from ...capture.vcs.porcelain import parse_index
from ...core.errors import CodeDiffers
from . import patches
from .building import said, text

GITLINK = "160000"
_PLAIN = ("100644", "100755")
_HASHES = {40: "sha1", 64: "sha256"}
Objects = dict[str, tuple[str, str]]
"""Mode and object's name by path."""


@dataclass(frozen=True)
class Expected:
    """What a work tree is to be: the commit ("" for none), and the diff on it."""

    commit: str
    diff: bytes


def differences(git: Git, root: Path, expected: Expected, index: Objects) -> list[tuple[str, str]]:
    """Return each file of the work tree at `root` that is not as recorded, and how it differs."""
    head = text(git.ask("rev-parse", "--verify", "--quiet", "HEAD"))
    if head != expected.commit:
        return [("HEAD", f"is at {head[:12] or 'no commit'}, and {expected.commit[:12] or 'none'} was recorded")]
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
    """Compare each file with the index, by its kind, its mode and its content, which git reads and hashes again."""
    found: list[tuple[str, str]] = []
    plain: list[str] = []
    modes: list[str] = []
    for path, (mode, name) in index.items():
        if mode == GITLINK:
            continue
        facts = _facts(root / path)
        if facts is None:
            found.append((path, "is not there"))
        elif mode not in _PLAIN:
            found += [] if _is_link_to(root / path, name) else [(path, "is another link")]
        elif not stat.S_ISREG(facts.st_mode):
            found.append((path, "is no file"))
        else:
            plain.append(path)
            modes += [path] if bool(facts.st_mode & 0o100) != (mode == "100755") else []
    if modes and _modes_count(git):
        found += [(path, "has another mode") for path in modes]
    return [*found, *_contents_differ(git, plain, index)]


def _facts(place: Path) -> os.stat_result | None:
    try:
        return place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _modes_count(git: Git) -> bool:
    """Tell whether files have a mode where the work tree is; git has tried it."""
    return os.name == "posix" and text(git.ask("config", "--type=bool", "core.fileMode")) != "false"


def _is_link_to(place: Path, name: str) -> bool:
    """Tell whether a link's text is the content of that object; where there are no links a file holds the text."""
    if place.is_symlink():
        data = os.fsencode(place.readlink())
    elif os.name == "nt" and place.is_file():
        data = place.read_bytes()
    else:
        return False
    return hashlib.new(_HASHES[len(name)], b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == name


def _contents_differ(git: Git, paths: list[str], index: Objects) -> list[tuple[str, str]]:
    hashed = _hashed(git, paths) if paths else []
    differing = [path for path, name in zip(paths, hashed, strict=True) if name != index[path][1]]
    return [(path, how) for path in differing if (how := _how(git, path, index[path][1]))]


def _hashed(git: Git, paths: list[str]) -> list[str]:
    listing = b"".join(_line(os.fsencode(path)) for path in paths)
    answer = _asked(git.ask("hash-object", "--stdin-paths", given=listing)).decode().splitlines()
    if len(answer) != len(paths):
        raise CodeDiffers("what was rebuilt cannot be compared", [("git", "it has not hashed each file")])
    return answer


def _line(path: bytes) -> bytes:
    """Spell a path in one line, as git reads it."""
    if b"\n" not in path and not path.startswith(b'"'):
        return path + b"\n"
    quoted = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + quoted + b'"\n'


def _how(git: Git, path: str, recorded: str) -> str:
    """Say how a file differs from the index; "" for one that only a conversion of line ends would change.

    Such files are in the commit as no checkout would write them, and git says now and again that they have changed.
    """
    written = text(git.ask("hash-object", "--no-filters", "--", path))
    return "" if written == recorded else f"has the content {written[:12]}, and {recorded[:12]} was recorded"


def raise_for(files: Sequence[tuple[str, str]], what: str) -> None:
    """Raise CodeDiffers where there are any."""
    if files:
        raise CodeDiffers(f"the code was rebuilt, and is not what was recorded of {what}", files, _HINT)


_HINT = "nothing was run; where the diff was edited by hand, take the lines out of it that begin with `index`"
