"""`taskstore queue`: queues, and the order within them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, render, several

if TYPE_CHECKING:
    from taskstore.queues.queue import Entry

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def queue() -> None:
    """List, show, create, rename, delete, empty or reorder queues.

    Example: taskstore queue show default
    """


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="QUEUE", help="Its name, of 3 characters or more.")],
    as_json: context.JsonOption = False,
) -> None:
    """Make a queue.

    Example: taskstore queue create gpu
    """
    from taskstore.queues import queue as queues

    made = queues.create(context.open_store(), name)
    _tell(made, "created", as_json=as_json)


@app.command("set")
def set_policy(
    name: context.QueueArgument,
    on_lost: Annotated[
        str | None,
        typer.Option(
            "--on-lost",
            metavar="fail|requeue",
            parser=context.one_of("fail", "requeue"),
            autocompletion=context.completing("fail", "requeue"),
            help="What becomes of a task that is lost with its worker.",
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", parser=context.seconds, metavar="TIME", help="How long its tasks may run; 0: no end."
        ),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Set what agents do with a queue's tasks.

    A task whose worker is killed and that dies with it has failed, or with
    --on-lost requeue is reset and put back, three times at most. One that runs
    longer than the limit has failed.

    Example: taskstore queue set gpu --on-lost requeue --time-limit 12h
    """
    from taskstore.queues import policy
    from taskstore.schema.queue import OnLost

    if on_lost is None and time_limit is None:
        raise typer.BadParameter("give --on-lost, --time-limit, or both")
    record = policy.change(
        context.open_store(), name, on_lost=OnLost(on_lost) if on_lost else None, time_limit_s=time_limit
    )
    limit = f"{record.time_limit_s:g} s" if record.time_limit_s else "none"
    _tell(
        name,
        f"on lost {record.on_lost.value}, time limit {limit}",
        as_json=as_json,
        on_lost=record.on_lost.value,
        time_limit_s=record.time_limit_s,
    )


@app.command("ls")
def list_queues(as_json: context.JsonOption = False) -> None:
    """List queues: how many tasks wait in each, and how many a worker has taken.

    The last column counts tickets whose task does not wait any more. They are
    dropped as their turn comes.

    Example: taskstore queue ls
    """
    from taskstore.queues import queue as queues

    counts = queues.listed(context.open_store())
    if as_json:
        for each in counts:
            render.print_json(
                {"name": each.name, "waiting": each.waiting, "claimed": each.claimed, "stale": each.stale}
            )
    else:
        rows = ((each.name, each.waiting, each.claimed, each.stale) for each in counts)
        render.table(rows, ["queue", "waiting", "claimed", "stale"])


@app.command()
def show(name: context.QueueArgument = "default", as_json: context.JsonOption = False) -> None:
    """Show what waits in a queue, in the order in which it is taken, and what workers have taken.

    A ticket whose task does not wait any more has no position, and the reason
    is told.

    Example: taskstore queue show default
    """
    from taskstore.queues import queue as queues

    store = context.open_store()
    entries = queues.show(store, name)
    claimed = queues.show_claimed(store, name)
    if as_json:
        for entry in entries:
            render.print_json(_as_object(entry))
        for ticket, record in claimed:
            render.print_json(
                {
                    "id": ticket.task_id,
                    "priority": ticket.place.priority,
                    "state": "claimed",
                    "worker": record.worker,
                    "claimed": record.claimed,
                }
            )
        return
    rows: list[list[object]] = [
        [
            entry.position or None,
            entry.ticket.task_id,
            entry.project or None,
            entry.task.name if entry.task else None,
            entry.ticket.place.priority,
            entry.problem or "waiting",
        ]
        for entry in entries
    ]
    rows += [
        [None, ticket.task_id, None, None, ticket.place.priority, f"taken by {record.worker or 'a worker'}"]
        for ticket, record in claimed
    ]
    fixed = [render.Column("position"), render.Column("id", is_fixed=True)]
    render.table(rows, [*fixed, "project", "name", "priority", "state"])
    if not rows:
        context.say(f"the queue '{name}' is empty")


def _as_object(entry: Entry) -> dict[str, object]:
    return {
        "position": entry.position or None,
        "id": entry.ticket.task_id,
        "project": entry.project or None,
        "name": entry.task.name if entry.task else None,
        "priority": entry.ticket.place.priority,
        "state": "waiting" if entry.problem is None else "stale",
        "problem": entry.problem,
    }


@app.command()
def rename(
    name: context.QueueArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name, of 3 characters or more.")],
    as_json: context.JsonOption = False,
) -> None:
    """Rename a queue; each task that waits in it keeps its place.

    A task may come or be taken meanwhile. Interrupted, it is ended by doing it
    again.

    Example: taskstore queue rename gpu gpu-a100
    """
    from taskstore.queues import rename as renaming

    count = renaming.rename(context.open_store(), name, new_name)
    told = f"renamed to {render.safe(new_name)}; {render.count(count, 'task')} moved with it"
    _tell(name, told, as_json=as_json, renamed_to=new_name.strip(), moved=count)


@app.command()
def delete(
    name: context.QueueArgument,
    force: Annotated[bool, typer.Option("--force", help="Take its tasks out of it first.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Delete a queue that is empty.

    Example: taskstore queue delete gpu
    """
    from taskstore.queues import queue as queues

    count = queues.delete(context.open_store(), name, force=force)
    _tell(name, f"deleted; {render.count(count, 'task')} taken out of it", as_json=as_json, dequeued=count)


@app.command()
def purge(name: context.QueueArgument, as_json: context.JsonOption = False) -> None:
    """Take every task out of a queue; each has the status that it had before.

    Example: taskstore queue purge default
    """
    from taskstore.queues import queue as queues

    count = queues.purge(context.open_store(), name)
    _tell(name, f"{render.count(count, 'task')} taken out of it", as_json=as_json, dequeued=count)


@app.command()
def move(
    task: context.TaskArgument,
    front: Annotated[bool, typer.Option("--front", help="To the first position.")] = False,
    back: Annotated[bool, typer.Option("--back", help="To the last position.")] = False,
    to: Annotated[
        int | None, typer.Option("--to", parser=context.number, metavar="N", help="To that position, counted from 1.")
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            "--priority", parser=context.number, metavar="N", help="Among those of that priority, by when it came."
        ),
    ] = None,
    as_json: context.JsonOption = False,
) -> None:
    """Give a waiting task another position in its queue, or another priority.

    At a new position its priority becomes that of its neighbours there, as far
    as it must.

    Example: taskstore queue move 01a2b3c4 --front
    """
    from taskstore.queues import queue as queues

    if front + back + (to is not None) + (priority is not None) != 1:
        raise typer.BadParameter("give one of --front, --back, --to N and --priority N")
    store = context.open_store()
    paths = context.resolve(store, task)
    if priority is not None:
        entry = queues.set_priority(store, paths.id, priority)
    else:
        entry = queues.move(store, paths.id, 1 if front else -1 if back else to or 0)
    told = f"position {entry.position} in queue {entry.ticket.queue}, priority {entry.ticket.place.priority}"
    several.tell(
        store,
        paths,
        told,
        as_json=as_json,
        queue=entry.ticket.queue,
        position=entry.position,
        priority=entry.ticket.place.priority,
    )


def _tell(name: str, what: str, *, as_json: bool, **more: object) -> None:
    if as_json:
        render.print_json({"name": name, **more})
    else:
        context.say(f"queue {render.safe(name)}: {what}")
