"""Quarantine: what doctor takes out is moved aside with a note of where it came from, and never deleted."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import msgspec

from ...disk.atomic import make_folders, replace_record
from ..store import Store


class Note(msgspec.Struct, kw_only=True):
    """note.json: where a thing came from (relative to the store), why it was taken out, and when."""

    origin: str
    why: str
    time: str


def take(store: Store, path: Path, why: str) -> Path:
    """Move a file or a folder into quarantine; return where it is now."""
    target = _place(store, path, why)
    if path.is_dir() and not path.is_symlink():
        # A folder without write permission does not move to another parent.
        path.chmod(path.stat().st_mode | 0o700)
    path.rename(target)
    return target


def keep_copy(store: Store, path: Path, why: str) -> Path:
    """Copy a file into quarantine before it is repaired in its place."""
    target = _place(store, path, why)
    shutil.copyfile(path, target)
    return target


def keep_bytes(store: Store, path: Path, data: bytes, why: str) -> Path:
    """Write a part of a file into quarantine before it is cut off."""
    target = _place(store, path, why)
    replace_record(target, data)
    return target


def _place(store: Store, path: Path, why: str) -> Path:
    now = store.clock.now()
    stem = "".join(char if char.isalnum() else "-" for char in path.name)[:40].strip("-")
    folder = store.paths.quarantined(f"{now:%Y%m%dT%H%M%SZ}-{stem}-{secrets.token_hex(4)}")
    make_folders(folder, until=store.root)
    origin = path.relative_to(store.root).as_posix() if path.is_relative_to(store.root) else str(path)
    note = Note(origin=origin, why=why, time=now.isoformat())
    replace_record(folder / "note.json", msgspec.json.format(msgspec.json.encode(note), indent=2) + b"\n")
    return folder / path.name
