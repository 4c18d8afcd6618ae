"""File names that every filesystem can hold, each as a file of its own: what a bundle may name, and what it may not."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator

from .names import is_reserved

MAX_BYTES = 4096
MAX_PART_BYTES = 255
MAX_PARTS = 256
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


def why_not(name: str) -> str | None:
    """Say why a relative name with `/` between its parts can be no file on some filesystem; None where it can."""
    try:
        size_bytes = len(name.encode())
    except UnicodeEncodeError:
        return "its name is no UTF-8"
    if "\\" in name:
        return "its name holds a backslash, which is what separates folders on Windows"
    if size_bytes > MAX_BYTES:
        return f"its name has more than {MAX_BYTES:,} bytes"
    parts = name.split("/")
    if len(parts) > MAX_PARTS:
        return f"it is nested more than {MAX_PARTS} deep"
    return next((why for part in parts if (why := _why_not_part(part))), None)


@functools.lru_cache(maxsize=10_000)
def _why_not_part(part: str) -> str | None:
    if part in ("", ".", ".."):
        return "it leads outside of where it is unpacked"
    if _FORBIDDEN.search(part):
        return f"its name holds a character that files cannot have everywhere: {part!r}"
    if is_reserved(part):
        return f"its name is one of a device: {part!r}"
    if part[-1] in ". ":
        return f"its name ends in a dot or a space: {part!r}"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"a part of its name has more than {MAX_PART_BYTES} bytes"
    return None


def plain(name: str) -> str:
    """Return a name as a file's that is easy to type: letters and digits of any script, dots, `_` and `-`."""
    found = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name)).strip("-._")[:60]
    return f"_{found}" if not found or is_reserved(found) else found


def meetings(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is one with another where letters' case or the spelling of Unicode does not count.

    The first of the pair is the other one: it stays. Folders count too, and a file that is where another has a folder.
    """
    kept: list[str] | None = None
    for name in sorted(sorted(names), key=lambda name: folded(name).replace("/", "\0")):
        parts = name.split("/")
        if kept is not None and _meet(kept, parts):
            yield "/".join(kept), name
        else:
            kept = parts


def _meet(one: list[str], other: list[str]) -> bool:
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return folded(mine) == folded(theirs)
    return True  # the same, or one is a folder of the other


def folded(name: str) -> str:
    """Return what two names share that are one on a filesystem that folds case and normalises Unicode."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
