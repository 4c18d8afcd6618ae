"""A program that is told before it is ended, by `taskstore abort` and by a request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore import Task
from taskstore.core.states import Status
from taskstore.store import places
from taskstore.store.store import open_at

from .programs import only_task, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")

_PROGRAM = """
    import threading
    TASK
    def save():
        task.get_logger().report_single_value("saved", 1)
        print("saved on", threading.current_thread() is threading.main_thread(), flush=True)
    task.lifecycle.register_abort_callback(save, timeout_s=20)
    print("ready", flush=True)
    threading.Event().wait(60)
"""


def test_abort_lets_the_program_save_first(tmp_path: Path) -> None:
    def abort(process: subprocess.Popen[str]) -> None:
        argv = [sys.executable, "-m", "taskstore_cli.main", "abort", "@last"]
        environment = {**os.environ, "TASKSTORE_ROOT": str(tmp_path / "store")}
        subprocess.run(argv, env=environment, check=True, timeout=60)

    ended = run(tmp_path / "code", _PROGRAM, meanwhile=abort)
    assert ended.stdout == "saved on False\n"
    assert ended.code == -signal.SIGTERM
    found = only_task(ended)
    assert found.record.status is Status.STOPPED
    assert found.record.status_message.startswith("asked to stop by ")
    assert not (found.home / "stop.json").exists()


def test_a_request_ends_the_program_without_a_signal_from_outside(tmp_path: Path) -> None:
    def request(process: subprocess.Popen[str]) -> None:
        store = open_at(tmp_path / "store")
        ((_, task_id),) = places.walk(store)
        Task(store, task_id).lifecycle.request_stop("the loss is not a number")

    ended = run(tmp_path / "code", _PROGRAM, meanwhile=request)
    assert ended.stdout == "saved on False\n"
    assert ended.code == -signal.SIGTERM
    record = only_task(ended).record
    assert record.status is Status.STOPPED
    asked, _, where = record.status_message.partition("\n")
    assert asked.startswith("asked to stop by ")
    assert asked.endswith(": the loss is not a number")
    assert where.startswith("Stack")
