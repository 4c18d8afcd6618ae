"""torch.distributed over nodes that agents run: gloo finds its peers by what each node is told."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.run import remote
from taskstore.store import events, places, tasks
from taskstore.store.store import Store, open_at

from ..agent.agents import Agents, Ran, draft_of
from ..run.programs import run
from .command_lines import REPOSITORY

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gloo")

_WAIT_S = 180.0
TEXT = """
    import os
    TASK
    conf = task.nodes.launch(3, port=0)
    if "WORLD_SIZE" in os.environ:
        import torch, torch.distributed as dist
        dist.init_process_group("gloo")
        rank = dist.get_rank()
        found = torch.tensor([float(rank + 1)])
        dist.all_reduce(found)
        task.get_logger().report_scalar("sum", "all", found.item(), 0)
        if FAILS:
            if rank == 2:
                raise ValueError("node 2 is broken")
            while True:
                dist.barrier()
        dist.barrier()
        dist.destroy_process_group()
"""


def _ran(tmp_path: Path, *, fails: bool) -> list[Ran]:
    """Run the program by three agents; return the master and its nodes, by rank."""
    first = run(tmp_path / "work", TEXT.replace("FAILS", str(fails)))
    assert first.code == 0, first.stderr
    store, master = open_at(first.root), draft_of(first)
    with Agents(store, 3):
        remote.enqueue(store, master.id)
        deadline = time.monotonic() + _WAIT_S
        while not _have_ended(store, master.id) and time.monotonic() < deadline:
            time.sleep(0.2)
    return _members(store, master.id)


def _members(store: Store, master: str) -> list[Ran]:
    found = [Ran(places.locate(store, task_id), []) for _, task_id in places.walk(store)]
    nodes = [one for one in found if one.record.parent == master]
    return [Ran(places.locate(store, master), []), *sorted(nodes, key=lambda one: one.record.name)]


def _have_ended(store: Store, master: str) -> bool:
    waiting = (Status.CREATED, Status.QUEUED, Status.IN_PROGRESS)
    if tasks.read(places.locate(store, master)).status in waiting:
        return False
    return all(one.record.status not in waiting for one in _members(store, master))


@pytest.fixture(autouse=True)
def _over_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_three_nodes_reduce_over_gloo(tmp_path: Path) -> None:
    members = _ran(tmp_path, fails=False)
    assert [one.record.status for one in members] == [Status.COMPLETED] * 3, [one.console for one in members]
    for one in members:
        sums = [series.values for series in events.read_scalars(one.paths) if series.metric == "sum"]
        assert sums == [[6.0]]


def test_where_one_fails_in_the_middle_none_is_left_in_a_barrier(tmp_path: Path) -> None:
    members = _ran(tmp_path, fails=True)
    assert members[2].record.status is Status.FAILED
    assert "node 2 is broken" in members[2].record.status_reason
    assert {one.record.status for one in members[:2]} <= {Status.FAILED, Status.STOPPED}
