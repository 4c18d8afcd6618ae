"""Copy-on-write copies of whole files, where the filesystem has them (btrfs, XFS, bcachefs, some network ones)."""

from __future__ import annotations

import sys

_FICLONE = 0x40049409
"""ioctl_ficlonerange(2), from linux/fs.h."""


def reflink(source: int, target: int) -> bool:
    """Make the open file `target` share the blocks of `source`; False, and nothing done, where that is not possible."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # another filesystem, one without it, or a file that cannot be shared: it is then copied
        return False
    return True
