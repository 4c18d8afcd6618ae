"""Captured files of tasks, compared line by line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from .sides import Source

_MAX_LINES = 20_000


@dataclass(frozen=True)
class SourcePair:
    """One captured file as each of two tasks has it: `lines` is a unified diff, or one line that says what differs."""

    name: str
    is_same: bool
    lines: list[str]


def source_pairs(left: dict[str, Source], right: dict[str, Source]) -> list[SourcePair]:
    """Compare the files of two tasks, name by name."""
    return [source_pair(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])]


def source_pair(name: str, left: Source | None, right: Source | None) -> SourcePair:
    """Compare a file; None where a task has none of that name."""
    if left == right:
        return SourcePair(name, is_same=True, lines=[])
    before, after = _lines(left), _lines(right)
    if before is None or after is None or len(before) + len(after) > _MAX_LINES:
        return SourcePair(name, is_same=False, lines=["they differ; too large, or not text, to be shown here"])
    lines = difflib.unified_diff(before, after, fromfile=f"a/{name}", tofile=f"b/{name}", lineterm="")
    return SourcePair(name, is_same=False, lines=list(lines))


def _lines(source: Source | None) -> list[str] | None:
    if source is None or source.text is None:
        return [] if source is None else None
    lines = source.text.split("\n")
    if lines[-1]:
        return [*lines, "\\ No newline at end of file"]
    return lines[:-1]
