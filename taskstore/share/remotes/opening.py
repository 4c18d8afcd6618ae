"""Which kind of remote an address is of."""

from __future__ import annotations

from pathlib import Path

from ...store import kinds, ssh
from . import addresses
from .base import Remote
from .filesystems import FsspecRemote
from .folder import FolderRemote
from .sftp import SftpRemote
from .steady import Patience
from .web import WebRemote


def check(url: str) -> None:
    """Raise BadValue for a kind that nobody knows, Refused where its package is not installed."""
    scheme = addresses.scheme_of(url)
    if scheme in addresses.SSH:
        ssh.library()
    elif scheme and scheme not in addresses.WEB:
        kinds.check(url)


def opened(url: str, patience: Patience | None = None) -> Remote:
    """Return the remote at an address, as `addresses.checked` spells it. Raises as `check` does."""
    scheme = addresses.scheme_of(url)
    if not scheme:
        return FolderRemote(Path(url), patience)
    if scheme in addresses.SSH:
        return SftpRemote(url, patience)
    return WebRemote(url, patience) if scheme in addresses.WEB else FsspecRemote(url, patience)
