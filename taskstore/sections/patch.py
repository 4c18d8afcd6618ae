"""A recorded diff, read off its hunks: how much it changes, and its lines by what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True)
class PatchSize:
    """Files that a diff names, and the lines that it adds and removes; binary files have no lines."""

    files: int = 0
    added: int = 0
    removed: int = 0


def measure(diff: bytes) -> PatchSize:
    """Count what a diff of git changes. A line of the content that looks like a header is told from one."""
    files = added = removed = 0
    before = after = 0  # lines of the current hunk that are still to come, of the old and the new file
    for line in diff.split(b"\n"):
        if before > 0 or after > 0:
            sign = line[:1]
            added += sign == b"+"
            removed += sign == b"-"
            before -= sign in (b"-", b" ", b"")
            after -= sign in (b"+", b" ", b"")
        elif hunk := _HUNK.match(line):
            before, after = (1 if count is None else int(count) for count in hunk.groups())
        else:
            files += line.startswith(b"diff --git ")
    return PatchSize(files, added, removed)


ADDED, REMOVED, KEPT, HUNK, HEADER = "added", "removed", "kept", "hunk", "header"


@dataclass
class Run:
    """Lines that follow one another and are of one kind, without their last line end."""

    kind: str
    lines: list[str]


@dataclass
class FilePatch:
    """What a diff changes in one file, by the name that it has in the diff. `runs` may have been cut."""

    name: str
    added: int = 0
    removed: int = 0
    runs: list[Run] = field(default_factory=list)


@dataclass(frozen=True)
class Patch:
    """A diff by its files. `lines` of its `total` are there."""

    files: list[FilePatch]
    lines: int
    total: int


def parse(diff: bytes, *, max_lines: int, max_characters: int = 2000) -> Patch:
    """Read a diff; beyond `max_lines` its lines are counted and left out, and one that is too long is cut."""
    files: list[FilePatch] = []
    shown = total = 0
    for kind, line in _kinds(diff):
        if kind == HEADER and line.startswith(b"diff --git "):
            files.append(FilePatch(_name_of(line)))
        elif not files:
            files.append(FilePatch(""))
        file = files[-1]
        file.added += kind == ADDED
        file.removed += kind == REMOVED
        total += 1
        if shown >= max_lines:
            continue
        shown += 1
        text = line[: 4 * max_characters].decode("utf-8", "replace").rstrip("\r")
        text = text if len(text) <= max_characters else text[:max_characters] + "…"
        if file.runs and file.runs[-1].kind == kind:
            file.runs[-1].lines.append(text)
        else:
            file.runs.append(Run(kind, [text]))
    return Patch(files, shown, total)


def _name_of(header: bytes) -> str:
    """Return the name of a file, as the first line of its part of the diff spells it."""
    text = header.removeprefix(b"diff --git ").decode("utf-8", "replace").strip()
    half = text[: len(text) // 2].strip().strip('"').removeprefix("a/")
    if text.endswith((f" b/{half}", f' "b/{half}"')):  # a name may hold ' b/', and is there twice
        return half
    return text.rpartition(" b/")[2] or text


def _kinds(diff: bytes) -> Iterator[tuple[str, bytes]]:
    before = after = 0  # lines of the current hunk that are still to come, of the old and the new file
    lines = diff.split(b"\n")
    for line in lines[:-1] if lines[-1] == b"" else lines:
        if before > 0 or after > 0:
            sign = line[:1]
            yield {b"+": ADDED, b"-": REMOVED}.get(sign, KEPT), line
            before -= sign in (b"-", b" ", b"")
            after -= sign in (b"+", b" ", b"")
        elif hunk := _HUNK.match(line):
            before, after = (1 if count is None else int(count) for count in hunk.groups())
            yield HUNK, line
        else:
            yield HEADER, line
