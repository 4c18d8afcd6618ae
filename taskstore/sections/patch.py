"""How much a recorded diff changes, read off its hunks."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
