"""A program that hands its own task over to a queue, and what of it is run when the task is taken from there."""

from __future__ import annotations

from pathlib import Path

from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.run import launch
from taskstore.store import doctor, places, tasks

from .programs import all_tasks, only_task, run

TEXT = """
    TASK
    task.get_logger().report_scalar("loss", "train", 1.0, 0)
    print("before")
    task.lifecycle.execute_remotely({arguments})
    print("after")
"""


def _text(arguments: str) -> str:
    return TEXT.replace("{arguments}", arguments)


def test_the_task_waits_with_what_it_has_reported_and_the_program_is_left(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", _text("'default'"))
    assert (ended.code, ended.stdout) == (0, "before\n")
    found = only_task(ended)
    assert (found.record.status, found.record.enqueue_status) == (Status.QUEUED, Status.STOPPED)
    assert found.points == {("loss", "train"): [1.0]}
    assert queue.position(found.store, found.record.id) == ("default", 1, 1)
    assert "`taskstore agent start --queue default` runs what waits there" in ended.told[-1]
    assert doctor.check(found.store) == []


def test_run_from_there_it_goes_on_past_the_call(tmp_path: Path) -> None:
    found = only_task(run(tmp_path / "work", _text("'default'")))
    planned = launch.plan(found.store, places.locate(found.store, found.record.id))
    assert launch.run_task(found.store, found.record.id, planned) == 0
    again = tasks.read(places.locate(found.store, found.record.id))
    assert again.status is Status.COMPLETED
    assert again.execution is not None
    assert again.execution.queue == "default"
    assert queue.count(found.store, "default") == 0


def test_a_clone_waits_while_the_program_goes_on(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", _text("'default', clone=True, exit_process=False"))
    assert (ended.code, ended.stdout) == (0, "before\nafter\n")
    own, cloned = sorted((each.record for each in all_tasks(ended)), key=lambda record: record.id)
    assert (own.status, cloned.status, cloned.name, cloned.parent) == (
        Status.COMPLETED,
        Status.QUEUED,
        own.name,
        own.id,
    )


def test_without_a_queue_the_task_is_a_draft(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", _text(""))
    assert (ended.code, ended.stdout) == (0, "before\n")
    found = only_task(ended)
    assert (found.record.status, found.points) == (Status.CREATED, {})


def test_a_queue_that_is_not_there_is_an_error_before_anything_is_ended(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", _text("'gpu'"))
    assert ended.code == 1
    assert "taskstore queue create gpu" in ended.stderr
    assert only_task(ended).record.status is Status.FAILED


def test_a_task_that_goes_on_here_is_not_enqueued_too(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", _text("'default', exit_process=False"))
    assert ended.code == 1
    assert "BadValue" in ended.stderr
