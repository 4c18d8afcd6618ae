from __future__ import annotations

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadTransition, BadValue, NotFound, Refused
from taskstore.core.states import Status
from taskstore.disk.beacon import hold_beacon
from taskstore.store import places, tasks, trash
from taskstore.store.store import Store
from taskstore.task import Task


@pytest.fixture
def task(store: Store) -> Task:
    return Task(store, tasks.create(store, "examples", "a run").id)


@pytest.fixture
def running(store: Store, task: Task) -> Task:
    tasks.transition(store, task.id, Status.IN_PROGRESS)
    return task


def test_a_mark_sets_status_reason_and_message(store: Store, running: Task) -> None:
    running.lifecycle.mark_failed(reason="no data", message="looked\neverywhere")
    record = tasks.read(places.locate(store, running.id))
    assert (record.status, record.status_reason, record.status_message) == (
        Status.FAILED,
        "no data",
        "looked\neverywhere",
    )


@pytest.mark.parametrize("verb", ["mark_completed", "mark_failed", "mark_stopped"])
def test_a_mark_that_the_table_does_not_allow_is_refused_unless_forced(task: Task, verb: str) -> None:
    with pytest.raises(BadTransition):
        getattr(task.lifecycle, verb)()
    assert task.get_status() == "created"
    getattr(task.lifecycle, verb)(force=True)
    assert task.get_status() == verb.removeprefix("mark_")


def test_a_task_is_reset_published_and_deleted(store: Store, running: Task) -> None:
    running.lifecycle.mark_completed()
    running.lifecycle.reset()
    assert running.get_status() == "created"
    running.lifecycle.mark_completed(force=True)
    running.lifecycle.publish(message="table 2")
    with pytest.raises(BadTransition):
        running.lifecycle.reset()
    with pytest.raises(Refused, match="published"):
        running.lifecycle.delete()
    running.lifecycle.delete(force=True)
    assert [paths.id for paths in trash.listed(store)] == [running.id]
    with pytest.raises(NotFound):
        running.get_status()


def test_a_live_run_is_neither_reset_nor_deleted(store: Store, running: Task) -> None:
    beacon = hold_beacon(places.locate(store, running.id).beacon, store.locks)
    with pytest.raises(Refused, match="running"):
        running.lifecycle.reset(force=True)
    with pytest.raises(Refused, match="running"):
        running.lifecycle.delete()
    beacon.release()


def test_waiting_ends_when_the_status_comes(running: Task) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            running.lifecycle.mark_completed()

    assert running.lifecycle.wait_for_status(sleep=sleep, check_interval_s=5) == "completed"
    assert slept == [5, 5, 5]


def test_waiting_for_what_has_failed_raises_with_the_reason(running: Task) -> None:
    running.lifecycle.mark_failed(reason="out of memory")
    with pytest.raises(Refused, match="Failed: out of memory"):
        running.lifecycle.wait_for_status(sleep=_never)
    assert running.lifecycle.wait_for_status(["failed"], sleep=_never) == "failed"


def test_waiting_for_a_run_that_died_ends(store: Store, clock: FixedClock, running: Task) -> None:
    hold_beacon(places.locate(store, running.id).beacon, store.locks).release()
    with pytest.raises(Refused, match="Failed"):
        running.lifecycle.wait_for_status(sleep=_never)


def test_waiting_ends_when_the_time_is_up(running: Task) -> None:
    slept: list[float] = []
    with pytest.raises(Refused, match="after a wait of 2.5 s"):
        running.lifecycle.wait_for_status(timeout_s=2.5, sleep=slept.append)
    assert slept == [1, 1, 0.5]


def test_waiting_for_a_status_that_does_not_exist_is_refused(running: Task) -> None:
    with pytest.raises(BadValue, match="'done'"):
        running.lifecycle.wait_for_status(["done"], sleep=_never)


def _never(seconds: float) -> None:
    raise AssertionError("it slept")


def test_a_clone_is_a_draft_that_names_its_parent(store: Store, running: Task) -> None:
    running.details.add_tags(["a"])
    made = Task.clone(running, project="elsewhere", comment="again")
    assert (made.get_name(), made.get_project_name(), made.get_status()) == ("Clone Of a run", "elsewhere", "created")
    assert (made.get_tags(), made.details.get_comment()) == (["a"], "again")
    assert tasks.read(places.locate(store, made.id)).parent == running.id
    other = Task.clone(running, name="another", parent=made)
    assert tasks.read(places.locate(store, other.id)).parent == made.id


def test_a_task_is_cloned_by_its_id_from_the_store_in_use(
    store: Store, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    assert Task.clone(task.id, name="by its id").get_name() == "by its id"


def test_what_has_run_and_is_marked_as_started_stays_so(store: Store, running: Task) -> None:
    beacon = hold_beacon(places.locate(store, running.id).beacon, store.locks)
    beacon.say_end("completed", "completed")
    beacon.release()
    running.lifecycle.mark_completed()
    running.lifecycle.mark_started()
    assert running.get_status() == "in_progress"


def test_a_live_run_that_is_marked_as_started_keeps_its_beacon(store: Store, running: Task) -> None:
    paths = places.locate(store, running.id)
    beacon = hold_beacon(paths.beacon, store.locks)
    running.lifecycle.mark_started(force=True)
    assert paths.beacon.exists()
    beacon.release()
