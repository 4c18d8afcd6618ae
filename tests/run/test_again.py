"""Programs that mark their own task, take an earlier one again, or go on with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .programs import only_task, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and exit codes of POSIX")

INIT = "from taskstore import Task\ntask = Task.init('examples', 'a run'{})\n"
REPORT = "for i in range(3):\n    task.get_logger().report_scalar('loss', 'train', {}, i)\n"


@pytest.mark.parametrize(
    ("mark", "end", "status"),
    [
        ("mark_failed(reason='no data')", "", "failed"),
        ("mark_stopped()", "", "stopped"),
        ("mark_completed()", "raise SystemExit(3)", "completed"),
    ],
)
def test_what_a_program_marks_its_task_as_stays_and_what_it_records_after_it_too(
    tmp_path: Path, mark: str, end: str, status: str
) -> None:
    text = INIT.format("") + f"task.lifecycle.{mark}\n" + REPORT.format(1) + f"task.connect({{'lr': 0.1}})\n{end}\n"
    ended = run(tmp_path / "work", text)
    found = only_task(ended)
    assert (found.record.status.value, ended.told) == (status, [])
    assert found.points == {("loss", "train"): [1, 1, 1]}
    assert "lr" in (found.home / "params.json").read_text()
    assert "Python" in (found.home / "source" / "requirements.txt").read_text()
    assert not (found.home / "script.json").read_text().count('"requirements": {}')


def test_a_task_used_again_holds_the_last_run_alone(tmp_path: Path) -> None:
    again = INIT.format(", reuse_last_task_id=True")
    first = run(
        tmp_path / "one", INIT.format("") + "task.connect({'old': 1})\n" + REPORT.format(1), root=tmp_path / "s"
    )
    second = run(tmp_path / "two", again + REPORT.format(2), root=tmp_path / "s")
    assert "taskstore: reusing task" in second.stderr
    found = only_task(second)
    assert found.record.id == only_task(first).record.id
    assert found.record.status.value == "completed"
    assert found.points == {("loss", "train"): [2, 2, 2]}
    assert not (found.home / "params.json").exists() or "old" not in (found.home / "params.json").read_text()


def test_a_continued_run_counts_on_in_its_helpers_too(tmp_path: Path) -> None:
    first = run(tmp_path / "one", INIT.format("") + REPORT.format(1), root=tmp_path / "s")
    text = f"""
import subprocess, sys
{INIT.format(", continue_last_task=True")}{REPORT.format(2)}
task.get_logger().report_single_value("accuracy", 0.5)
code = "from taskstore import Task; Task.current_task().get_logger().report_scalar('helper', 'x', 1, 0)"
subprocess.run([sys.executable, "-c", code], check=True)
"""
    second = run(tmp_path / "two", text, root=tmp_path / "s")
    assert "taskstore: continuing task" in second.stderr
    found = only_task(second)
    assert found.record.id == only_task(first).record.id
    reasons = [change.reason for change in found.record.history]
    assert reasons == ["", "started", "completed", "continued", "started", "completed"]
    from taskstore.store import events, places

    series = {
        (one.metric, one.variant): one for one in events.read_scalars(places.locate(found.store, found.record.id))
    }
    assert series["loss", "train"].iterations == [0, 1, 2, 3, 4, 5]
    assert series["helper", "x"].iterations == [3]
    assert series["Summary", "accuracy"].iterations == [-(2**31)]


def test_what_is_said_of_a_task_that_cannot_be_written_stops_no_training(tmp_path: Path) -> None:
    text = """
from pathlib import Path
from taskstore import Task
task = Task.init('examples', 'a run')
task.path().rename(Path('gone'))
task.details.set_progress(50)
task.details.add_tags("late")
task.lifecycle.mark_completed()
print("trained")
"""
    ended = run(tmp_path / "work", text)
    assert (ended.code, ended.stdout) == (0, "trained\n")


def test_to_continue_what_is_not_there_stops_the_program_before_it_begins(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", INIT.format(f", continue_last_task={'0' * 32!r}") + "print('trained')\n")
    assert (ended.code, ended.stdout) == (1, "")
    assert "continue_last_task: no task" in ended.stderr
