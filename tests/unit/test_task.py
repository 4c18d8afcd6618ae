"""The facade; whole runs are in tests/run."""

from __future__ import annotations

import argparse
import inspect
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from taskstore import Task
from taskstore.core.errors import BadValue, NotFound, ReadOnly, Refused, TaskstoreError
from taskstore.run import session as sessions
from taskstore.store import places, query, tasks
from taskstore.store.store import Store


@pytest.fixture(autouse=True)
def _in_a_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))
    monkeypatch.chdir(tmp_path)
    yield
    session = sessions.opened()
    if session is not None:
        session.close()


def test_a_second_init_of_the_same_names_is_the_same_task() -> None:
    task = Task.init("examples", "a run")
    same = [("examples", "a run"), (None, None), ("examples", None), (None, "a run"), (" examples ", " a run ")]
    assert all(Task.init(*names) is task for names in same)
    assert Task.current_task() is task


def test_threads_that_begin_the_same_task_at_once_get_one_task(store: Store) -> None:
    count = 8
    barrier = threading.Barrier(count)

    def begin(_: int) -> Task:
        barrier.wait()
        return Task.init("examples", "a run")

    with ThreadPoolExecutor(count) as pool:
        begun = list(pool.map(begin, range(count)))
    assert {id(task) for task in begun} == {id(begun[0])}
    assert [row.id for row in query.find(store, query.Query()).rows] == [begun[0].id]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_was_forked_while_a_thread_began_a_task_may_begin_one() -> None:
    with sessions.one_at_a_time(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(_exit_code_of_a_child_that_begins).result(20) == 0


def _exit_code_of_a_child_that_begins() -> int:
    pid = os.fork()
    if not pid:
        signal.alarm(10)
        with sessions.one_at_a_time():
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


_NOTHING_FITS = (5, 2.5, b"bytes", object(), ["a", 5], {"a": 5}, ("a",), True, None, "text")
_METHODS = ("init", "get_task", "get_tasks", "query_tasks", "clone", "create")
_ARGUMENTS = [(method, name) for method in _METHODS for name in inspect.signature(getattr(Task, method)).parameters]


@pytest.mark.parametrize(("method", "name"), _ARGUMENTS)
def test_a_value_of_a_wrong_type_raises_only_errors_of_taskstore(method: str, name: str, tmp_path: Path) -> None:
    refused = 0
    (tmp_path / "train.py").touch()
    others: dict[str, object] = {"script": "train.py"} if method == "create" else {}
    if method == "clone":
        others = {"source_task": "0" * 32}
    for value in _NOTHING_FITS:
        try:
            made = getattr(Task, method)(**{**others, name: value})
        except TaskstoreError as error:
            assert isinstance(error, (BadValue, Refused, NotFound)), error  # noqa: PT017 - several may be raised
            refused += isinstance(error, BadValue)
        else:
            if method == "init":
                made.close()
    assert refused >= 2, f"{method}({name}=…) takes anything"


def test_another_task_is_begun_once_the_first_is_closed() -> None:
    first = Task.init("examples", "first run")
    with pytest.raises(Refused, match=r"task\.close\(\)"):
        Task.init("examples", "second run")
    with pytest.raises(Refused):
        Task.init("examples", "first run", task_type="testing")
    first.close()
    second = Task.init("examples", "second run", task_type="testing", tags=("b", "a", "b"))
    assert second.id != first.id
    assert (first.get_status(), second.get_status()) == ("completed", "in_progress")
    assert second.get_tags() == ["b", "a"]
    assert tasks.read(places.locate(second._store, second.id)).type == "testing"


def test_a_task_is_found_by_id_by_prefix_and_by_its_names(store: Store) -> None:
    older, newer = (tasks.create(store, "examples", "a run").id for _ in range(2))
    nested = tasks.create(store, "examples/below", "a run").id
    found = Task.get_task(older)
    assert found is not None
    assert (found.id, found.get_name(), found.get_project_name()) == (older, "a run", "examples")
    assert Task.get_task(nested[:-1]) is not None
    store.clock.advance(1)  # type: ignore[attr-defined]  # the fixed clock of the tests
    tasks.edit(store, older, lambda record: setattr(record, "comment", "changed"))
    by_name = Task.get_task(project_name="examples", task_name="a run")
    assert by_name is not None
    assert by_name.id == older
    assert Task.get_task(project_name="examples", task_name="no such run") is None
    assert newer != older
    with pytest.raises(NotFound):
        Task.get_task("f" * 32)
    with pytest.raises(NotFound):
        Task.get_task(project_name="no such project", task_name="a run")
    with pytest.raises(BadValue):
        Task.get_task()


def test_only_a_running_task_is_reported_into(store: Store) -> None:
    draft = Task.get_task(tasks.create(store, "examples", "a run").id)
    assert draft is not None
    draft.get_logger().report_scalar("loss", "train", 0.5, 1)
    assert draft.reports.scalars()["loss"]["train"].values == [0.5]
    ended = Task.init("examples", "a run")
    ended.close()
    again = Task.get_task(ended.id)
    assert again is not None
    with pytest.raises(ReadOnly):
        again.get_logger()
    with pytest.raises(Refused, match="Task.init begins one"):
        again.connect({"lr": 0.1})


def test_a_dict_comes_back_live_and_a_namespace_as_it_is() -> None:
    task = Task.init("examples", "a run")
    live = task.connect({"lr": 0.1, "net": {"depth": 3}})
    live["net"]["depth"] = 4
    task.connect({"seed": 1}, name="Other")
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.5)
    assert task.connect(parser) is parser
    namespace = argparse.Namespace(batch=32)
    assert task.connect(namespace) is namespace
    assert task.get_parameters() == {
        "General/lr": "0.1",
        "General/net/depth": "4",
        "Other/seed": "1",
        "Args/lr": "0.5",
        "Args/batch": "32",
    }


@pytest.mark.parametrize("what", [None, 5, "text", [1], object()], ids=lambda what: type(what).__name__)
def test_what_holds_no_parameters_is_not_connected(what: object) -> None:
    task = Task.init("examples", "a run")
    with pytest.raises(BadValue, match=r"^connect takes a dict"):
        task.connect(what)


def test_streams_and_arguments_may_be_left_alone() -> None:
    task = Task.init("examples", "a run", auto_connect_streams=False, auto_connect_arg_parser=False)
    assert "write" not in vars(sys.stdout)
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.5)
    parser.parse_args([])
    assert task.get_parameters() == {}


def test_a_type_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadValue, match="training, testing"):
        Task.init("examples", "a run", task_type="trainin")


def test_showing_a_task_does_not_touch_the_disk(store: Store) -> None:
    task = Task(store, "f" * 32)
    opened: list[str] = []
    is_over = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if not is_over and event in ("open", "os.scandir", "os.listdir"):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    try:
        assert (repr(task), task.id) == (f"Task('{'f' * 32}')", "f" * 32)
    finally:
        is_over = True
    assert opened == []


def test_the_path_of_a_task_is_where_it_is_now(store: Store) -> None:
    task = Task.init("examples", "a run")
    before = task.path()
    if os.name == "posix":
        tasks.move(store, task.id, "vision")
        assert task.path() != before
    assert (task.path() / "task.json").is_file()


def test_a_task_that_was_closed_takes_no_more_reports(tmp_path: Path) -> None:
    task = Task.init("examples", "a task")
    logger = task.get_logger()
    logger.report_scalar("loss", "train", 1.0, 0)
    task.close()
    for report in (
        lambda: logger.report_scalar("loss", "train", 2.0, 1),
        lambda: task.get_logger().report_single_value("accuracy", 1.0),
        lambda: logger.report_text("late", print_console=False),
    ):
        with pytest.raises(ReadOnly, match="closed"):
            report()
    assert task.reports.scalars()["loss"]["train"].values == [1.0]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({"start_after_s": 5.0}, (5.0, 30)),
        ({"interval_s": 2.0}, (30, 2.0)),
        (True, (30, 30)),
        (False, None),
        ({}, None),
    ],
)
def test_a_run_says_itself_from_when_on_and_how_often_resources_are_reported(
    choice: bool | dict[str, float], wanted: tuple[float, float] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskstore.capture import resources

    asked: list[tuple[float, float]] = []
    original = resources.monitored

    def monitored(sink: Any, folder: str, *, start_after_s: float, interval_s: float) -> Any:
        asked.append((start_after_s, interval_s))
        return original(sink, folder, start_after_s=start_after_s, interval_s=interval_s)

    monkeypatch.setattr(resources, "monitored", monitored)
    Task.init("examples", "a run", auto_resource_monitoring=choice)
    assert asked == ([] if wanted is None else [wanted])


def test_an_unknown_word_of_resource_monitoring_is_refused() -> None:
    with pytest.raises(BadValue, match="auto_resource_monitoring has no key 'often'"):
        Task.init("examples", "a run", auto_resource_monitoring={"often": 1.0})


@pytest.mark.parametrize("bad", [{"interval_s": "2"}, {"interval_s": 0}, {"start_after_s": -1}, {"interval_s": True}])
def test_what_is_no_number_of_seconds_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match=r"auto_resource_monitoring\['\w+'\] must be a number of seconds, not"):
        Task.init("examples", "a run", auto_resource_monitoring=bad)
