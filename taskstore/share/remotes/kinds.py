"""Which kind of remote an address is of."""

from __future__ import annotations

from pathlib import Path

from ...store import ssh
from . import addresses
from .base import Remote
from .folder import FolderRemote
from .sftp import SftpRemote
from .steady import Patience


def check(url: str) -> None:
    """Raise BadValue for a kind that nobody knows, Refused where its package is not installed."""
    scheme = addresses.scheme_of(url)
    if scheme in addresses.SSH:
        ssh.library()


def opened(url: str, patience: Patience | None = None) -> Remote:
    """Return the remote at an address, as `addresses.checked` spells it. Raises as `check` does."""
    scheme = addresses.scheme_of(url)
    if scheme in addresses.SSH:
        return SftpRemote(url, patience)
    return FolderRemote(Path(url), patience)
