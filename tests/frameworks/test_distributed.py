"""Ranks of the real launchers report into one task: torchrun, Lightning's DDP, and torch's own multiprocessing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

import taskstore
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import TaskRecord
from taskstore.store import events, liveness, places, tasks
from taskstore.store.store import open_at

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gloo and forks")

_TIMEOUT_S = 240


@dataclass(frozen=True)
class Ran:
    """What a program has left: how it ended, and its tasks."""

    code: int
    output: str
    tasks: list[tuple[TaskPaths, TaskRecord]]

    @property
    def points(self) -> dict[tuple[str, str], list[float]]:
        """Values by series, of the one task; not those of the machine, which a slow one has more of."""
        assert [record.name for _, record in self.tasks] == ["ddp"], self.output
        found = events.read_scalars(self.tasks[0][0])
        return {(one.metric, one.variant): one.values for one in found if not one.metric.startswith(":monitor:")}


def _run(tmp_path: Path, text: str, *launcher: str, arguments: tuple[str, ...] = ()) -> Ran:
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(text))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
        "TASKSTORE_ROOT": str(tmp_path / "store"),
        "PYTHONPATH": str(Path(taskstore.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    done = subprocess.run(
        [sys.executable, *launcher, str(script), *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    store = open_at(tmp_path / "store")
    found = []
    for _, task_id in places.walk(store):
        paths = places.locate(store, task_id)
        found.append((paths, liveness.settle(store, paths, tasks.read(paths))))
    return Ran(done.returncode, done.stdout, found)


_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
_TRAIN = """
    import os, signal, sys
    import torch
    import torch.distributed as dist
    from taskstore import Task

    task = Task.init("examples", "ddp")
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    total = torch.tensor([rank + 1.0])
    dist.all_reduce(total)
    for step in range(100):
        task.get_logger().report_scalar("loss", f"rank {rank}", step * total.item(), step)
    print("from rank", rank, flush=True)
    dist.barrier()
    if "die" in sys.argv and rank == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.destroy_process_group()
"""
_BOTH = {("loss", f"rank {rank}"): [3.0 * step for step in range(100)] for rank in (0, 1)}


def test_ranks_of_torchrun_are_one_task(tmp_path: Path) -> None:
    ran = _run(tmp_path, _TRAIN, *_TORCHRUN)
    assert ran.code == 0, ran.output
    assert ran.points == _BOTH
    paths, record = ran.tasks[0]
    assert (record.status, record.runtime["rank"]) == (Status.COMPLETED, "0")
    assert {"from rank 0", "from rank 1"} <= {line.text for line in events.read_console(paths)}
    assert ran.output.count("created task") == 1


def test_two_runs_of_torchrun_are_two_tasks(tmp_path: Path) -> None:
    for count in (1, 2):
        ran = _run(tmp_path, _TRAIN, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29507")
        assert ran.code == 0, ran.output
        assert len(ran.tasks) == count


def test_the_death_of_rank_0_ends_the_run_and_keeps_the_points_of_all(tmp_path: Path) -> None:
    ran = _run(tmp_path, _TRAIN, *_TORCHRUN, arguments=("die",))
    assert ran.code != 0
    assert ran.points == _BOTH
    assert ran.tasks[0][1].status is Status.FAILED


def test_ranks_of_a_torchrun_that_is_run_as_a_task_are_that_task(tmp_path: Path) -> None:
    """What `taskstore run -m torch.distributed.run` starts: its ranks are children of the run."""
    launcher = ("-m", "taskstore.run.child", "--project=examples", "--name=ddp", "--")
    ran = _run(tmp_path, _TRAIN, *launcher, *_TORCHRUN)
    assert ran.code == 0, ran.output
    assert ran.points == _BOTH
    assert ran.tasks[0][1].status is Status.COMPLETED


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_workers_of_torchs_multiprocessing_are_one_task(method: str, tmp_path: Path) -> None:
    text = """
        import sys
        import torch
        import torch.distributed as dist
        import torch.multiprocessing as mp
        from taskstore import Task

        def train(rank, port):
            dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
            total = torch.tensor([rank + 1.0])
            dist.all_reduce(total)
            logger = Task.current_task().get_logger()
            for step in range(100):
                logger.report_scalar("loss", f"rank {rank}", step * total.item(), step)
            dist.barrier()
            dist.destroy_process_group()

        if __name__ == "__main__":
            import socket
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            Task.init("examples", "ddp")
            mp.start_processes(train, args=(port,), nprocs=2, start_method=sys.argv[1])
    """
    ran = _run(tmp_path, text, arguments=(method,))
    assert ran.code == 0, ran.output
    assert ran.points == _BOTH
    assert ran.tasks[0][1].status is Status.COMPLETED


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_ranks_of_lightning_are_one_task(strategy: str, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    text = """
        import logging, sys, warnings
        warnings.filterwarnings("ignore")
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        import lightning as L
        from taskstore import Task

        class Model(L.LightningModule):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(1, 1)

            def training_step(self, batch, index):
                (values,) = batch
                logger = Task.current_task().get_logger()
                logger.report_scalar("loss", f"rank {self.global_rank}", float(index), index)
                return self.layer(values).sum()

            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters(), lr=0.01)

        if __name__ == "__main__":
            Task.init("examples", "ddp")
            trainer = L.Trainer(
                accelerator="cpu", devices=2, strategy=sys.argv[1], max_epochs=1, logger=False,
                enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            )
            trainer.fit(Model(), DataLoader(TensorDataset(torch.zeros(16, 1)), batch_size=2))
    """
    ran = _run(tmp_path, text, arguments=(strategy,))
    assert ran.code == 0, ran.output
    assert ran.points == {("loss", f"rank {rank}"): [0.0, 1.0, 2.0, 3.0] for rank in (0, 1)}
    assert ran.tasks[0][1].status is Status.COMPLETED
