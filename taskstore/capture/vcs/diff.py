"""The uncommitted changes as one diff: whole where it fits, else without the files that are too large for it.

The whole is asked for first. Where that is too much, or fails, the changed files are asked for in groups, small files
first, and a group that is too much is halved; a file that is so by itself is left out. So one large file costs itself
and some ten commands. The entry point is asked for before all others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .command import Git
from .records import Limits

# each option undoes a setting of the user's that would make a diff that `git apply` does not take
_DIFF = (
    *("-c", "diff.autoRefreshIndex=true", "-c", "diff.suppressBlankEmpty=false"),
    *("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--unified=3"),
    *("--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/"),
    *("--submodule=short", "--ignore-submodules=dirty"),
)
_HUGE_BYTES = 256 << 20  # git reads a file whole, and a binary one is compressed in memory
_GROUP_FILES = 500
_GROUP_CHARACTERS = 24_000  # a command line has some 32,000 on Windows
_MAX_FAILURES = 60
_MAX_LATE = 2  # a filter that hangs does so each time


@dataclass(frozen=True)
class Diff:
    """What was read, and by reason the changed files that are not in it."""

    text: bytes = b""
    left_out: dict[str, list[str]] = field(default_factory=dict)


def read_diff(
    git: Git, root: Path, base: str, changed: Sequence[str], first: str | None, limits: Limits, *, is_all: bool
) -> Diff:
    """Compare the work tree with `base`; `changed` are the paths to compare, all that differ or not.

    `first` is the entry point, which is left out last.
    """
    units = sorted(_units(root, changed), key=lambda unit: (unit.path != first, unit.size_bytes, unit.path))
    pieces = _Pieces(git, base, limits)
    if is_all and not any(unit.size_bytes > _HUGE_BYTES for unit in units):
        answer = git.ask(*_DIFF, "--find-renames", base, "--", max_bytes=limits.diff_bytes)
        if not answer.problem:
            return Diff(answer.stdout)
        pieces.count(answer.stopped)
    pieces.take(units)
    return Diff(b"".join(pieces.found), pieces.left_out)


@dataclass
class _Unit:
    """A path that git can be asked for by itself: with what is below it, where a file has become a folder."""

    path: str
    size_bytes: int = 0
    files: list[str] = field(default_factory=list)


def _units(root: Path, changed: Sequence[str]) -> list[_Unit]:
    units: dict[str, _Unit] = {}
    known = set(changed)
    for path in changed:
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        top = next((folder for folder in above if folder in known), path)
        unit = units.setdefault(top, _Unit(top))
        unit.files.append(path)
        with contextlib.suppress(OSError, ValueError):  # deleted
            unit.size_bytes += (root / path).lstat().st_size
    return list(units.values())


@dataclass
class _Pieces:
    git: Git
    base: str
    limits: Limits
    found: list[bytes] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    size_bytes: int = 0
    failures: int = 0
    late: int = 0

    def count(self, stopped: str) -> None:
        self.failures += 1
        self.late += stopped == "time"

    def take(self, units: Sequence[_Unit]) -> None:
        """Read the units in their order, each group of them at once."""
        wanted = [unit for unit in units if unit.size_bytes <= _HUGE_BYTES]
        self._leave([unit for unit in units if unit.size_bytes > _HUGE_BYTES], f"larger than {_HUGE_BYTES:,} bytes")
        waiting = list(_groups(wanted))[::-1]
        problem = ""
        while waiting:
            group = waiting.pop()
            if self.failures > _MAX_FAILURES or self.late > _MAX_LATE:
                self._leave(group, problem or "git answers too slowly")
            elif not (found := self._ask(group)):
                continue
            elif len(group) > 1:
                problem = found
                waiting += [group[len(group) // 2 :], group[: len(group) // 2]]
            else:
                problem = found
                self._leave(group, found)

    def _ask(self, group: Sequence[_Unit]) -> str:
        left = self.limits.diff_bytes - self.size_bytes
        names = [unit.path for unit in group]
        answer = self.git.ask(*_DIFF, "--no-renames", self.base, "--", *names, max_bytes=left)
        if not answer.problem:
            self.found.append(answer.stdout)
            self.size_bytes += len(answer.stdout)
            return ""
        self.count(answer.stopped)
        return f"beyond {self.limits.diff_bytes:,} bytes in all" if answer.stopped == "size" else answer.problem

    def _leave(self, group: Sequence[_Unit], reason: str) -> None:
        if group:
            self.left_out.setdefault(reason, []).extend(path for unit in group for path in unit.files)


def _groups(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """The first by itself, which is the entry point where that has changed; the others by what a command line holds."""
    group: list[_Unit] = []
    characters = 0
    for number, unit in enumerate(units):
        if group and (number == 1 or len(group) == _GROUP_FILES or characters > _GROUP_CHARACTERS):
            yield group
            group, characters = [], 0
        group.append(unit)
        characters += len(unit.path) + 1
    if group:
        yield group
