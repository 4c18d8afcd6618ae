"""A folder of this process alone, among the system's temporary ones: it goes when the process does.

What a process that was killed has left is removed by the next that makes one: a lock in the folder says that its owner
lives, also where that is in another container.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from ..core.errors import Refused
from .atomic import is_abandoned
from .layout import LOCK
from .lock import give_flock, has_flock, take_flock
from .process import owner_tag

PREFIX = "taskstore-zip-"


class Scratch:
    """The folder; `close` removes it, and so does the end of the process. A forked child's end does not."""

    def __init__(self) -> None:
        """Make it, readable for its user only. Raises Refused where the system has no room for one."""
        above = Path(tempfile.gettempdir()).resolve()
        _drop_abandoned(above)
        self.path = above / f"{PREFIX}{owner_tag()}-{secrets.token_hex(6)}"
        try:
            self.path.mkdir(mode=0o700)
            self._lock = take_flock(self.path / LOCK, 0)
        except OSError as error:
            raise Refused(
                f"no temporary folder can be made in {above}: {error.strerror or error}; name another in TMPDIR"
            ) from None
        self._pid = os.getpid()
        atexit.register(self.close)

    def close(self) -> None:
        """Remove it with all that is in it."""
        if self._pid != os.getpid():
            return
        atexit.unregister(self.close)
        give_flock(self._lock)
        shutil.rmtree(self.path, ignore_errors=True)


def _drop_abandoned(above: Path) -> None:
    now = time.time()
    for path in above.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            is_ours = path.lstat().st_uid == getattr(os, "getuid", lambda: 0)() and not path.is_symlink()
            if is_ours and is_abandoned(path, now) and not (os.name == "posix" and has_flock(path / LOCK)):
                shutil.rmtree(path, ignore_errors=True)
