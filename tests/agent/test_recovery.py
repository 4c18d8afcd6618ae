from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskstore.agent import recovery
from taskstore.agent.options import Options
from taskstore.agent.worker import Worker
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.disk.process import owner_tag
from taskstore.queues import policy, queue
from taskstore.run import launch
from taskstore.run.mode import LAUNCH_VARIABLE, TASK_VARIABLE
from taskstore.schema.queue import OnLost
from taskstore.sections import clone
from taskstore.store import doctor, liveness, places, tasks, tickets, workers
from taskstore.store.store import Store, open_at

from .conftest import Enqueue

_WAIT_S = 60.0
_WORKER = """
import os, sys, time
from taskstore.core.states import Status
from taskstore.queues import claim
from taskstore.run import launch
from taskstore.store import workers
from taskstore.store.store import open_at

store = open_at(sys.argv[1])
registered = workers.register(store, "lost one", ["default"], 1)
ticket = claim.claim(store, ["default"], "lost one", tell=print)
if sys.argv[2] != "claimed":
    launch.claim(store, ticket.task_id, only_from=frozenset({Status.QUEUED}), worker="lost one")
if sys.argv[2] == "beacon":
    from taskstore.disk.beacon import hold_beacon
    from taskstore.store import places
    hold_beacon(places.locate(store, ticket.task_id).beacon, store.locks)
print("ready", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def worker(store: Store, until: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that is a worker, and has gone so far with the first ticket."""
    command = [sys.executable, "-c", _WORKER, str(store.root), until]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def lost(store: Store, until: str) -> None:
    with worker(store, until):
        pass


def status(store: Store, paths: TaskPaths) -> tuple[Status, str]:
    record = tasks.read(places.locate(store, paths.id))
    return record.status, record.status_reason


def waiting(store: Store) -> list[str]:
    return [ticket.task_id for ticket in tickets.of_queue(store, "default")]


def claimed(store: Store) -> list[str]:
    return [ticket.task_id for ticket in tickets.of_queue(store, "default", claimed=True)]


def test_a_ticket_that_was_taken_and_not_begun_waits_again(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("pass")
    lost(store, "claimed")
    assert recovery.recover(store, tell=print) == 1
    assert (waiting(store), claimed(store)) == ([paths.id], [])
    assert status(store, paths)[0] is Status.QUEUED


def test_what_a_worker_was_writing_as_it_was_killed_goes_with_it(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("pass")
    with worker(store, "claimed") as process:
        place, _, _ = owner_tag().partition("-")
        torn = [
            folder / f".torn.json.{place}-{process.pid}-0123456789ab.tmp"
            for folder in (paths.home, store.paths.workers, store.paths.queue("default").claimed)
        ]
        for path in torn:
            path.write_text("{")
        recovery.recover(store, tell=print)
        assert all(path.exists() for path in torn)  # it lives
    recovery.recover(store, tell=print)
    assert not any(path.exists() for path in torn)
    assert doctor.check(store) == []


def test_the_tickets_of_a_live_worker_are_its_own(store: Store, enqueue: Enqueue) -> None:
    paths = enqueue("pass")
    with worker(store, "begun"):
        assert recovery.recover(store, tell=print) == 0
        assert claimed(store) == [paths.id]
        assert status(store, paths)[0] is Status.IN_PROGRESS


@pytest.mark.parametrize("until", ["begun", "beacon"])
def test_a_task_that_died_with_its_worker_has_failed(store: Store, enqueue: Enqueue, until: str) -> None:
    paths = enqueue("pass")
    lost(store, until)
    said: list[str] = []
    assert recovery.recover(store, tell=said.append) == 1
    assert status(store, paths)[0] is Status.FAILED
    assert (waiting(store), claimed(store)) == ([], [])
    assert any(paths.id[:12] in line for line in said)


def test_whoever_looks_finds_a_task_failed_whose_worker_was_killed_before_it_began(
    store: Store, enqueue: Enqueue
) -> None:
    paths = enqueue("pass")
    with worker(store, "begun"):
        assert liveness.settle(store, paths, tasks.read(paths)).status is Status.IN_PROGRESS
    record = liveness.settle(store, paths, tasks.read(paths))
    assert (record.status, record.status_reason) == (Status.FAILED, "lost")
    assert "lost one" in record.status_message


@pytest.mark.parametrize("until", ["begun", "beacon"])
@pytest.mark.parametrize("is_seen_before", [False, True])
def test_a_queue_that_says_so_gets_the_task_back_with_its_priority(
    store: Store, enqueue: Enqueue, until: str, *, is_seen_before: bool
) -> None:
    policy.change(store, "default", on_lost=OnLost.REQUEUE)
    paths = enqueue("pass", priority=9)
    lost(store, until)
    if is_seen_before:
        assert liveness.settle(store, paths, tasks.read(paths)).status is Status.FAILED
    assert recovery.recover(store, tell=print) == 1
    assert (waiting(store), claimed(store)) == ([paths.id], [])
    assert tickets.of_queue(store, "default")[0].place.priority == 9
    Worker(store, Options(queues=("default",), once=True, in_place=True), tell=print).run()
    assert status(store, paths)[0] is Status.COMPLETED


def test_what_kills_its_workers_is_put_back_so_often_and_no_more(store: Store, enqueue: Enqueue) -> None:
    policy.change(store, "default", on_lost=OnLost.REQUEUE)
    paths = enqueue("pass")
    for _ in range(recovery.MAX_REQUEUES):
        lost(store, "beacon")
        recovery.recover(store, tell=print)
        assert waiting(store) == [paths.id]
    lost(store, "beacon")
    recovery.recover(store, tell=print)
    assert (waiting(store), claimed(store)) == ([], [])
    assert status(store, paths)[0] is Status.FAILED


def test_a_task_that_failed_by_itself_is_not_put_back(store: Store, enqueue: Enqueue) -> None:
    policy.change(store, "default", on_lost=OnLost.REQUEUE)
    paths = enqueue("pass")
    lost(store, "begun")
    tasks.transition(store, paths.id, Status.FAILED, reason="ValueError: no data")
    recovery.recover(store, tell=print)
    assert (waiting(store), claimed(store)) == ([], [])
    assert status(store, paths) == (Status.FAILED, "ValueError: no data")


def test_a_task_that_was_enqueued_anew_is_not_put_back_twice(store: Store, enqueue: Enqueue) -> None:
    policy.change(store, "default", on_lost=OnLost.REQUEUE)
    paths = enqueue("pass")
    lost(store, "begun")
    clone.reset(store, paths.id)
    queue.enqueue(store, paths.id, "default")
    recovery.recover(store, tell=print)
    assert (waiting(store), claimed(store)) == ([paths.id], [])


def test_a_deleted_tasks_ticket_goes_with_a_word(store: Store, enqueue: Enqueue) -> None:
    import shutil

    paths = enqueue("pass")
    lost(store, "claimed")
    shutil.rmtree(paths.home)
    said: list[str] = []
    recovery.recover(open_at(store.root), tell=said.append)
    assert claimed(store) == []
    assert "deleted" in said[0]


@pytest.mark.parametrize("stop_after", ["_taken_over", "reset", "enqueue"])
def test_whoever_is_killed_while_clearing_up_is_cleared_up_after(
    store: Store, enqueue: Enqueue, stop_after: str
) -> None:
    policy.change(store, "default", on_lost=OnLost.REQUEUE)
    paths = enqueue("pass")
    lost(store, "beacon")
    modules = {"_taken_over": "recovery", "reset": "clone", "enqueue": "remote"}
    program = f"""
import os, sys
from taskstore.agent import recovery
from taskstore.run import remote
from taskstore.sections import clone
from taskstore.store.store import open_at
module = {modules[stop_after]}
original = module.{stop_after}
def and_die(*given, **named):
    original(*given, **named)
    os._exit(9)
module.{stop_after} = and_die
recovery.recover(open_at(sys.argv[1]), tell=print)
"""
    assert subprocess.run([sys.executable, "-c", program, str(store.root)], check=False).returncode == 9
    recovery.recover(store, tell=print)
    assert (waiting(store), claimed(store)) == ([paths.id], [])
    assert doctor.check(store) == []


def test_of_many_that_clear_up_at_once_one_puts_a_task_back(store: Store, enqueue: Enqueue) -> None:
    policy.change(store, "default", on_lost=OnLost.REQUEUE)
    made = [enqueue("pass") for _ in range(5)]
    for _ in made:
        lost(store, "begun")
    stores = [open_at(store.root) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda each: recovery.recover(each, tell=lambda _: None), stores))
    assert sum(done) == len(made)
    assert sorted(waiting(store)) == sorted(paths.id for paths in made)
    assert claimed(store) == []


def test_a_process_that_comes_late_does_not_run_what_was_given_to_another(
    store: Store, enqueue: Enqueue, tmp_path: Path
) -> None:
    paths = enqueue(f"open({str(tmp_path / 'ran')!r}, 'a').write('x')")
    first = launch.claim(store, paths.id)
    clone.reset(store, paths.id)
    queue.enqueue(store, paths.id, "default")
    launch.claim(store, paths.id)
    script = tasks.read_script(paths).entry_point
    late = subprocess.run(
        [sys.executable, "-m", "taskstore.run.child", "--", script],
        env={**os.environ, "TASKSTORE_ROOT": str(store.root), TASK_VARIABLE: paths.id, LAUNCH_VARIABLE: first},
        capture_output=True,
        text=True,
        check=False,
    )
    assert late.returncode != 0
    assert "given to another worker" in late.stderr
    assert not (tmp_path / "ran").exists()
    assert status(store, paths)[0] is Status.IN_PROGRESS


def test_a_killed_agents_task_goes_on_to_its_end_and_its_ticket_is_cleared_after(
    store: Store, enqueue: Enqueue, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    paths = enqueue(f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\nprint('to the end')\n")
    program = (
        "import sys\nfrom taskstore.agent.options import Options\nfrom taskstore.agent.worker import Worker\n"
        "from taskstore.store.store import open_at\n"
        "Worker(open_at(sys.argv[1]), Options(queues=('default',), in_place=True), tell=print).run()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(store.root)]) as agent:
        _wait_until(paths.beacon.exists)
        agent.send_signal(signal.SIGKILL)
    assert recovery.recover(store, tell=print) == 0  # it runs on
    assert status(store, paths)[0] is Status.IN_PROGRESS
    assert not [finding for finding in doctor.check(store) if finding.kind.value == "claim"]
    assert [seen.is_alive for seen in workers.listed(store)] == []
    go.touch()
    _wait_until(lambda: status(store, paths)[0] is not Status.IN_PROGRESS)
    assert status(store, paths)[0] is Status.COMPLETED
    assert recovery.recover(store, tell=print) == 1
    assert claimed(store) == []


def _wait_until(is_so: object) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():  # type: ignore[operator]  # a test's shorthand
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.02)
