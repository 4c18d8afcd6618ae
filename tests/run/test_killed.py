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


def test_a_killed_run_says_what_it_imports_and_what_was_installed(tmp_path: Path) -> None:
    text = """
        import os, sys, time
        TASK
        def later():
            import msgspec
        deadline = time.monotonic() + 30
        while task._session._code._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), 9)
    """
    found = only_task(run(tmp_path / "work", text))
    paths = TaskPaths(found.home)
    assert "msgspec" in tasks.read_script(paths).requirements
    assert "\nmsgspec==" in paths.requirements.read_text()
    assert "msgspec==" in paths.environment.read_text()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux how much memory is used")
def test_a_run_out_of_memory_is_failed_with_its_own_traceback_and_says_no_more_than_without_us(tmp_path: Path) -> None:
    text = """
        import resource
        TASK
        kept = []
        def load():
            with open("/proc/self/statm") as file:
                used = int(file.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (30 << 20),) * 2)
            while True:
                kept.append("x" * 1000)
        load()
    """
    ended = run(tmp_path / "work", text)
    assert ended.code == 1
    assert ended.own_stderr.count("Traceback") == 1
    assert ended.own_stderr.endswith("MemoryError\n")
    assert ended.told == []
    record = only_task(ended).record
    assert (record.status.value, record.status_reason) == ("failed", "MemoryError")
    assert 'kept.append("x" * 1000)' in record.status_message
