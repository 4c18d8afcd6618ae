"""Which of the untracked files are taken along, and notes on the others."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ...disk.layout import StorePaths
from .records import Limits, Untracked

_NAMES_IN_A_NOTE = 5
# taken first when not everything fits: what people write, before what programs do
_SOURCE_SUFFIXES = (
    *(".py", ".pyi", ".pyx", ".ipynb", ".sh", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".rs", ".r", ".jl"),
    *(".yaml", ".yml", ".toml", ".json", ".cfg", ".ini", ".md", ".txt"),
)

# Files that programs and people keep credentials in, by the names that these have; examples of them hold none.
_SECRET_NAMES = (
    *(".env", ".env.*", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials", ".my.cnf"),
    *(
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "*.pem",
        "*.key",
        "*.p12",
        "*.pfx",
        "*.jks",
        "*.keystore",
        "*.kdbx",
    ),
    *("credentials", "credentials.*", "secrets.*", "client_secret*.json", "service[-_]account*.json", "kubeconfig"),
)
_EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist", "*.py", "*.pyi", "*.md")


def _is_secret(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    if any(fnmatchcase(name, pattern) for pattern in _EXAMPLES):
        return False
    return any(fnmatchcase(name, pattern) for pattern in _SECRET_NAMES)


class Stores:
    """Which paths of a repository lie in a store, whichever that is: what runs left there is no part of the code."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Tell whether a folder above `path` is a store; `path` is relative to the root."""
        end = -1
        while True:
            if self._is_store(path[: max(end, 0)]):
                return True
            end = path.find("/", end + 1)
            if end < 0:
                return False

    def _is_store(self, folder: str) -> bool:
        if folder not in self._known:
            paths = StorePaths(self._root / folder)
            self._known[folder] = paths.record.is_file() and paths.projects.is_dir()
        return self._known[folder]


def describe(root: Path, path: str) -> Untracked | str:
    """Describe one file below the root, or say why it cannot be taken. No link is followed."""
    source = root / path
    if _is_secret(path):
        return "named as what holds credentials; `git add` takes one along"
    try:
        facts = source.lstat()
        target = os.readlink(source) if stat.S_ISLNK(facts.st_mode) else None  # noqa: PTH115 - Path tidies the text
    except (OSError, ValueError):
        return "unreadable"
    if target is not None:
        return Untracked(path, source, 0, is_executable=False, link_target=target)
    if stat.S_ISDIR(facts.st_mode):
        return "nested repositories"
    if not stat.S_ISREG(facts.st_mode):
        return "neither files nor links"
    if not os.access(source, os.R_OK):
        return "unreadable"
    is_executable = os.name == "posix" and bool(facts.st_mode & 0o100)
    return Untracked(path, source, facts.st_size, is_executable=is_executable)


def choose(
    root: Path, paths: Sequence[str], first: str | None, limits: Limits
) -> tuple[tuple[Untracked, ...], dict[str, list[str]]]:
    """Return the files that fit within the limits, sorted by path, and the others by the reason to leave them out.

    The entry point `first` and source code come first and small files before large ones, so that data loses before
    code does.
    """
    left_out: dict[str, list[str]] = {}
    found: list[Untracked] = []
    for path in paths:
        description = describe(root, path)
        if isinstance(description, Untracked):
            found.append(description)
        else:
            left_out.setdefault(description, []).append(path)
    taken: list[Untracked] = []
    total_bytes = 0
    for file in sorted(found, key=lambda file: (file.path != first, _rank(file))):
        reason = _excess(file, len(taken), total_bytes, limits)
        if reason:
            left_out.setdefault(reason, []).append(file.path)
        else:
            taken.append(file)
            total_bytes += file.size_bytes
    taken.sort(key=lambda file: file.path)
    return tuple(taken), left_out


def _rank(file: Untracked) -> tuple[bool, int, str]:
    suffix = os.path.splitext(file.path)[1].lower()  # noqa: PTH122 - a Path for each of many costs more than the rest
    return suffix not in _SOURCE_SUFFIXES, file.size_bytes, file.path


def _excess(file: Untracked, count: int, total_bytes: int, limits: Limits) -> str:
    if file.size_bytes > limits.untracked_file_bytes:
        return f"larger than {limits.untracked_file_bytes:,} bytes"
    if count >= limits.untracked_files:
        return f"beyond the first {limits.untracked_files:,}"
    if total_bytes + file.size_bytes > limits.untracked_total_bytes:
        return f"beyond {limits.untracked_total_bytes:,} bytes in all"
    return ""


def listed(paths: Sequence[str]) -> str:
    """Name the first few paths and count the others; the text is printable whatever the names hold."""
    named = ", ".join(_printable(path) for path in paths[:_NAMES_IN_A_NOTE])
    more = len(paths) - _NAMES_IN_A_NOTE
    return f"{named} and {more:,} more" if more > 0 else named


def _printable(path: str) -> str:
    return path if path.isprintable() else ascii(path)
