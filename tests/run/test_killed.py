"""SIGKILL at any time: what was reported is there, and the next look at the task says what became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.disk.layout import TaskPaths
from taskstore.store import tasks

from .programs import only_task, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")


def test_every_point_and_line_before_a_sigkill_is_there_and_the_next_listing_says_failed(tmp_path: Path) -> None:
    text = """
        import os, sys
        TASK
        logger = task.get_logger()
        for i in range(10_000):
            logger.report_scalar("loss", "train", i / 7, i)
        logger.report_single_value("best", 0.5)
        logger.report_text("by the logger", print_console=False)
        print("by print")
        print("to stderr", file=sys.stderr)
        os.write(2, b"last\\n")
        os.kill(os.getpid(), 9)
    """
    ended = run(tmp_path / "work", text)
    assert ended.code == -9
    environ = {**os.environ, "TASKSTORE_ROOT": str(ended.root)}
    command = [sys.executable, "-m", "taskstore_cli.main", "ls", "--json"]
    listing = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    assert '"failed"' in listing
    found = only_task(ended)
    assert tasks.read(TaskPaths(found.home)).status.value == "failed"  # the listing has written it down
    assert found.record.status_reason == "killed"
    assert "was killed, or it crashed" in found.record.status_message
    assert found.points[("loss", "train")] == [i / 7 for i in range(10_000)]
    assert found.points[("Summary", "best")] == [0.5]
    assert {"by the logger", "by print", "to stderr"} <= set(found.console)


def test_a_kill_right_after_init_leaves_a_task_that_says_so(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", "import os\nTASK\nos.kill(os.getpid(), 9)\n")
    found = only_task(ended)
    assert (found.record.status.value, found.record.status_reason) == ("failed", "killed")
    assert tasks.read_script(TaskPaths(found.home)).argv
