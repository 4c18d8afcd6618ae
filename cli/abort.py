"""`taskstore abort`: the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, several

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def abort(
    tasks: context.TasksArgument,
    grace: Annotated[
        float,
        typer.Option(
            "--grace", parser=context.seconds, metavar="SECONDS", help="How long it may take to end by itself."
        ),
    ] = 10.0,
    as_json: context.JsonOption = False,
) -> None:
    """End running tasks: SIGTERM, and SIGKILL to what has not ended in time.

    A program that has an abort callback finishes that first. A task that waits
    in a queue is taken out of it. One on another machine is asked to end
    itself, and its agent, where it has one, makes it.

    Example: taskstore abort @last --grace 60
    """
    from taskstore.core.states import Status
    from taskstore.run import abort as aborting

    def action(store: Store, paths: TaskPaths) -> None:
        done = aborting.abort(store, paths.id, grace_s=grace)
        status = done.record.status
        what = "aborted" if status is Status.STOPPED else f"ended by itself: {status.label.lower()}"
        if done.is_killed:
            what = f"killed, because it had not ended {grace:g} s after SIGTERM"
        several.tell(store, paths, what, as_json=as_json, is_killed=done.is_killed)

    several.for_each(tasks, action)
