"""Running one program on several nodes: `task.nodes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .core.errors import Refused
from .run import nodes

if TYPE_CHECKING:
    from .run.session import Session


class Nodes:
    """The nodes that run a task's program together."""

    def __init__(self, task_id: str, session: Session | None) -> None:
        self._task_id = task_id
        self._session = session

    def launch(
        self,
        total_num_nodes: int,
        port: int = 29500,
        queue: str | None = None,
        *,
        wait: bool = False,
        addr: str | None = None,
        devices: int | Sequence[int] | None = None,
        hide_children: bool = False,
    ) -> dict[str, Any]:
        """Run this program on several nodes, of which this process is one; before torch's `init_process_group`.

        Where an agent runs the task it is the master, of rank 0: clones of it are enqueued for the other nodes, in
        `queue` or its own, and with `wait` this returns when all have begun. In such a clone it is that node. Then
        MASTER_ADDR, MASTER_PORT, WORLD_SIZE, RANK and NODE_RANK are set. Run by hand the program is alone: nothing is
        enqueued or set. Where a node fails or is aborted, all others end; those that wait do so with the master.

        The master is at `addr` (MASTER_ADDR, else this machine's own address) and `port` (MASTER_PORT; 0 is any that is
        free). With `devices` (how many, which, or -1 for all) a node counts for as many ranks. Returned are
        master_addr, master_port, total_num_nodes, queue, node_rank, wait and devices; total_num_nodes and queue are
        parameters, in section launch_multi_node. A node that finds its master ended is stopped, and so is the process.
        Raises BadValue, NotFound for a queue that is not there, Refused where this is not this process's open task, or
        with `wait` a node is gone.
        """
        session = self._session
        if session is None or not session.is_open:
            raise Refused(f"task {self._task_id[:12]} is not this process's open task; Task.init begins one")
        return nodes.launch(session, nodes.Wanted(total_num_nodes, port, queue, wait, addr, devices, hide_children))
