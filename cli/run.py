"""`taskstore run`: a draft's recorded command, or any script as a new task."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from . import context, offers, render
from .trust import TrustOption, is_given

if TYPE_CHECKING:
    from taskstore.disk.layout import TaskPaths
    from taskstore.run.launch import Plan
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(context_settings={"allow_interspersed_args": False})
def run(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TASK|SCRIPT",
            help="A draft, or a Python file; what is both is the file.",
            autocompletion=offers.task,
            show_default=False,
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARG", help="The script's own arguments; options of ours come before SCRIPT."),
    ] = None,
    is_module: Annotated[bool, typer.Option("-m", help="SCRIPT is a module's name, as for `python -m`.")] = False,
    project: context.ProjectOption = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The new task's name.")] = None,
    as_clearml: Annotated[
        bool, typer.Option("--as-clearml", help="Let `import clearml` give taskstore, in this program only.")
    ] = False,
    trust: TrustOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and where.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: one JSON object.")] = False,
) -> None:
    """Run a script as a task, or a draft's recorded command; the exit code is the program's.

    The script need not know of taskstore. A draft runs where it was recorded, in the present environment, and its
    stored parameters replace those of the recorded command line.

    Example: taskstore run --project examples train.py --epochs 3
    """
    from taskstore.core.names import check_name
    from taskstore.run import launch
    from taskstore.store import projects

    if as_json and not dry_run:
        raise typer.BadParameter("--json goes with --dry-run: otherwise stdout is the program's own")
    if not is_module and not _is_script(target):
        if arguments or project or name or as_clearml:
            raise typer.BadParameter(
                f"{target!r} is no file, and a task runs as it was recorded, without more arguments; "
                "`taskstore clone TASK --set Args/lr=0.1 --run` changes parameters, and --dry-run comes before TASK"
            )
        store = context.open_store()
        paths = context.resolve(store, target)
        if not dry_run:
            run_and_leave(store, paths, trust=trust)
        _show(launch.plan(store, paths), as_json=as_json)
        return
    if name is not None:
        check_name("task", name)
    store = context.open_store()
    if project is not None:
        projects.parts_of(store, project)
    planned = launch.script_plan(target, arguments or (), is_module=is_module, as_clearml=as_clearml)
    if not dry_run:
        _leave(launch.run_script(store, planned, project=project, name=name))
    _show(planned, as_json=as_json)


def _is_script(target: str) -> bool:
    """Tell what names a file: one that is there, or one that by its ending should be."""
    # Not Path.is_file, which may raise for what is too long for a file's name, and yet is a task's.
    return os.path.isfile(target) or target.endswith((".py", ".pyw"))  # noqa: PTH113 - as said


def run_and_leave(store: Store, paths: TaskPaths, *, trust: bool = False) -> NoReturn:
    """Run a draft, and leave with its exit code."""
    from taskstore.run import launch

    planned = launch.plan(store, paths)
    for note in planned.notes:
        context.say(render.safe(note))
    is_trusted = is_given(store, paths, by_option=trust)
    _leave(launch.run_task(store, paths.id, planned, is_trusted=is_trusted))


def _leave(code: int) -> NoReturn:
    """Leave with the program's exit code; where Ctrl-C has ended it, in the way that stops a shell's loop too."""
    if os.name == "posix" and code == 128 + signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    raise typer.Exit(code)


def _show(planned: Plan, *, as_json: bool) -> None:
    if as_json:
        command = ["python", *planned.arguments]
        render.print_json({"command": command, "cwd": str(planned.cwd), "notes": list(planned.notes)})
        return
    for note in planned.notes:
        context.say(render.safe(note))
    import shlex

    render.line(render.safe(f"cd {shlex.quote(str(planned.cwd))} && {planned.shown()}"))
