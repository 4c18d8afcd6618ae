from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.agent.options import Options
from taskstore.agent.worker import Worker
from taskstore.core.errors import BadValue, Conflict, NotFound, Refused
from taskstore.core.states import Status
from taskstore.queues import policy, queue
from taskstore.store import events, places, settings, stopping, tasks, tickets, workers
from taskstore.store.store import Store

from .conftest import Enqueue

_WAIT_S = 60.0
_SLEEP = "import time\nwhile True:\n    time.sleep(0.05)\n"


def options(**given: object) -> Options:
    return Options(**{"queues": ("default",), "once": True, "in_place": True, **given})  # type: ignore[arg-type]  # a test's shorthand


def work(store: Store, **given: object) -> list[str]:
    said: list[str] = []
    Worker(store, options(**given), tell=said.append).run()
    return said


def status(store: Store, task_id: str) -> tuple[Status, str]:
    record = tasks.read(places.locate(store, task_id))
    return record.status, record.status_reason


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.02)


def is_running(store: Store, task_id: str) -> bool:
    return places.locate(store, task_id).beacon.exists()


def console(store: Store, task_id: str) -> list[str]:
    return [line.text for line in events.read_console(places.locate(store, task_id))]


class Background:
    """A worker on a thread, for what is done to it meanwhile."""

    def __init__(self, store: Store, **given: object) -> None:
        self.said: list[str] = []
        self.worker = Worker(store, options(**given), tell=self.said.append)
        self.thread = threading.Thread(target=self.worker.run)

    def __enter__(self) -> Background:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        while self.thread.is_alive():
            self.worker.stop()
            self.thread.join(_WAIT_S)


def test_what_waits_is_run_by_priority_and_then_first_in_first_out(
    store: Store, enqueue: Enqueue, tmp_path: Path
) -> None:
    log = tmp_path / "order"
    program = f"open({str(log)!r}, 'a').write('%s')"
    made = [enqueue(program % "a"), enqueue(program % "b"), enqueue(program % "c", priority=5)]
    work(store)
    assert log.read_text() == "cab"
    assert [status(store, paths.id) for paths in made] == [(Status.COMPLETED, "completed")] * 3
    assert tickets.of_queue(store, "default") == tickets.of_queue(store, "default", claimed=True) == []
    assert workers.listed(store) == []


def test_queues_are_emptied_in_the_order_in_which_they_were_named(
    store: Store, enqueue: Enqueue, tmp_path: Path
) -> None:
    queue.create(store, "urgent")
    log = tmp_path / "order"
    program = f"open({str(log)!r}, 'a').write('%s')"
    enqueue(program % "a")
    enqueue(program % "b", to="urgent")
    work(store, queues=("urgent", "default"))
    assert log.read_text() == "ba"


def test_a_queue_that_is_deleted_meanwhile_is_said_once_and_holds_up_no_other(store: Store, enqueue: Enqueue) -> None:
    queue.create(store, "urgent")
    with Background(store, once=False, queues=("urgent", "default")) as background:
        wait_until(lambda: bool(workers.listed(store)))
        queue.delete(store, "urgent")
        wait_until(lambda: any("'urgent'" in line for line in background.said))
        paths = enqueue("pass")
        wait_until(lambda: status(store, paths.id)[0] is Status.COMPLETED)
        assert len([line for line in background.said if "'urgent'" in line]) == 1
        queue.create(store, "urgent")
        again = enqueue("pass", to="urgent")
        wait_until(lambda: status(store, again.id)[0] is Status.COMPLETED)


def test_a_store_that_is_away_when_a_task_ends_is_waited_for(store: Store, enqueue: Enqueue, tmp_path: Path) -> None:
    away, begun = tmp_path / "away", tmp_path / "begun"
    program = f"import os, time\nopen({str(begun)!r}, 'w').close()\nwhile not os.path.isdir({str(away)!r}): "
    paths = enqueue(f"{program}time.sleep(0.02)\nos.kill(os.getpid(), 9)\n")
    with Background(store, once=False) as background:
        wait_until(begun.exists)
        store.root.rename(away)
        wait_until(lambda: any("cannot be written down" in line for line in background.said))
        away.rename(store.root)
        wait_until(lambda: tickets.of_queue(store, "default", claimed=True) == [])
        assert status(store, paths.id) == (Status.FAILED, "killed (SIGKILL)")
        assert not any("Traceback" in line for line in background.said)


def test_a_store_that_stays_away_does_not_keep_its_agent(store: Store, enqueue: Enqueue, tmp_path: Path) -> None:
    away, begun = tmp_path / "away", tmp_path / "begun"
    program = f"import os, time\nopen({str(begun)!r}, 'w').close()\nwhile not os.path.isdir({str(away)!r}): "
    enqueue(f"{program}time.sleep(0.02)\n")
    with Background(store, once=False, slots=2) as background:
        wait_until(begun.exists)
        store.root.rename(away)
        wait_until(lambda: any("cannot be written down" in line for line in background.said))
        wait_until(lambda: any("there is no store" in line for line in background.said))
        background.worker.stop()
        background.worker.stop()
    away.rename(store.root)
    assert "left to another agent" in background.said[-1]
    assert len([line for line in background.said if "there is no store" in line]) == 1
    assert not any("takes nothing from" in line for line in background.said)
    assert len(tickets.of_queue(store, "default", claimed=True)) == 1


def test_a_task_says_which_worker_and_queue_it_came_from(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("pass")
    work(store, name="gpu box")
    record = tasks.read(paths)
    assert record.last_worker == "gpu box"
    assert record.execution is not None
    assert record.execution.queue == "default"
    assert [change.reason for change in record.history if "worker" in change.reason] == ["taken by worker gpu box"]


def test_slots_run_side_by_side_and_each_has_its_own_gpus(store: Store, enqueue: Enqueue, tmp_path: Path) -> None:
    # Each waits for the other: one after the other they would not end.
    program = (
        "import os, pathlib, time\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / ('gpu' + os.environ['CUDA_VISIBLE_DEVICES'])).touch()\n"
        "while len(list(folder.glob('gpu*'))) < 2: time.sleep(0.02)\n"
    )
    made = [enqueue(program), enqueue(program)]
    work(store, slots=2, gpus=("0", "1,2"))
    assert {path.name for path in tmp_path.glob("gpu*")} == {"gpu0", "gpu1,2"}
    assert [status(store, paths.id)[0] for paths in made] == [Status.COMPLETED] * 2


def test_a_program_that_fails_leaves_a_failed_task_and_the_agent_goes_on(store: Store, enqueue: Enqueue) -> None:
    failing, fine = enqueue("raise ValueError('no data')"), enqueue("pass")
    work(store)
    assert status(store, failing.id)[0] is Status.FAILED
    assert "no data" in tasks.read(failing).status_message
    assert status(store, fine.id)[0] is Status.COMPLETED


def test_a_task_whose_script_is_gone_fails_with_the_reason_in_its_console(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("pass")
    Path(tasks.read_script(paths).entry_point).unlink()
    said = work(store)
    assert status(store, paths.id) == (Status.FAILED, "it could not be started")
    assert any("program1.py" in line for line in console(store, paths.id))
    assert any("it could not be started" in line for line in said)


def test_what_a_process_says_before_its_run_begins_is_in_the_tasks_console(
    store: Store, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = enqueue("pass")
    monkeypatch.setenv("TASKSTORE_CAPTURE__DIFF_MIB", "1")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # python itself does not start
    work(store)
    assert status(store, paths.id)[0] is Status.FAILED
    assert any("encodings" in line for line in console(store, paths.id))
    assert "encodings" in tasks.read(paths).status_message


def test_what_a_dying_process_says_below_python_is_added_and_nothing_twice(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("import os\nprint('hello')\nos.write(2, b'terminate called\\n')\nos.abort()\n")
    work(store)
    found = console(store, paths.id)
    assert found.count("hello") == 1
    assert found.count("terminate called") == 1
    assert status(store, paths.id) == (Status.FAILED, "killed (SIGABRT)")


def test_who_asks_through_the_store_has_the_run_ended(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue(_SLEEP)
    with Background(store):
        wait_until(lambda: is_running(store, paths.id))
        stopping.ask(store, paths.id, "enough", ends_itself=False)
        wait_until(lambda: status(store, paths.id)[0] is Status.STOPPED)
    assert "enough" in tasks.read(paths).status_message


def test_who_does_not_end_by_sigterm_is_killed_after_the_grace(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')\n" + _SLEEP)
    with Background(store, grace_s=60):
        wait_until(lambda: "deaf" in console(store, paths.id))
        stopping.ask(store, paths.id, "", ends_itself=False, grace_s=0.2)
        wait_until(lambda: status(store, paths.id)[0] is not Status.IN_PROGRESS)
    assert status(store, paths.id) == (Status.STOPPED, "aborted (SIGKILL)")


def test_a_run_that_is_asked_first_is_given_its_time(store: Store, enqueue: Enqueue, tmp_path: Path) -> None:
    paths = enqueue(
        "from taskstore import Task\n"
        "task = Task.init('examples', 'a task')\n"
        f"saved = {str(tmp_path / 'saved')!r}\n"
        "task.lifecycle.register_abort_callback(lambda: open(saved, 'w').write('all'), timeout_s=30)\n"
        "print('listening')\n" + _SLEEP
    )
    with Background(store):
        wait_until(lambda: "listening" in console(store, paths.id))
        stopping.ask(store, paths.id, "", ends_itself=False)
        wait_until(lambda: status(store, paths.id)[0] is not Status.IN_PROGRESS)
    assert status(store, paths.id)[0] is Status.STOPPED
    assert (tmp_path / "saved").read_text() == "all"


@pytest.mark.parametrize("of_queue", [True, False])
def test_a_task_that_runs_too_long_has_failed_by_the_limit(store: Store, enqueue: Enqueue, *, of_queue: bool) -> None:
    paths = enqueue(_SLEEP)
    if of_queue:
        policy.change(store, "default", time_limit_s=0.3)
    work(store, time_limit_s=3600 if of_queue else 0.3)
    assert status(store, paths.id) == (Status.FAILED, "timed out")
    assert "longer than 0.3 s" in tasks.read(paths).status_message


def test_what_is_left_running_in_a_tasks_group_ends_with_it(store: Store, enqueue: Enqueue, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    enqueue(
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
    )
    work(store)
    pid = int(pid_file.read_text())
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes())


def test_a_worker_that_is_asked_to_end_finishes_what_runs_and_takes_nothing_more(
    store: Store, enqueue: Enqueue, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    program = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
    running, waiting = enqueue(program), enqueue("pass")
    with Background(store, once=False) as agent:
        wait_until(lambda: is_running(store, running.id))
        agent.worker.stop()
        wait_until(lambda: any(seen.record.state == "draining" for seen in workers.listed(store)))
        go.touch()
        agent.thread.join(_WAIT_S)
    assert status(store, running.id)[0] is Status.COMPLETED
    assert status(store, waiting.id)[0] is Status.QUEUED


def test_a_worker_that_is_asked_twice_puts_back_what_runs(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("print('half')\n" + _SLEEP, priority=7)
    with Background(store, once=False) as agent:
        wait_until(lambda: "half" in console(store, paths.id))
        agent.worker.stop()
        agent.worker.stop()
        agent.thread.join(_WAIT_S)
    assert status(store, paths.id)[0] is Status.QUEUED
    assert [ticket.place.priority for ticket in tickets.of_queue(store, "default")] == [7]
    assert tickets.of_queue(store, "default", claimed=True) == []
    assert console(store, paths.id) == []  # it begins anew


def test_agent_ls_sees_what_a_worker_runs(store: Store, enqueue: Enqueue, tmp_path: Path) -> None:
    go = tmp_path / "go"
    paths = enqueue(f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\n")
    with Background(store, name="gpu-1"):
        wait_until(lambda: any(run.pid for seen in workers.listed(store) for run in seen.record.running))
        (seen,) = workers.listed(store)
        assert (seen.record.id, seen.is_alive, seen.record.pid) == ("gpu-1", True, os.getpid())
        assert [(run.task, run.queue, run.slot) for run in seen.record.running] == [(paths.id, "default", 0)]
        go.touch()


def test_of_two_workers_of_one_name_the_second_is_refused(store: Store) -> None:
    with Background(store, name="gpu-1", once=False):
        wait_until(lambda: bool(workers.listed(store)))
        with pytest.raises(Conflict, match="gpu-1"):
            Worker(store, options(name="gpu-1"), tell=print).run()


def test_a_queue_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match="taskstore queue create"):
        work(store, queues=("nightly",))


@pytest.mark.parametrize(
    "given", [{"queues": ()}, {"slots": 0}, {"slots": 2, "gpus": ("0",)}, {"time_limit_s": 0.0}, {"grace_s": -1.0}]
)
def test_options_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(BadValue):
        options(**given)


def test_a_folder_of_work_that_others_can_write_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(open_to_all))
    with pytest.raises(Refused, match="others can write"):
        work(store)


def test_work_of_long_ago_is_removed_and_of_late_is_kept(
    store: Store, enqueue: Enqueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    for name, days in (("old", 8), ("late", 6)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - days * 86400,) * 2)
    folder.chmod(0o700)
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(folder))
    work(store)
    assert [path.name for path in folder.iterdir()] == ["late"]
    assert settings.load(store).agent.work_days == 7
