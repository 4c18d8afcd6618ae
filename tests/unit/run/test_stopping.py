from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore import Task
from taskstore.core.errors import BadTransition, BadValue, Refused
from taskstore.core.secrets import Masker
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.run import session as sessions
from taskstore.run.ending import Outcome
from taskstore.run.heartbeat import Heartbeat
from taskstore.run.sink import StoreSink
from taskstore.run.stopping import StopListener
from taskstore.sections import clone
from taskstore.store import places, stopping, tasks
from taskstore.store.store import Store

_WAIT_S = 30.0


@pytest.fixture
def running(store: Store) -> TaskPaths:
    paths = tasks.create(store, "examples", "a run")
    tasks.transition(store, paths.id, Status.IN_PROGRESS)
    return paths


class Run:
    """A run's listener, with a heart that beats when told to, and an end that is only counted."""

    def __init__(self, store: Store, paths: TaskPaths, *, is_in_charge: bool = True) -> None:
        self.ended = threading.Event()
        where = lambda: places.locate(store, paths.id)  # noqa: E731 - one line
        sink = StoreSink(store, paths.id, where, Masker(), is_rerun=False)
        self.listener = StopListener(
            *(store, paths.id, where, sink, Heartbeat(lambda: None)),
            is_in_charge=lambda: is_in_charge,
            end=self.ended.set,
        )


def _answered(paths: TaskPaths, wait: Callable[[float], object]) -> bool:
    for _ in range(1000):
        record = stopping.read(paths)
        if record is not None and record.answered is not None:
            return True
        wait(0.01)
    return False


def test_a_request_calls_back_once_and_is_answered(store: Store, running: TaskPaths) -> None:
    run, called = Run(store, running), []
    run.listener.register(lambda: called.append(threading.current_thread().name), 30)
    run.listener.look()
    assert called == []
    stopping.ask(store, running.id, "no more power", ends_itself=False)
    run.listener.look()
    run.listener.look()
    assert _answered(running, threading.Event().wait)
    run.listener.look()
    assert called == ["abort-callback"]
    assert not run.ended.is_set()  # whoever asked sends SIGTERM
    assert run.listener.message.endswith(": no more power")


def test_a_run_that_nobody_else_ends_ends_itself_after_its_callback(store: Store, running: TaskPaths) -> None:
    run, called = Run(store, running), []
    run.listener.register(lambda: called.append(run.ended.is_set()), 30)
    Task(store, running.id).lifecycle.request_stop("enough")
    run.listener.look()
    assert run.ended.wait(_WAIT_S)
    assert called == [False]


def test_a_run_without_a_callback_ends_itself_when_asked_to(store: Store, running: TaskPaths) -> None:
    run = Run(store, running)
    Task(store, running.id).lifecycle.request_stop()
    run.listener.look()
    assert run.ended.wait(_WAIT_S)


def test_a_callback_that_fails_or_takes_too_long_keeps_nobody_waiting(store: Store, running: TaskPaths) -> None:
    held = threading.Event()
    try:
        for callback, note in ((lambda: 1 / 0, "ZeroDivisionError"), (held.wait, "not returned within 0.01 s")):
            running.stop.unlink(missing_ok=True)
            run = Run(store, running)
            run.listener.register(callback, 0.01)
            stopping.ask(store, running.id, "", ends_itself=True)
            run.listener.look()
            assert run.ended.wait(_WAIT_S)
            assert note in "".join(tasks.read_script(running).notes)
    finally:
        held.set()


def test_a_callback_can_be_replaced_and_removed(store: Store, running: TaskPaths) -> None:
    run, called = Run(store, running), []
    run.listener.register(lambda: called.append("first"), 30)
    run.listener.register(lambda: called.append("second"), 5)
    record = stopping.read(running)
    assert record is not None
    assert record.timeout_s == 5
    run.listener.register(None, 0)
    record = stopping.read(running)
    assert record is not None
    assert record.timeout_s is None
    stopping.ask(store, running.id, "", ends_itself=True)
    run.listener.look()
    assert run.ended.wait(_WAIT_S)
    assert called == []


def test_a_helper_of_the_run_is_not_asked(store: Store, running: TaskPaths) -> None:
    Run(store, running, is_in_charge=False).listener.register(lambda: None, 30)
    assert stopping.read(running) is None


def test_what_cannot_be_called_back_is_named(store: Store, running: TaskPaths) -> None:
    listener = Run(store, running).listener
    with pytest.raises(BadValue, match="callable, not str"):
        listener.register("x", 1)  # type: ignore[arg-type]  # a wrong one is the point
    with pytest.raises(BadValue, match="timeout_s"):
        listener.register(lambda: None, -1)
    with pytest.raises(Refused, match="not this process's open task"):
        Task(store, running.id).lifecycle.register_abort_callback(lambda: None)
    assert not running.stop.exists()


def test_only_what_runs_is_asked(store: Store) -> None:
    draft = tasks.create(store, "examples", "a draft")
    with pytest.raises(BadTransition):
        Task(store, draft.id).lifecycle.request_stop()
    assert not draft.stop.exists()


def test_of_two_requests_the_first_is_kept_and_an_answer_makes_no_file(store: Store, running: TaskPaths) -> None:
    stopping.answer(store, running.id)
    assert not running.stop.exists()
    stopping.ask(store, running.id, "first", ends_itself=False)
    assert stopping.ask(store, running.id, "second", ends_itself=True).message == "first"
    record = stopping.read(running)
    assert record is not None
    assert record.ends_itself


def test_a_request_is_gone_with_the_run(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = sessions.begin(sessions.Wanted(project="examples", name="a run"), find_store=lambda: store)
    paths = session.paths()
    session.stopping.register(lambda: None, 1)
    stopping.ask(store, session.task_id, "enough", ends_itself=False)
    session.stopping.look()
    assert _answered(paths, threading.Event().wait)
    session.close(Outcome(Status.STOPPED, "SIGTERM"))
    assert not paths.stop.exists()
    assert tasks.read(paths).status_message.endswith(": enough")


def test_what_a_killed_run_has_left_is_cleared_by_a_reset(store: Store, running: TaskPaths) -> None:
    stopping.ask(store, running.id, "", ends_itself=True)
    tasks.transition(store, running.id, Status.FAILED)
    clone.reset(store, running.id)
    assert not running.stop.exists()


def test_the_heart_beats_and_polls_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskstore.run.heartbeat.HEARTBEAT_S", 0.05)
    beats, polls = threading.Semaphore(0), threading.Semaphore(0)
    heartbeat = Heartbeat(beats.release)
    heartbeat.start()
    heartbeat.poll(polls.release, 0.01)
    assert all(polls.acquire(timeout=_WAIT_S) for _ in range(5))
    assert all(beats.acquire(timeout=_WAIT_S) for _ in range(2))
    heartbeat.poll(None, 1)
    assert all(beats.acquire(timeout=_WAIT_S) for _ in range(2))
    heartbeat.stop(_WAIT_S)
    assert "taskstore-heartbeat" not in [thread.name for thread in threading.enumerate()]
