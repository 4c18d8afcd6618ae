"""Names that a person reads in a file manager, made of those of projects and tasks, which may hold anything.

Unlike `core.names.encode` this loses characters: that two names stay apart is the id's part, behind each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_BYTES = 150
_MIN_ID_CHARS = 8
_FORBIDDEN = frozenset('<>:"/\\|?*')
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_JOINER = "\u200d"
"""It holds emoji together."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|\Z)", re.IGNORECASE)


def readable(name: str) -> str:
    """Return a name as one component of a path on any system: at most 150 bytes, never hidden, never a way out."""
    text = "".join(_shown(char) for char in name).strip()
    text = text.encode()[:MAX_BYTES].decode("utf-8", "ignore").rstrip(f". {_JOINER}")
    if not text or text[0] in ".-" or _RESERVED.match(text):
        return f"_{text[1:] if text.startswith('.') else text}"
    return text


def _shown(char: str) -> str:
    if char == _JOINER:
        return char
    return "_" if char in _FORBIDDEN or unicodedata.category(char) in _INVISIBLE else char


def key(path: str) -> str:
    """Return what two paths share that some filesystem takes for one: macOS and Windows fold case, macOS composes."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def link_paths(tasks: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return for each (id, project, name) the path of its link, `project/name-id8`.

    Of several that would be one, the oldest task has the shortest id: that of a link does not change as tasks come.
    """
    ordered = sorted(tasks)
    folders = {task_id: "/".join(map(readable, project.split("/"))) for task_id, project, _ in ordered}
    used: set[str] = set()
    for folder in dict.fromkeys(folders.values()):
        parts = folder.split("/")
        used.update(key("/".join(parts[:depth])) for depth in range(1, len(parts) + 1))
    found = {}
    for task_id, _, name in ordered:
        stem = f"{folders[task_id]}/{readable(name)}"
        lengths = range(_MIN_ID_CHARS, len(task_id) + 1)
        path = next((one for n in lengths if key(one := f"{stem}-{task_id[:n]}") not in used), None)
        if path is not None:
            used.add(key(path))
            found[task_id] = path
    return found
