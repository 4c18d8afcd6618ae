"""An agent in the background: the same command again, in a session of its own, its words in a file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Refused
from ..store import settings, workers
from ..store.store import ROOT_VARIABLE, Store
from .options import Options, work_folder

_READY_S = 30.0
_POLL_S = 0.05
_MAX_SHOWN = 2000


@dataclass(frozen=True)
class Started:
    """An agent that was started in the background."""

    name: str
    pid: int
    log: Path


def start(store: Store, options: Options, arguments: Sequence[str]) -> Started:
    """Start `taskstore` with `arguments` in the background, and return when it is a worker. Raises Refused."""
    name = options.name or workers.fresh_name()
    configured, _ = settings.load_sound(store)
    folder = work_folder(configured.agent).with_name("agents")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / f"{name}.log".replace(os.sep, "_")
    named = [] if options.name else ["--name", name]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "taskstore_cli", *arguments, *named],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
            env={**os.environ, ROOT_VARIABLE: str(store.root)},
        )
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if any(
            seen.record.id == name and seen.record.pid == process.pid and seen.is_alive
            for seen in workers.listed(store)
        ):
            process.returncode = 0  # it is nobody's child any more, and is not waited for
            return Started(name, process.pid, log)
        if process.poll() is not None:
            break
        time.sleep(_POLL_S)
    said = log.read_text("utf-8", "replace")[-_MAX_SHOWN:].strip()
    raise Refused(f"the agent did not start; {log} says: {said}")
