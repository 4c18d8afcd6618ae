"""Ranks that a launcher starts side by side, each of which says Task.init: one task, whoever comes first or dies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.store import query

from .programs import Ended, Found, all_tasks, finish, start

_PROGRAM = """
    import os, sys, time
    rank = int(os.environ["RANK"])
    time.sleep(float(dict(pair.split("=") for pair in sys.argv[1:]).get(f"rank{rank}", 0)))
    from taskstore import Task
    task = Task.init("examples", f"run of rank {rank}")
    for i in range(20):
        task.get_logger().report_scalar("loss", f"rank {rank}", i, i)
    print("from rank", rank)
    if "die=1" in sys.argv and rank == 0:
        os.kill(os.getpid(), 9)
"""


def _ranks(
    tmp_path: Path, ranks: range, *arguments: str, wait_s: float = 30, launched_by: str = "torchrun"
) -> list[Ended]:
    root = tmp_path / "store"
    processes: list[subprocess.Popen[str]] = []
    for rank in ranks:
        env = {"RANK": str(rank), "WORLD_SIZE": "4", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
        env |= {"TASKSTORE_DISTRIBUTED__WAIT_S": str(wait_s)}
        env |= {"TORCHELASTIC_RUN_ID": "none"} if launched_by == "torchrun" else {}
        processes.append(start(tmp_path / f"work{rank}", _PROGRAM, *arguments, root=root, env=env))
    return [finish(process, root) for process in processes]


def _only(ended: list[Ended]) -> Found:
    found = all_tasks(ended[0])
    assert [item.record.name for item in found] == [found[0].record.name]
    return found[0]


def _points(*ranks: int) -> dict[tuple[str, str], list[float]]:
    return {("loss", f"rank {rank}"): [float(i) for i in range(20)] for rank in ranks}


@pytest.mark.parametrize("late", ["rank0=0", "rank0=1", "rank1=1"])
def test_all_ranks_report_into_the_task_of_rank_0_whoever_comes_first(late: str, tmp_path: Path) -> None:
    ended = _ranks(tmp_path, range(4), late)
    assert [item.code for item in ended] == [0] * 4, [item.stderr for item in ended]
    found = _only(ended)
    assert (found.record.name, found.record.status) == ("run of rank 0", Status.COMPLETED)
    assert found.points == _points(0, 1, 2, 3)
    listed = query.find(found.store, query.Query()).rows[0].last_metrics["loss"]
    assert set(listed) == {f"rank {rank}" for rank in range(4)}
    assert {f"from rank {rank}" for rank in range(4)} <= set(found.console)


def test_of_ranks_without_a_rank_0_one_begins_the_task(tmp_path: Path) -> None:
    ended = _ranks(tmp_path, range(1, 4), wait_s=0.3)
    assert [item.code for item in ended] == [0] * 3, [item.stderr for item in ended]
    assert _only(ended).points == _points(1, 2, 3)
    assert sum("rank 0 has not" in item.stderr for item in ended) == 1


@pytest.mark.parametrize("late", ["rank1=0", "rank1=1.5"])
def test_the_death_of_rank_0_keeps_nobody_waiting(late: str, tmp_path: Path) -> None:
    ended = _ranks(tmp_path, range(2), "die=1", late)
    assert [item.code for item in ended] == [-9, 0], [item.stderr for item in ended]
    found = _only(ended)
    assert found.record.status is Status.FAILED
    assert found.points == _points(0, 1)


def test_two_runs_after_each_other_with_one_port_are_two_tasks(tmp_path: Path) -> None:
    for count in (1, 2):
        ended = _ranks(tmp_path, range(2), launched_by="a shell")
        assert [item.code for item in ended] == [0, 0], [item.stderr for item in ended]
        found = all_tasks(ended[0])
        assert [item.points for item in found] == [_points(0, 1)] * count
