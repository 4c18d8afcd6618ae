"""`taskstore run`: a draft's recorded command, or any script as a new task."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from . import context, offers, render, secrets
from .trust import TrustOption, is_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskstore.disk.layout import TaskPaths
    from taskstore.run.given import Secret
    from taskstore.run.launch import Plan
    from taskstore.store.store import Store

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_Target = Annotated[
    str,
    typer.Argument(
        metavar="TASK|SCRIPT",
        help="A draft, or a Python file; what is both is the file.",
        autocompletion=offers.task,
        show_default=False,
    ),
]
_Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="ARG", help="The script's own arguments; options of ours come before SCRIPT."),
]
_IsModule = Annotated[bool, typer.Option("-m", help="SCRIPT is a module's name, as for `python -m`.")]
_Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The new task's name.")]
_AsClearml = Annotated[
    bool, typer.Option("--as-clearml", help="Let `import clearml` give taskstore, in this program only.")
]
_Env = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="reuse|venv|inherit",
        parser=context.one_of("reuse", "venv", "inherit"),
        autocompletion=context.completing("reuse", "venv", "inherit"),
        help="Of a TASK: rebuild its code, and run it with such packages.",
    ),
]
_InPlace = Annotated[bool, typer.Option("--in-place", help="Of a TASK: run the code that is here.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and where.")]
_AsJson = Annotated[bool, typer.Option("--json", help="With --dry-run: one JSON object.")]


_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""Click's, wherever this version of typer has it."""


class _OptionsBehindTask(TyperCommand):
    """A command whose options may stand behind a task too; what stands behind a script is the script's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own types differ by version
        """Parse as ever; behind a task what is no option of ours is left to be refused as an argument."""
        given = list(args)
        before, _, _ = self.make_parser(ctx).parse_args(list(args))
        target = before.get("target")
        if isinstance(target, str) and not before.get("is_module") and not _is_script(target):
            ctx.allow_interspersed_args = True
            try:
                self.make_parser(ctx).parse_args(list(args))
            except _UsageError:
                ctx.allow_interspersed_args = False
        return list(super().parse_args(ctx, given))


@app.command(cls=_OptionsBehindTask, context_settings={"allow_interspersed_args": False})
def run(
    target: _Target,
    arguments: _Arguments = None,
    is_module: _IsModule = False,
    project: context.ProjectOption = None,
    name: _Name = None,
    as_clearml: _AsClearml = False,
    env: _Env = None,
    in_place: _InPlace = False,
    trust: TrustOption = False,
    dry_run: _DryRun = False,
    as_json: _AsJson = False,
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
    if in_place and env is not None:
        raise typer.BadParameter("--in-place runs the code that is here with the packages that are here: no --env")
    if not is_module and not _is_script(target):
        if arguments or project or name or as_clearml:
            raise typer.BadParameter(
                f"{target!r} is no file, and a task runs as it was recorded, without more arguments; "
                "`taskstore clone TASK --set Args/lr=0.1 --run` changes parameters"
            )
        store = context.open_store()
        paths = context.resolve(store, target)
        if dry_run:
            _show_task(store, paths, env, is_in_place=in_place, as_json=as_json)
            return
        run_and_leave(store, paths, trust=trust, env=env, is_in_place=in_place)
    if env is not None:
        raise typer.BadParameter("--env is for a recorded TASK; a script runs in this environment")
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


def run_and_leave(
    store: Store, paths: TaskPaths, *, trust: bool = False, env: str | None = None, is_in_place: bool = False
) -> NoReturn:
    """Run a draft, and leave with its exit code.

    Its recorded code is rebuilt where the code here is another, or with an environment that is asked for.
    """
    import contextlib

    from taskstore.agent import prepare
    from taskstore.agent.environment import Mode
    from taskstore.run import launch

    is_trusted = is_given(store, paths, by_option=trust)
    with contextlib.ExitStack() as held:
        reasons = [] if is_in_place else _reasons_to_rebuild(store, paths, env)
        if reasons:
            for reason in reasons:
                context.say(render.safe(reason))
            folder = prepare.folder_of(prepare.work_of(store), paths.id)
            planned = prepare.plan(
                store, paths, folder, Mode(env or "inherit"), held, tell=context.say, secrets=secrets.ask(paths)
            )
        else:
            launch.check_runnable(store, paths)
            planned = launch.plan(store, paths, secrets=secrets.ask(paths))
        for note in planned.notes:
            context.say(render.safe(note))
        _leave(launch.run_task(store, paths.id, planned, is_trusted=is_trusted))


def _reasons_to_rebuild(store: Store, paths: TaskPaths, env: str | None) -> list[str]:
    from taskstore.agent import prepare
    from taskstore.run import launch

    launch.check_runnable(store, paths)
    differences = prepare.differences_here(paths)
    if differences:
        return [*differences, "so the recorded code is rebuilt, and run; --in-place runs what is here"]
    return ["its code is rebuilt"] if env is not None else []


def _show_task(store: Store, paths: TaskPaths, env: str | None, *, is_in_place: bool, as_json: bool) -> None:
    """Say how a draft would be run."""
    from dataclasses import replace
    from pathlib import Path

    from taskstore.run import given, launch
    from taskstore.store import tasks

    reasons = [] if is_in_place else _reasons_to_rebuild(store, paths, env)
    asked = given.of_task(paths)
    if not reasons:
        planned = launch.plan(store, paths, secrets={secret.variable: "" for secret in asked})
        _show(planned, as_json=as_json, asked=asked)
        return
    script = tasks.read_script(paths)
    target = ("-m", script.module) if script.kind == "module" else (script.entry_point,)
    planned = launch.Plan((*target, *launch.own_arguments(paths.id, script)), Path("REBUILT", script.working_dir))
    _show(replace(planned, notes=tuple(reasons)), as_json=as_json, asked=asked)


def _leave(code: int) -> NoReturn:
    """Leave with the program's exit code; where Ctrl-C has ended it, in the way that stops a shell's loop too."""
    if os.name == "posix" and code == 128 + signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    raise typer.Exit(code)


def _show(planned: Plan, *, as_json: bool, asked: Sequence[Secret] = ()) -> None:
    if as_json:
        command = ["python", *planned.arguments]
        shown = {"command": command, "cwd": str(planned.cwd), "notes": list(planned.notes)}
        render.print_json({**shown, "secrets": secrets.as_json(asked)})
        return
    secrets.show(asked)
    for note in planned.notes:
        context.say(render.safe(note))
    import shlex

    render.line(render.safe(f"cd {shlex.quote(str(planned.cwd))} && {planned.shown()}"))
