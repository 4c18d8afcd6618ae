"""Seals: which files this user's own programs have written.

A seal is an HMAC of a file's hash under a key that only this user's account on this machine can read. Whoever writes a
store that is sent here can put any text into its records, but not a seal that fits.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from .atomic import temporary_beside, write_all

_KEY_BYTES = 32
_FILE = "seal.key"


def seal(kind: str, digest: str) -> str:
    """Return the seal of a file by its SHA-256; empty where this account can keep no key."""
    key = _key()
    return hmac.new(key, f"{kind}\0{digest}".encode(), hashlib.sha256).hexdigest() if key else ""


def is_sealed(kind: str, digest: str, found: str) -> bool:
    """Tell whether a program of this account has sealed the file of this SHA-256 as of this kind."""
    wanted = seal(kind, digest)
    return bool(wanted) and hmac.compare_digest(wanted.encode(), found.encode())


def _key() -> bytes:
    import platformdirs

    try:
        path = Path(platformdirs.user_state_path("taskstore")) / _FILE
    except RuntimeError:  # a user without a home folder, as in a container
        return b""
    return _key_at(path)


@functools.cache
def _key_at(path: Path) -> bytes:
    try:
        key = path.read_bytes() if path.exists() else _make(path)
    except OSError:
        return b""
    return key if len(key) == _KEY_BYTES else b""


def _make(path: Path) -> bytes:
    """Write a new key aside and link it into place: of two that make one at once, both take the first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = temporary_beside(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            write_all(descriptor, secrets.token_bytes(_KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
    return path.read_bytes()
