"""`taskstore sweep`: many trials of one task, and how they came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, render, secrets
from . import trials as tabled
from .trust import TrustOption, is_given

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.store.store import Store
    from taskstore.sweeps.sweep import Goal

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_Grid = Annotated[
    list[str],
    typer.Option(
        "--grid",
        metavar="NAME=A,B,C",
        help="Every combination of these; 1..5 is 1,2,3,4,5.",
        autocompletion=offers.assignment,
    ),
]
_Drawn = Annotated[
    list[str],
    typer.Option(
        "--random",
        metavar="NAME=LOW..HIGH",
        help="Drawn for each trial; LOW..HIGH:log, or A,B,C, too.",
        autocompletion=offers.assignment,
    ),
]
_Trials = Annotated[
    int | None,
    typer.Option("--trials", parser=context.number, metavar="N", help="How many; a grid alone has its own."),
]
_Sampler = Annotated[
    str,
    typer.Option(
        "--sampler",
        metavar="random|tpe",
        parser=context.one_of("random", "tpe"),
        autocompletion=context.completing("random", "tpe"),
        help="tpe learns from trials that have ended; it needs Optuna.",
    ),
]
_Metric = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="TITLE/SERIES:min|max",
        help="What the trials are compared by.",
        autocompletion=offers.goal,
    ),
]
_Seed = Annotated[
    int | None, typer.Option("--seed", parser=context.number, metavar="N", help="Draw as another sweep did.")
]
_Queue = Annotated[str, typer.Option("--queue", metavar="NAME", help="Where they wait.", autocompletion=offers.queue)]
_Priority = Annotated[int, typer.Option("--priority", parser=context.number, metavar="N", help="-1000 to 1000.")]
_Parallel = Annotated[
    int, typer.Option("--parallel", parser=context.number, metavar="N", help="With tpe: how many at once.")
]
_Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The sweep's name.")]


@app.command()
def sweep(
    task: context.TaskArgument,
    grid: _Grid = [],  # noqa: B006 - typer reads it and copies
    drawn: _Drawn = [],  # noqa: B006 - typer reads it and copies
    trials: _Trials = None,
    sampler: _Sampler = "random",
    metric: _Metric = None,
    seed: _Seed = None,
    queue: _Queue = "default",
    priority: _Priority = 0,
    parallel: _Parallel = 4,
    name: _Name = None,
    trust: TrustOption = False,
    as_json: context.JsonOption = False,
) -> None:
    """Try a task with many values of its parameters; or show what a sweep has found.

    Each trial is a clone that waits in the queue; agents run them. The sweep is
    a task too, and the parent of its trials: given as TASK, without --grid and
    --random, it is shown, the best trial first.

    Example: taskstore sweep @last --grid Args/lr=0.1,0.01 --metric loss/train:min
    """
    from taskstore.sweeps import sweep as sweeps

    goal = sweeps.goal_of(metric) if metric is not None else None
    store = context.open_store()
    paths = context.resolve(store, task)
    if not grid and not drawn and sweeps.is_sweep(store, paths):
        _show(store, paths, goal, as_json=as_json)
        return
    wanted = sweeps.Wanted(
        grid=grid,
        random=drawn,
        trials=trials,
        sampler=sampler,
        goal=goal,
        seed=seed,
        queue=queue,
        priority=priority,
        parallel=parallel,
        name=name,
        is_trusted=is_given(store, paths, by_option=trust),
    )
    secrets.tell_needed(paths)
    made = sweeps.start(store, paths, wanted, tell=context.say)
    if sampler == "tpe":
        _show(store, context.resolve(store, made), goal, as_json=as_json)
    else:
        _tell_start(store, made, queue, as_json=as_json)


def _tell_start(store: Store, sweep_id: str, queue: str, *, as_json: bool) -> None:
    from taskstore.queues import queue as queues
    from taskstore.sweeps import sweep as sweeps

    _, found = sweeps.results(store, context.resolve(store, sweep_id))
    if as_json:
        render.print_json({"id": sweep_id, "queue": queue, "trials": [trial.id for trial in found]})
        return
    typer.echo(sweep_id)
    context.say(
        f"sweep {sweep_id[:12]}: {render.count(len(found), 'trial')} in queue {queue}; "
        f"`{queues.how_to_run(queue)}` runs them, `taskstore sweep {sweep_id[:12]}` shows them"
    )


def _show(store: Store, paths: TaskPaths, goal: Goal | None, *, as_json: bool) -> None:
    from taskstore.sweeps import sweep as sweeps

    goal, trials = sweeps.results(store, paths, goal)
    if as_json:
        for rank, trial in enumerate(trials, 1):
            render.print_json(tabled.as_object(rank, trial, goal))
        return
    render.table(*tabled.table(store, trials, goal))
    if not trials:
        context.say("it has no trials")
