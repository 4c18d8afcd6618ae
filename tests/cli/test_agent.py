from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.worker import Running
from taskstore.store import places, tasks, tickets, workers
from taskstore.store.store import Store

from .conftest import Cli, Workshop
from .test_completion import offered
from .test_width import SEQUENCE

_WAIT_S = 60.0


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.05)


def test_an_agent_runs_what_waits_and_ends(cli: Cli, workshop: Workshop, store: Store) -> None:
    task = workshop.task(status=Status.CREATED)
    queue.enqueue(store, task.id, "default")
    result = cli("agent", "start", "--once", "--in-place", "--name", "gpu-1")
    assert result.code == 0
    assert "worker 'gpu-1' takes from default" in result.err
    # It records no script.
    record = tasks.read(places.locate(store, task.id))
    assert (record.status, record.status_reason) == (Status.FAILED, "it could not be started")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("start", "--queue", "nightly"), 3, "taskstore queue create nightly"),
        (("start", "--slots", "0"), 4, "from 1 to 1000"),
        (("start", "--slots", "3", "--gpus", "0,1"), 4, "2 sets of GPUs"),
        (("start", "--time-limit", "soon"), 2, "15m"),
        (("start", "--grace", "-1"), 2, "15m"),
        (("start", "--name", "ab"), 4, "3 characters"),
        (("stop", "nobody"), 3, "taskstore agent ls"),
        (("stop",), 2, "WORKER"),
        (("start", "--env", "conda"), 2, "conda"),
        (("start", "python:3.12"), 2, "goes with --docker"),
        (("start", "--gpus", ",,"), 4, "'' is no set of GPUs"),
        (("start", "--gpus", "0,,1"), 4, "'' is no set of GPUs"),
        (("start", "--gpus", "0,a b"), 4, "'a b' is no set of GPUs"),
        (("start", "--gpus", "all"), 4, "'all' is no set of GPUs"),
        (("start", "--in-place", "--env", "venv"), 4, "--in-place does not go with --env venv"),
        (("start", "--docker", "--docker-command", "no-such-engine"), 4, "no-such-engine is not installed"),
    ],
)
def test_a_mistake_is_named(cli: Cli, store: Store, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = cli("agent", *arguments)
    assert (result.code, result.out) == (code, "")
    assert said in " ".join(result.err.split())
    assert workers.listed(store) == []


def test_workers_are_listed_with_what_they_run(cli: Cli, store: Store) -> None:
    registered = workers.register(store, "gpu-1", ["default", "nightly"], 2)
    try:
        (facts,) = cli("agent", "ls", "--json").objects
        assert (facts["id"], facts["state"], facts["queues"], facts["slots"]) == (
            "gpu-1",
            "working",
            ["default", "nightly"],
            2,
        )
        row = cli("agent", "ls").rows[1]
        assert row[:5] == ["gpu-1", "working", socket.gethostname(), str(os.getpid()), "default, nightly"]
    finally:
        registered.leave()
    assert cli("agent", "ls", "--json").objects == []


def test_each_task_that_a_worker_runs_has_a_line(
    cli: Cli, terminal: Cli, workshop: Workshop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = workshop.task().id, workshop.task().id
    registered = workers.register(store, "a-worker-with-a-name", ["default", "nightly", "gpu-a100"], 2)
    monkeypatch.setattr(registered.record, "host", "machine-12.example.org")
    now = store.clock.now()
    running = [Running(task=task, slot=slot, since=now) for slot, task in enumerate((first, second))]
    try:
        registered.change(lambda record: setattr(record, "running", running))
        assert [(row[0], row[5], row[6]) for row in cli("agent", "ls").rows[1:]] == [
            ("a-worker-with-a-name", first, "0"),
            ("a-worker-with-a-name", second, "1"),
        ]
        lines = [SEQUENCE.sub("", line).rstrip() for line in terminal("agent", "ls").lines]
        assert max(map(len, lines)) <= 80
        assert [task[:8] in line for task, line in zip((first, second), lines[1:], strict=True)] == [True, True]
        assert all("2026-01-01" in line for line in lines[1:])
    finally:
        registered.leave()


def test_workers_that_live_are_completed(store: Store) -> None:
    registered = workers.register(store, "gpu-1", ["default"], 1)
    try:
        assert offered("taskstore agent stop g") == ["gpu-1"]
    finally:
        registered.leave()
    assert offered("taskstore agent stop g") == []


def test_an_agent_in_the_background_is_told_to_end(
    cli: Cli, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("TASKSTORE_AGENT__WORK", str(tmp_path_factory.mktemp("agents") / "work"))
    result = cli("agent", "start", "--detach", "--name", "gpu-1")
    assert (result.code, result.out) == (0, "gpu-1\n")
    (seen,) = workers.listed(store)
    try:
        assert seen.is_alive
        assert cli("agent", "stop", "gpu-1").code == 0
        _wait_until(lambda: workers.listed(store) == [])
    finally:
        if workers.listed(store):
            os.kill(seen.record.pid, signal.SIGKILL)


def test_an_agent_whose_terminal_is_gone_works_on(workshop: Workshop, store: Store) -> None:
    made = [workshop.task(status=Status.CREATED) for _ in range(2)]
    for task in made:
        queue.enqueue(store, task.id, "default")
    reader, writer = os.pipe()
    os.close(reader)  # what is written there is an error, as with a terminal that was closed
    command = [sys.executable, "-m", "taskstore_cli", "agent", "start", "--once", "--in-place"]
    ended = subprocess.run(command, env={**os.environ, "TASKSTORE_ROOT": str(store.root)}, stderr=writer, check=False)
    os.close(writer)
    assert ended.returncode == 0
    assert [tasks.read(places.locate(store, task.id)).status for task in made] == [Status.FAILED] * 2
    assert tickets.of_queue(store, "default", claimed=True) == []


def test_a_queue_says_what_becomes_of_its_tasks(cli: Cli, store: Store) -> None:
    (facts,) = cli("queue", "set", "default", "--on-lost", "requeue", "--time-limit", "12h", "--json").objects
    assert (facts["on_lost"], facts["time_limit_s"]) == ("requeue", 43200)
    (facts,) = cli("queue", "set", "default", "--time-limit", "0", "--json").objects
    assert (facts["on_lost"], facts["time_limit_s"]) == ("requeue", None)
    assert cli("queue", "set", "default").code == 2
    assert cli("queue", "set", "default", "--on-lost", "retry").code == 2
    assert cli("queue", "set", "nightly", "--on-lost", "fail").code == 3
