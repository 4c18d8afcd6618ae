"""Workers that multiprocessing spawns: what they print is the run's from the moment they import taskstore.

A forked child has its parent's hooks. A spawned one begins anew, runs the parent's program again, and so imports
taskstore, mostly before its own work begins; it joins the task there, and not when it first asks for it. Where a server
forks the workers, it is the server that runs the program: each worker joins as it is forked.
"""

from __future__ import annotations

import os
import sys

from ..core.errors import TaskstoreError
from .origin import is_of_multiprocessing
from .session import current
from .sink import warn


def join() -> None:
    """Give this process its part in the run's task, if it is such a worker. Raises nothing."""
    if not is_of_multiprocessing():
        return
    if _is_fork_server():
        os.register_at_fork(after_in_child=_join)
    else:
        _join()


def _join() -> None:
    try:
        current()
    except (OSError, TaskstoreError) as error:
        warn(f"what this worker prints is not recorded: {error}")


def _is_fork_server() -> bool:
    """Tell the server from the workers that it forks, which have its command line; they are handed descriptors."""
    server = sys.modules.get("multiprocessing.forkserver")
    if server is None or not any("multiprocessing.forkserver import main" in word for word in sys.orig_argv):
        return False
    return getattr(getattr(server, "_forkserver", None), "_inherited_fds", None) is None
