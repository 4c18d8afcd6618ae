"""A function of a program as a task of its own, which a real agent runs, and what comes back of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from taskstore.core.errors import FunctionFailed, Refused
from taskstore.core.states import Status
from taskstore.store import places, tasks
from taskstore.store.store import open_at
from taskstore.task import Task

from ..run.programs import all_tasks, run
from .agents import Ran, work

pytestmark = pytest.mark.usefixtures("found_by_children")

TEXT = """
    import json
    TASK
    def measure(number, text="x", options=None):
        print("called with", number, text)
        if number == 13:
            raise ValueError("13 is not allowed")
        if number == 14:
            raise json.JSONDecodeError("odd", "doc", 3)
        return {"twice": number * 2, "text": text, "options": options}
    def other():
        return ("program.py", 1.5)
    made = task.functions.create(measure, {"number": NUMBER, "text": "y", "options": {"a": [1]}})
    if made is not None:
        made.lifecycle.enqueue()
    second = task.functions.create(other)
    if second is not None:
        second.lifecycle.enqueue()
    print(json.dumps([made.id, second.id]))
"""


def _made(tmp_path: Path, number: int) -> tuple[Task, Task]:
    first = run(tmp_path / "work", TEXT.replace("NUMBER", str(number)))
    assert first.code == 0, first.stderr
    store = open_at(first.root)
    made, second = json.loads(first.stdout)
    return Task(store, made), Task(store, second)


def test_the_function_runs_elsewhere_with_its_stored_arguments_and_its_result_comes_back(tmp_path: Path) -> None:
    made, second = _made(tmp_path, 4)
    made.lifecycle.dequeue()
    made.parameters.update({"Function/number": "21"})
    made.lifecycle.enqueue()
    shutil.rmtree(tmp_path / "work")
    work(made._store)
    assert made.functions.result() == {"twice": 42, "text": "y", "options": {"a": [1]}}
    assert second.functions.result() == ("program.py", 1.5)
    assert "called with 21 y" in Ran(made._paths(), []).console
    assert made.artifacts["result"].get() == {"twice": 42, "text": "y", "options": {"a": [1]}}
    assert [made.get_status(), second.get_status()] == ["completed", "completed"]


def test_an_exception_is_carried_back_with_its_traceback_to_whoever_asks_for_the_result(tmp_path: Path) -> None:
    made, _ = _made(tmp_path, 13)
    work(made._store)
    assert made.get_status() == "failed"
    with pytest.raises(FunctionFailed) as caught:
        made.functions.result()
    error = caught.value
    assert (error.kind, error.text, error.task_id) == ("ValueError", "13 is not allowed", made.id)
    assert 'raise ValueError("13 is not allowed")' in str(error)
    assert isinstance(error.__cause__, ValueError)
    assert str(error.__cause__) == "13 is not allowed"


def test_an_exception_that_is_not_pythons_own_is_told_by_its_name(tmp_path: Path) -> None:
    made, _ = _made(tmp_path, 14)
    work(made._store)
    with pytest.raises(FunctionFailed) as caught:
        made.functions.result()
    assert (caught.value.kind, caught.value.__cause__) == ("json.decoder.JSONDecodeError", None)


def test_a_value_that_does_not_fit_is_named_in_the_console_and_the_programs_own_is_kept(tmp_path: Path) -> None:
    made, _ = _made(tmp_path, 4)
    made.lifecycle.dequeue()
    made.parameters.update({"Function/number": "many"})
    made.lifecycle.enqueue()
    work(made._store)
    assert made.functions.result()["twice"] == 8
    told = [line for line in Ran(made._paths(), []).console if "number" in line and line.startswith("taskstore: ")]
    assert len(told) == 1
    assert "'many'" in told[0]
    assert "keeping 4" in told[0]
    assert made.parameters.get_one("Function/number") == "4"


def test_of_a_draft_that_nobody_runs_no_result_is_waited_for(tmp_path: Path) -> None:
    made, _ = _made(tmp_path, 4)
    with pytest.raises(Refused, match="after a wait of 0 s"):
        made.functions.result(timeout_s=0)
    made.lifecycle.dequeue()
    with pytest.raises(Refused, match="is a draft"):
        made.functions.result()


HANDED_OVER = """
    import os
    TASK
    task.get_logger().report_scalar("loss", "train", 1.0, 0)
    print("before", os.environ.get("WHERE", "at home"))
    task.lifecycle.execute_remotely({arguments})
    print("after", os.environ.get("WHERE", "at home"))
"""


@pytest.mark.parametrize(
    ("arguments", "printed", "statuses"),
    [
        ("'default'", "before at home\n", ["completed"]),
        ("'default', clone=True", "before at home\n", ["completed", "completed"]),
        ("'default', clone=True, exit_process=False", "before at home\nafter at home\n", ["completed", "completed"]),
    ],
)
def test_what_hands_itself_over_goes_on_in_an_agents_hands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, printed: str, statuses: list[str]
) -> None:
    ended = run(tmp_path / "work", HANDED_OVER.replace("{arguments}", arguments))
    assert (ended.code, ended.stdout) == (0, printed)
    store = open_at(ended.root)
    monkeypatch.setenv("WHERE", "in the agent")
    work(store)
    found = sorted(all_tasks(ended), key=lambda one: one.record.id)
    assert [one.record.status.value for one in found] == statuses
    assert found[-1].console[-2:] == ["before in the agent", "after in the agent"]
    assert found[-1].record.last_worker


def test_what_is_dequeued_is_not_run(tmp_path: Path) -> None:
    made, second = _made(tmp_path, 4)
    made.lifecycle.dequeue()
    said = work(made._store)
    assert not [line for line in said if made.id[:12] in line]
    assert tasks.read(places.locate(made._store, made.id)).status is Status.CREATED
    assert second.get_status() == "completed"


SIMULATED = """
    import sys
    from taskstore.clearml import Task
    if len(sys.argv) > 1:
        Task.debug_simulate_remote_task(sys.argv[1], reset_task="reset" in sys.argv)
    task = Task.init("examples", "a run")
    print(task.connect({"lr": 0.1}), Task.running_locally(), task.id)
    task.execute_remotely("default")
    print("went on")
"""


def test_a_process_takes_the_part_of_an_agents_child_for_debugging(tmp_path: Path) -> None:
    text = SIMULATED
    first = run(tmp_path / "work", text)
    assert first.code == 0, first.stderr
    assert first.stdout.startswith("{'lr': 0.1} True ")
    task_id = first.stdout.split()[-1]
    store = open_at(first.root)
    Task(store, task_id).lifecycle.dequeue()
    ended = run(tmp_path / "work", text, task_id)
    assert ended.code == 1
    assert "clone" in ended.stderr
    copy = Task.clone(Task(store, task_id))
    copy.parameters.update({"General/lr": "0.5"})
    again = run(tmp_path / "work", text, copy.id)
    assert (again.code, again.stdout) == (0, f"{{'lr': 0.5}} False {copy.id}\nwent on\n"), again.stderr
    once_more = run(tmp_path / "work", text, copy.id, "reset")
    assert (once_more.code, once_more.stdout) == (again.code, again.stdout), once_more.stderr
    assert copy.get_status() == "completed"
