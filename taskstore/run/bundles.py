"""Bundles of unpushed commits, kept in cache/ too: else each run of a repository without a remote packs it whole.

The cache holds the last bundle of each repository; its name tells the commit and the beginning of its SHA-256, so a
damaged one is found out when it is copied, and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..capture import git
from ..disk.atomic import chunks_of, temporary_beside, write_blob
from ..disk.layout import StorePaths

if TYPE_CHECKING:
    from ..capture.vcs.records import Snapshot

_HASH_CHARS = 32


def store_bundle(
    snapshot: Snapshot, target: Path, store: StorePaths, limits: git.Limits
) -> tuple[tuple[str, int] | None, str | None]:
    """Write a snapshot's unpushed commits to `target`; return its SHA-256 and size, or None, and a note."""
    repository = hashlib.sha256(str(snapshot.root).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    prefix = f"{repository}-{snapshot.version_num}-"
    for cached in store.bundles.glob(f"{prefix}*.bundle"):
        written = _copied(cached, target)
        if written is not None:
            return written, None
    note = git.write_bundle(snapshot, target, limits=limits)
    if not target.exists():
        return None, note
    digest = hashlib.sha256()
    for chunk in chunks_of(target):
        digest.update(chunk)
    _keep(target, store.bundles, repository, f"{prefix}{digest.hexdigest()[:_HASH_CHARS]}.bundle")
    return (digest.hexdigest(), target.stat().st_size), note


def _copied(cached: Path, target: Path) -> tuple[str, int] | None:
    """Copy a cached bundle; None, and nothing at `target`, where it is not what its name says."""
    try:
        digest, size_bytes = write_blob(target, chunks_of(cached))
    except FileNotFoundError:
        return None  # another run has just replaced it
    if cached.stem.endswith(f"-{digest[:_HASH_CHARS]}"):
        return digest, size_bytes
    target.unlink()
    return None


def _keep(bundle: Path, folder: Path, repository: str, name: str) -> None:
    """Copy a bundle into the cache in place of the repository's older ones; a full disk leaves it as it was."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        aside = temporary_beside(folder / name)
        try:
            write_blob(aside, chunks_of(bundle))
            aside.replace(folder / name)
        finally:
            aside.unlink(missing_ok=True)
        for old in folder.glob(f"{repository}-*.bundle"):
            if old.name != name:
                old.unlink(missing_ok=True)
