"""What is in a virtual environment: its interpreter, its packages, and whether somebody has changed them."""

# Paths are strings in the walks: an environment may have tens of thousands of files.
# ruff: noqa: PTH118, PTH208

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import Damaged
from ..disk.distributions import Installed


def python(folder: Path) -> Path:
    """Return an environment's interpreter."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def packages_of(folder: Path) -> Path:
    """Return the folder that an environment's packages are installed in. Raises Damaged where there is none."""
    found = [folder / "Lib" / "site-packages"] if os.name == "nt" else sorted(folder.glob("lib/*/site-packages"))
    if not found or not found[0].is_dir():
        raise Damaged(folder, "a virtual environment without a folder of packages")
    return found[0]


def installed(*folders: Path) -> list[str]:
    """Return what is installed in folders, as `pip freeze` would, sorted by name; the first counts."""
    found = Installed([str(folder) for folder in folders]).everything()
    return [dist.requirement() for dist in sorted(found, key=lambda dist: dist.name)]


def fingerprint(*folders: Path) -> str:
    """Return what changes when packages are installed, upgraded or removed, in milliseconds; no package is read.

    That is the names in the folders, and of each distribution its RECORD's size and time. A name that leads nowhere
    counts as missing.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if name == "__pycache__":
                continue
            try:
                stat = os.stat(os.path.join(path, "RECORD") if name.endswith(".dist-info") else path)  # noqa: PTH116
            except OSError:
                digest.update(f"{name} is missing\n".encode("utf-8", "surrogateescape"))
                continue
            seen = f" {stat.st_size} {stat.st_mtime_ns}" if name.endswith((".dist-info", ".pth", ".py")) else ""
            digest.update(f"{name}{seen}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def size_bytes(folder: Path) -> int:
    """Return the bytes of an environment's files, without the bytecode that Python adds when it is used."""
    return sum(_sizes(str(folder)))


def _sizes(folder: str) -> Iterator[int]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _sizes(entry.path)
            elif not entry.is_symlink():
                yield entry.stat(follow_symlinks=False).st_size
