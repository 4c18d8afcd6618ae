"""`taskstore enqueue`: tasks that are to be run from a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, secrets, several
from .trust import TrustOption, is_given

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("enqueue")
def enqueue_tasks(
    tasks: context.TasksArgument,
    queue: Annotated[
        str,
        typer.Option(
            "--queue", metavar="NAME", help="The queue; default is always there.", autocompletion=offers.queue
        ),
    ] = "default",
    priority: Annotated[
        int,
        typer.Option("--priority", parser=context.number, metavar="N", help="The higher comes first: -1000 to 1000."),
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Reset completed tasks first: what they produced is deleted.")
    ] = False,
    trust: TrustOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Put tasks into a queue, and out of any other that they wait in.

    Drafts can be enqueued, and what was stopped or has failed. They are taken
    in the order of their priorities, and within one first in, first out.
    An agent runs them: `taskstore agent start`.

    Example: taskstore enqueue 01a2b3c4 --queue default --priority 10
    """
    from taskstore.queues import queue as queues

    def action(store: Store, paths: TaskPaths) -> None:
        enqueue(store, paths, queue, priority=priority, force=force, trust=trust)
        found = queues.position(store, paths.id)
        several.tell(
            store,
            paths,
            waits(queue),
            as_json=as_json,
            queue=queue,
            priority=priority,
            position=found[1] if found else None,
        )

    several.for_each(tasks, action)


def check(store: Store, queue: str) -> None:
    """Raise NotFound for a queue that is not there, before anything is made for it."""
    from taskstore.queues import queue as queues

    queues.find(store, queue)


def enqueue(
    store: Store, paths: TaskPaths, queue: str, *, priority: int = 0, force: bool = False, trust: bool = False
) -> None:
    """Put a task into a queue; of one that came from elsewhere a person is asked first."""
    from taskstore.run import remote

    is_trusted = is_given(store, paths, by_option=trust)
    remote.enqueue(store, paths.id, queue, priority=priority, force=force, is_trusted=is_trusted)
    secrets.tell_needed(paths)


def waits(queue: str) -> str:
    """Say where a task waits, and how it comes to run."""
    from taskstore.queues import queue as queues

    return f"waits in queue {queue}; `{queues.how_to_run(queue)}` runs what waits there"
