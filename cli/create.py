"""`taskstore create`: a draft from code that is not run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskstore.core.task_types import TASK_TYPES

from . import context, offers, several

if TYPE_CHECKING:
    from taskstore.run.create import Wanted

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_Program = Annotated[
    list[str] | None,
    typer.Argument(metavar="SCRIPT", help="A script and its own arguments; our options come before."),
]
_Module = Annotated[
    str | None, typer.Option("-m", "--module", metavar="NAME", help="A module instead, as for `python -m`.")
]
_Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its name, else the script's or module's.")]
_TaskType = Annotated[
    str | None,
    typer.Option(
        "--type",
        parser=context.one_of(*TASK_TYPES),
        metavar="TYPE",
        help="Its type: training, testing, inference and so on.",
        autocompletion=context.completing(*TASK_TYPES),
    ),
]
_Tags = Annotated[list[str], typer.Option("--tag", metavar="TAG", help="A tag; may be repeated.")]
_Repo = Annotated[
    str | None, typer.Option("--repo", "--folder", metavar="URL|DIR", help="The repository that the script is in.")
]
_Branch = Annotated[str | None, typer.Option("--branch", metavar="NAME", help="With --repo: the branch.")]
_Commit = Annotated[str | None, typer.Option("--commit", metavar="ID", help="With --repo: the commit.")]
_Cwd = Annotated[
    str | None,
    typer.Option("--cwd", metavar="DIR", help="Where it is run, else the repository's root."),
]
_Arguments = Annotated[
    list[str],
    typer.Option("--args", metavar="NAME=VALUE", help="A parameter for argparse; may be repeated."),
]
_Packages = Annotated[
    list[str],
    typer.Option("--package", metavar="NAME", help="A package like 'tqdm>=4'; may be repeated."),
]
_Requirements = Annotated[Path | None, typer.Option("--requirements", metavar="FILE", help="A requirements file.")]
_NoRequirements = Annotated[
    bool, typer.Option("--no-requirements", help="No packages; else those that the script imports.")
]
_BaseTask = Annotated[
    str | None,
    typer.Option(
        "--base-task",
        metavar="TASK",
        help="The task to take what is not given from.",
        autocompletion=offers.task,
    ),
]
_Binary = Annotated[str | None, typer.Option("--binary", metavar="NAME", help="The Python to run it with: python3.12.")]
_Docker = Annotated[str | None, typer.Option("--docker", metavar="IMAGE", help="A container's image.")]
_DockerArgs = Annotated[str | None, typer.Option("--docker-args", metavar="TEXT", help="Its options, as one text.")]
_DockerSetup = Annotated[
    Path | None, typer.Option("--docker-setup", metavar="FILE", help="A shell script that prepares it.")
]
_SingleScript = Annotated[
    bool, typer.Option("--single-script", help="Keep a copy of the script alone, though it is in git.")
]


@app.command(context_settings={"allow_interspersed_args": False})
def create(
    program: _Program = None,
    module: _Module = None,
    project: context.ProjectOption = None,
    name: _Name = None,
    task_type: _TaskType = None,
    tags: _Tags = [],  # noqa: B006 - typer reads it and copies
    repo: _Repo = None,
    branch: _Branch = None,
    commit: _Commit = None,
    cwd: _Cwd = None,
    arguments: _Arguments = [],  # noqa: B006 - typer reads it and copies
    packages: _Packages = [],  # noqa: B006 - typer reads it and copies
    requirements: _Requirements = None,
    no_requirements: _NoRequirements = False,
    base_task: _BaseTask = None,
    binary: _Binary = None,
    docker: _Docker = None,
    docker_args: _DockerArgs = None,
    docker_setup: _DockerSetup = None,
    single_script: _SingleScript = False,
    queue: context.QueueOption = None,
    as_json: context.JsonOption = False,
) -> None:
    """Make a draft from a script, module, repository or task, running nothing.

    Nothing is fetched. Of a script in a git clone the commit and what is not
    committed are recorded, of another a copy. The draft's id is printed;
    `taskstore run` runs it.

    Example: taskstore create --project examples --args lr=0.1 train.py
    """
    from taskstore.run import create as creating

    if no_requirements and (packages or requirements):
        raise typer.BadParameter("--no-requirements goes with neither --package nor --requirements")
    words = program or []
    wanted = creating.Wanted(
        project_name=project,
        task_name=name,
        task_type=task_type,
        tags=tags,
        repo=repo,
        branch=branch,
        commit=commit,
        script=None if module or not words else words[0],
        module=module,
        arguments=words if module else words[1:],
        working_directory=cwd,
        packages=False if no_requirements else packages or None,
        requirements_file=str(requirements) if requirements else None,
        docker=docker,
        docker_args=docker_args,
        docker_bash_setup_script=_text_of(docker_setup),
        argparse_args=[_pair(text) for text in arguments],
        base_task_id=base_task,
        force_single_script_file=single_script,
        binary=binary,
    )
    _make(wanted, queue, as_json=as_json)


def _make(wanted: Wanted, queue: str | None, *, as_json: bool) -> None:
    from taskstore.core.errors import BadValue
    from taskstore.run import create as creating
    from taskstore.run import launch

    from . import enqueue as enqueuing

    store = context.open_store()
    if wanted.base_task_id is None and not (wanted.script or wanted.module or wanted.task_name):
        raise BadValue("what is to be made a draft of? name a script, -m MODULE, --base-task TASK, or a --name")
    if queue is not None:
        enqueuing.check(store, queue)
        launch.check_binary("the draft", wanted.binary or "")
    made = creating.create(store, wanted)
    if queue is not None:
        enqueuing.enqueue(store, made, queue)
    if not as_json:
        typer.echo(made.id)
    several.tell(store, made, "a draft" if queue is None else enqueuing.waits(queue), as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise typer.BadParameter(f"{text!r} is no assignment; write it like --args lr=0.1")
    return name, value


def _text_of(path: Path | None) -> str | None:
    from taskstore.core.errors import NotFound

    if path is None:
        return None
    if not path.is_file():
        raise NotFound("file", str(path), "--docker-setup names a shell script")
    return path.read_text("utf-8", "replace")
