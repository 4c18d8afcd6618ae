"""One program on several nodes: agents of this machine run them, and they meet by what each is told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.core.errors import BadValue
from taskstore.core.states import Status
from taskstore.disk.beacon import is_alive
from taskstore.run import abort, remote
from taskstore.schema.record import TaskRecord
from taskstore.store import events, places, tasks
from taskstore.store.store import Store, open_at

from ..run.programs import Ended, all_tasks, run
from .agents import WAIT_S, Agents, Ran, draft_of, work

pytestmark = pytest.mark.usefixtures("found_by_children")

MEET = """
    import json, os, socket, sys, time
    TASK
    conf = task.nodes.launch(3, port=0{more})
    rank, size = int(os.environ.get("RANK", "-1")), int(os.environ.get("WORLD_SIZE", "0"))
    print(json.dumps({"conf": conf, "env": {name: os.environ.get(name) for name in (
        "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK", "NODE_RANK")}}))
    address = (os.environ.get("MASTER_ADDR"), int(os.environ.get("MASTER_PORT", "0")))
    if rank == 0:
        with socket.create_server(("", address[1])) as server:
            heard = []
            for _ in range(size - 1):
                with server.accept()[0] as peer:
                    heard.append(int(peer.makefile().readline()))
        task.get_logger().report_scalar("sum", "of ranks", sum(heard), 0)
    elif rank > 0:
        for _ in range(600):
            try:
                peer = socket.create_connection(address, 5)
            except OSError:
                time.sleep(0.1)
            else:
                break
        with peer:
            peer.sendall(b"%d\\n" % rank)
"""
HANG = """
    import json, os, sys, time
    TASK
    conf = task.nodes.launch(3, port=0{more})
    print(json.dumps({"rank": conf["node_rank"]}), flush=True)
    if conf["node_rank"] == 2 and FAILS:
        raise ValueError("node 2 is broken")
    while True:
        time.sleep(0.05)
"""


def _first(tmp_path: Path, text: str = MEET, more: str = "", *, fails: bool = False) -> Ended:
    alone = text.replace("{more}", more).replace("FAILS", str(fails))
    if text is HANG:
        alone = alone.replace("while True:", "while os.environ.get('RANK'):")
    ended = run(tmp_path / "work", alone)
    assert ended.code == 0, ended.stderr
    return ended


def _members(store: Store, master: str) -> list[Ran]:
    """Return the master and its nodes, by rank."""
    found = [Ran(places.locate(store, task_id), []) for _, task_id in places.walk(store)]
    nodes = [ran for ran in found if ran.record.parent == master and "multi_node_instance" in ran.record.system_tags]
    nodes.sort(key=lambda ran: ran.stored()["launch_multi_node/node_rank"])
    return [Ran(places.locate(store, master), []), *nodes]


def _wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.05)


def _has_ended(record: TaskRecord) -> bool:
    return record.status not in (Status.CREATED, Status.QUEUED, Status.IN_PROGRESS)


def test_by_hand_the_program_is_alone_and_nothing_is_enqueued_or_set(tmp_path: Path) -> None:
    ended = _first(tmp_path)
    assert len(all_tasks(ended)) == 1
    printed = Ran(places.locate(open_at(ended.root), all_tasks(ended)[0].record.id), []).printed
    assert set(printed["env"].values()) == {None}
    assert (printed["conf"]["node_rank"], printed["conf"]["total_num_nodes"]) == (0, 3)


@pytest.mark.parametrize("more", ["", ", wait=True"])
def test_three_agents_run_three_nodes_that_find_one_another(tmp_path: Path, more: str) -> None:
    ended = _first(tmp_path, more=more)
    store, master = open_at(ended.root), draft_of(ended)
    with Agents(store, 3) as agents:
        remote.enqueue(store, master.id)
        _wait_until(lambda: _has_ended(tasks.read(master)))
        _wait_until(lambda: all(_has_ended(ran.record) for ran in _members(store, master.id)))
    members = _members(store, master.id)
    assert [ran.record.status for ran in members] == [Status.COMPLETED] * 3, (agents.said, members[0].console)
    port = members[0].printed["conf"]["master_port"]
    assert port > 0
    for rank, ran in enumerate(members):
        printed = ran.printed
        assert (printed["conf"]["node_rank"], printed["conf"]["queue"]) == (rank, "default")
        assert printed["conf"]["wait"] is bool(more)
        assert printed["env"] == {
            "MASTER_ADDR": members[0].printed["conf"]["master_addr"],
            "MASTER_PORT": str(port),
            "WORLD_SIZE": "3",
            "RANK": str(rank),
            "NODE_RANK": str(rank),
        }
    assert len({ran.record.last_worker for ran in members}) == 3
    assert [ran.record.name for ran in members] == ["again", "again node 1", "again node 2"]
    sums = [series.values for series in events.read_scalars(members[0].paths) if series.metric == "sum"]
    assert sums == [[3.0]]


def test_how_many_and_which_queue_can_be_changed_in_the_draft(tmp_path: Path) -> None:
    ended = _first(tmp_path)
    store = open_at(ended.root)
    master = draft_of(ended, {"launch_multi_node/total_num_nodes": "2", "launch_multi_node/queue": "default"})
    with Agents(store, 2):
        remote.enqueue(store, master.id)
        _wait_until(lambda: all(_has_ended(ran.record) for ran in _members(store, master.id)))
    members = _members(store, master.id)
    assert [ran.record.status for ran in members] == [Status.COMPLETED] * 2
    assert members[1].printed["env"]["WORLD_SIZE"] == "2"


def test_where_a_node_fails_the_master_fails_and_the_others_end(tmp_path: Path) -> None:
    ended = _first(tmp_path, HANG, fails=True)
    store, master = open_at(ended.root), draft_of(ended)
    with Agents(store, 3):
        remote.enqueue(store, master.id)
        _wait_until(lambda: all(_has_ended(ran.record) for ran in _members(store, master.id)))
        members = _members(store, master.id)
    assert [ran.record.status for ran in members] == [Status.FAILED, Status.STOPPED, Status.FAILED]
    assert "node 2 (task" in members[0].record.status_reason
    assert "ValueError" in members[0].record.status_reason
    assert "node 2 (task" in members[1].record.status_message
    assert any("node 2 (task" in line and "so this run ends" in line for line in members[0].console)


STUBBORN = """
    import json, os, signal, time
    TASK
    conf = task.nodes.launch(2, port=0)
    if conf["node_rank"] == 1:
        raise ValueError("node 1 is broken")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.environ.get("RANK"):
        time.sleep(0.05)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM")
def test_a_master_that_hangs_is_killed_and_its_record_says_which_node_failed(tmp_path: Path) -> None:
    ended = run(tmp_path / "work", STUBBORN)
    store, master = open_at(ended.root), draft_of(ended)
    with Agents(store, 2, grace_s=0.5):
        remote.enqueue(store, master.id)
        _wait_until(lambda: not is_alive(master.beacon, store.locks) and _has_ended(tasks.read(master)))
    record = tasks.read(master)
    assert (record.status, record.status_reason.partition(" (task")[0]) == (Status.FAILED, "node 1")


def test_where_the_master_is_aborted_every_node_ends_whether_it_runs_or_waits(tmp_path: Path) -> None:
    ended = _first(tmp_path, HANG)
    store, master = open_at(ended.root), draft_of(ended)
    with Agents(store, 2):
        remote.enqueue(store, master.id)
        _wait_until(lambda: len(_members(store, master.id)) == 3)
        _wait_until(
            lambda: (
                [ran.record.status for ran in _members(store, master.id)].count(Status.IN_PROGRESS) == 2
                and all(ran.console for ran in _members(store, master.id)[:2])
            )
        )
        abort.abort(store, master.id)
        _wait_until(lambda: all(_has_ended(ran.record) for ran in _members(store, master.id)))
        members = _members(store, master.id)
    assert [ran.record.status for ran in members] == [Status.STOPPED] * 3, [
        (ran.record.history, ran.console) for ran in members
    ]
    assert "master" in members[1].record.status_message
    assert [line for line in members[2].console if line.startswith("{")] == []


def test_a_node_whose_master_has_ended_says_so_and_runs_nothing(tmp_path: Path) -> None:
    ended = _first(tmp_path)
    store = open_at(ended.root)
    master = draft_of(ended, {"launch_multi_node/total_num_nodes": "2"})
    with Agents(store, 2):
        remote.enqueue(store, master.id)
        _wait_until(lambda: all(_has_ended(ran.record) for ran in _members(store, master.id)))
    node = _members(store, master.id)[1].paths
    remote.enqueue(store, node.id, force=True)
    work(store)
    record = tasks.read(node)
    assert (record.status, record.status_reason) == (Status.STOPPED, "its master has ended")
    console = Ran(node, []).console
    assert [line for line in console if line.startswith("{")] == []
    assert any(
        f"node 1 of task {master.id[:12]}, which is Completed (completed): it is not run" in line for line in console
    )


def test_what_cannot_be_is_refused_before_anything_is_enqueued(tmp_path: Path) -> None:
    from taskstore.run import nodes

    for wanted in (nodes.Wanted(0), nodes.Wanted(2, port=70000), nodes.Wanted(2, devices=0)):
        with pytest.raises(BadValue):
            nodes.launch(None, wanted)  # type: ignore[arg-type]  # it does not come to that
