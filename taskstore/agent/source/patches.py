"""What a diff of git's says that each file becomes: read off its headers, which name the contents by their hashes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

_PART = re.compile(rb"^diff --git ", re.M)
_INDEX = re.compile(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)(?: ([0-7]{6}))?\Z")
_CONTENT = (b"--- ", b"@@ ", b"GIT binary patch", b"Binary files ")
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abfnrtv"\\])')
_LETTERS = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11, b'"': 34, b"\\": 92}


@dataclass(frozen=True)
class Becomes:
    """What a file is after a diff: its mode, and the beginning of its object's name.

    Either is "" where it is still that of the file `of` before the diff. Where the content changes, and the diff does
    not name it, as one written by hand does, `of` is "".
    """

    mode: str = ""
    name: str = ""
    of: str = ""
    is_gone: bool = False


def read(diff: bytes) -> dict[str, Becomes]:
    """Return what each file that a diff names becomes; a part that cannot be read is passed over."""
    gone: dict[str, Becomes] = {}
    found: dict[str, Becomes] = {}
    for part in _PART.split(diff)[1:]:
        old, new, becomes = _part(part)
        if not new:
            continue
        if becomes.is_gone:
            gone[old] = becomes
            continue
        found[new] = becomes
        if old != new and b"\nrename from " in part:
            gone[old] = Becomes(is_gone=True)
    return {**gone, **found}


def _part(part: bytes) -> tuple[str, str, Becomes]:
    lines = _headers(part)
    old = new = _both(next(lines))
    mode = name = ""
    is_gone = False
    for line in lines:
        if line.startswith((b"rename from ", b"copy from ")):
            old = _unquoted(line.split(b" from ", 1)[1])
        elif line.startswith((b"rename to ", b"copy to ")):
            new = _unquoted(line.split(b" to ", 1)[1])
        elif line.startswith((b"new mode ", b"new file mode ")):
            mode = line[-6:].decode()
        elif line.startswith(b"deleted file mode "):
            is_gone = True
        elif index := _INDEX.match(line):
            name = index[2].decode()
            mode = mode or (index[3] or b"").decode()
    has_content = any(line.startswith(_CONTENT) for line in part.split(b"\n"))
    return old, new, Becomes(mode, name, "" if has_content and not name else old, is_gone)


def _headers(part: bytes) -> Iterator[bytes]:
    """Yield the lines in front of the content."""
    for line in part.split(b"\n"):
        if line.startswith(_CONTENT):
            return
        yield line


def _both(line: bytes) -> str:
    """Return the name in `a/<name> b/<name>`, or "" where the two are not the same."""
    if line.startswith(b'"'):
        end = re.match(rb'"(?:[^"\\]|\\.)*"', line)
        first, second = (end[0], line[end.end() + 1 :]) if end else (b"", b"")
    else:
        half = len(line) // 2
        first, second = line[:half], line[half + 1 :]
    names = _unquoted(first), _unquoted(second)
    return names[0][2:] if names[0][2:] == names[1][2:] else ""


def _unquoted(name: bytes) -> str:
    if not name.startswith(b'"'):
        return os.fsdecode(name)
    plain = _ESCAPE.sub(lambda found: bytes([_LETTERS.get(found[1]) or int(found[1], 8)]), name[1:-1])
    return os.fsdecode(plain)
