"""Moving a task, or renaming its project, while it runs: what is reported goes on, into the new place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from taskstore.store import places, projects, tasks
from taskstore.store.store import init, open_at

from .programs import only_task, run


@pytest.mark.skipif(os.name != "posix", reason="an open folder cannot be moved on Windows")
@pytest.mark.parametrize("opened", ["before", "after"])
@pytest.mark.parametrize("locks", ["flock", "lease"])
def test_a_run_goes_on_in_the_place_that_it_is_moved_to(opened: str, locks: str, tmp_path: Path) -> None:
    init(tmp_path / "store", locks=locks)
    text = """
        import os, sys
        TASK
        logger = task.get_logger()
        if sys.argv[1] == "before":
            logger.report_scalar("loss", "train", 1.0, 0)
            logger.report_text("early", print_console=False)
        live = task.connect({"n": 1})
        os.write(1, b"ready\\n")  # which is not captured, and opens no log
        sys.stdin.readline()
        logger.report_scalar("loss", "train", 2.0, 1)
        print("late")
        live["n"] = 2
        if not os.fork():
            logger.report_scalar("loss", "child", 3.0, 1)
            os._exit(0)
        os.wait()
        assert task.get_project_name() == "vision/moved", task.get_project_name()
        assert task.get_status() == "in_progress"
    """

    def move(process: subprocess.Popen[str]) -> None:
        store = open_at(tmp_path / "store")
        ((_, task_id),) = places.walk(store)
        projects.rename(store, "examples", "vision")
        tasks.move(store, task_id, "vision/moved")
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    ended = run(tmp_path / "work", text, opened, stdin="", meanwhile=move)
    assert (ended.code, ended.told, ended.own_stderr) == (0, [], "")
    found = only_task(ended)
    assert found.record.status_reason == "completed"
    assert found.points[("loss", "child")] == [3.0]
    assert found.points[("loss", "train")] == ([1.0, 2.0] if opened == "before" else [2.0])
    assert "late" in found.console
    store = open_at(tmp_path / "store")
    paths = places.locate(store, found.record.id)
    assert tasks.read_params(paths).hyperparams["General"]["n"].value == "2"
    assert paths.requirements.exists()
    assert not [path for path in store.paths.projects.rglob("*") if path.name == "examples"]
