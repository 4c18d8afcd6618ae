"""Programs in a process of their own, for what must not be imported yet, or not beside something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BEGIN = """
import sys, warnings
from taskstore import Task
task = Task.init("examples", "a program")
warnings.simplefilter("ignore")
"""


def program(code: str, folder: Path) -> str:
    """Run a program that has begun a task, `task`, in an own store; return what it printed."""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TASKSTORE_ROOT": str(folder / "store")}
    ended = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, cwd=folder, check=False, env=env
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
