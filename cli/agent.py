"""`taskstore agent`: what takes tasks from queues and runs them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from . import context, offers, render

if TYPE_CHECKING:
    from taskstore.agent.container import Engine
    from taskstore.agent.options import Options
    from taskstore.store.store import Store
    from taskstore.store.workers import Seen

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def agent() -> None:
    """Start, list and stop agents: they take tasks from queues and run them.

    Example: taskstore agent start --queue default
    """


_Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue",
        metavar="NAME",
        help="A queue to take from, the first first.",
        autocompletion=offers.queue,
    ),
]
_Slots = Annotated[
    int, typer.Option("--slots", parser=context.number, metavar="N", help="How many tasks to run at once.")
]
_Gpus = Annotated[
    str,
    typer.Option("--gpus", metavar="A,B", help="GPUs: one for each slot, or 0+1,2+3 for two each."),
]
_Once = Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")]
_Detach = Annotated[bool, typer.Option("--detach", help="Go on in the background.")]
_Name = Annotated[str, typer.Option("--name", metavar="NAME", help="The worker's name.")]
_Image = Annotated[
    str,
    typer.Argument(metavar="[IMAGE]", help="With --docker: for tasks that ask for none.", show_default=False),
]
_Docker = Annotated[bool, typer.Option("--docker", help="Run each task in a container, of the image that it asks for.")]
_DockerCommand = Annotated[
    str, typer.Option("--docker-command", metavar="COMMAND", help="What runs containers, else docker or podman.")
]
_Env = Annotated[
    str,
    typer.Option(
        "--env",
        metavar="reuse|venv|inherit",
        parser=context.one_of("reuse", "venv", "inherit"),
        autocompletion=context.completing("reuse", "venv", "inherit"),
        help="Packages: this environment where it will do, always one of its own, or this one.",
    ),
]
_InPlace = Annotated[
    bool, typer.Option("--in-place", help="Run the code where it is, in this environment; rebuild nothing.")
]
_TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", parser=context.seconds, metavar="TIME", help="End a task that runs longer."),
]
_Grace = Annotated[
    float,
    typer.Option("--grace", parser=context.seconds, metavar="TIME", help="From SIGTERM to SIGKILL."),
]


@app.command()
def start(
    image: _Image = "",
    queues: _Queues = None,
    slots: _Slots = 1,
    gpus: _Gpus = "",
    once: _Once = False,
    detach: _Detach = False,
    name: _Name = "",
    docker: _Docker = False,
    docker_command: _DockerCommand = "",
    env: _Env = "reuse",
    in_place: _InPlace = False,
    time_limit: _TimeLimit = None,
    grace: _Grace = 10.0,
) -> None:
    """Take tasks from queues, and run each in a process of its own.

    Stopped by Ctrl-C or SIGTERM, it takes nothing more, and ends with the last
    task that runs; asked again, it puts those back into their queues.

    Example: taskstore agent start --queue default --slots 2
    """
    from taskstore.agent.environment import Mode
    from taskstore.agent.options import Options

    if (image or docker_command) and not docker:
        raise typer.BadParameter(f"{image or '--docker-command'} goes with --docker")
    sets = [part.replace("+", ",") for part in gpus.split(",")] if gpus else []
    if sets and slots == 1:
        slots = len(sets)
    options = Options(
        queues=tuple(dict.fromkeys(queues or ["default"])),
        slots=slots,
        gpus=tuple(sets),
        name=name,
        once=once,
        env=Mode(env),
        in_place=in_place,
        time_limit_s=time_limit,
        grace_s=grace,
        containers=_engine(docker_command, image) if docker else None,
    )
    if detach:
        _detach(options)
    else:
        _work(options)


def _engine(command: str, image: str) -> Engine:
    from taskstore.agent import container
    from taskstore.store import settings

    configured = settings.load(context.open_store()).agent
    return container.find(
        command or configured.container_command, image or configured.container_image, configured.container_arguments
    )


def _work(options: Options) -> None:
    from taskstore.agent.worker import Worker

    Worker(context.open_store(), options, tell=_tell).run()


def _tell(message: str) -> None:
    from datetime import datetime

    now = datetime.now().astimezone()
    try:
        context.say(f"{now:%H:%M:%S} {message}")
        sys.stderr.flush()
    except OSError:  # the terminal was closed, or the pipe's reader has gone: what runs is none the worse for that
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def _detach(options: Options) -> None:
    from taskstore.agent import detach

    started = detach.start(context.open_store(), options, ["agent", "start", *_arguments(options)])
    context.say(f"worker '{started.name}' is at work (process {started.pid}); what it says goes to {started.log}")
    render.line(started.name)


def _arguments(options: Options) -> list[str]:
    """Spell options as a command line does."""
    named: list[tuple[str, object]] = [("--queue", name) for name in options.queues]
    named += [("--slots", options.slots), ("--grace", options.grace_s), ("--name", options.name or None)]
    named += [("--time-limit", options.time_limit_s), ("--env", options.env.value)]
    named += [("--gpus", ",".join(part.replace(",", "+") for part in options.gpus) or None)]
    flags = [("--once", options.once), ("--in-place", options.in_place)]
    if options.containers is not None:
        named += [("--docker-command", options.containers.command)]
    flags += [("--docker", options.containers is not None)]
    spelled = [text for name, value in named if value is not None for text in (name, str(value))]
    spelled += [name for name, is_set in flags if is_set]
    return spelled + ([options.containers.image] if options.containers and options.containers.image else [])


@app.command("ls")
def list_workers(as_json: context.JsonOption = False) -> None:
    """List workers: what they take from, what they run, since when.

    Example: taskstore agent ls
    """
    from taskstore.store import workers

    store = context.open_store()
    found = workers.listed(store)
    if as_json:
        for seen in found:
            render.print_json(as_object(seen))
        return
    render.table(
        _rows(store, found),
        [
            "worker",
            render.Column("state", is_fixed=True),
            "host",
            "pid",
            "queues",
            render.Column("task", is_fixed=True, style="dim"),
            "slot",
            render.Column("since", is_fixed=True),
        ],
    )


def _rows(store: Store, found: list[Seen]) -> list[list[object]]:
    """Return a row for each task that a worker runs, and for each worker that runs none."""
    shown = context.shown_ids(store)
    rows = []
    for seen in found:
        record = seen.record
        state = record.state if seen.is_alive else "lost"
        head: list[object] = [record.id, state, record.host, record.pid, ", ".join(record.queues)]
        if not record.running:
            rows.append([*head, None, None, record.started])
        for number, each in enumerate(record.running):
            is_told = number and render.is_terminal()  # of one that it is the same worker; a program reads row by row
            rows.append([*([None] * len(head) if is_told else head), shown(each.task), each.slot, each.since])
    return rows


def as_object(seen: Seen) -> dict[str, object]:
    """Return a worker as `agent ls --json` prints it."""
    record = seen.record
    return {
        "id": record.id,
        "state": record.state if seen.is_alive else "lost",
        "host": record.host,
        "pid": record.pid,
        "who": record.who,
        "queues": record.queues,
        "slots": record.slots,
        "started": record.started,
        "running": [
            {"task": each.task, "queue": each.queue, "slot": each.slot, "since": each.since, "pid": each.pid}
            for each in record.running
        ],
    }


@app.command()
def stop(
    names: Annotated[
        list[str],
        typer.Argument(metavar="WORKER", help="Workers of this machine.", autocompletion=offers.worker),
    ],
    now: Annotated[bool, typer.Option("--now", help="Put what runs back into its queue.")] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Stop workers of this machine: they end with the last task that they run.

    Example: taskstore agent stop gpu-box
    """
    import signal

    from taskstore.store import workers

    store = context.open_store()
    for name in names:
        pid = workers.process_of(store, name)
        os.kill(pid, signal.SIGQUIT if now and hasattr(signal, "SIGQUIT") else signal.SIGTERM)
        if as_json:
            render.print_json({"id": name, "pid": pid, "now": now})
        else:
            context.say(f"worker '{name}' was asked to end")
