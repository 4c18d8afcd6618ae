"""`taskstore completion`: shell completion of commands, options, and what the store holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import context, render, shells

app = typer.Typer(rich_markup_mode=None, add_completion=False)
_PROGRAM = "taskstore"
_SHELLS = ("bash", "zsh", "fish", "powershell")


@app.command()
def completion(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL",
            parser=context.one_of(*_SHELLS),
            help="bash, zsh, fish or powershell.",
            autocompletion=context.completing(*_SHELLS),
            show_default=False,
        ),
    ],
    install: Annotated[
        bool, typer.Option("--install", help="Write it where the shell finds it, for you only.")
    ] = False,
    as_json: context.JsonOption = False,
) -> None:
    """Print shell completion, or install it.

    It completes commands, options, tasks by id or name, projects, queues, tags, parameters, and the fields of ls.
    --install adds to the shell's own start-up files in your home folder; without it, load what is printed the way
    that you load other things.

    Example: eval "$(taskstore completion bash)"
    """
    script = shells.SCRIPTS.get(shell) or _of_typer(shell)
    if install:
        path = _install(shell, script)
        if as_json:
            render.print_json({"shell": shell, "path": str(path)})
        else:
            context.say(f"{shell} completes from the next shell on")
            render.line(str(path))
        return
    if as_json:
        render.print_json({"shell": shell, "script": script})
    else:
        render.line(script)


def _of_typer(shell: str) -> str:
    from typer._completion_shared import get_completion_script

    return get_completion_script(prog_name=_PROGRAM, complete_var=shells.VARIABLE, shell=shell)


def _install(shell: str, script: str) -> Path:
    """Have Typer edit the shell's own start-up files; what those load is our script where there is one."""
    from typer._completion_shared import install as install_for

    _, path = install_for(shell=shell, prog_name=_PROGRAM, complete_var=shells.VARIABLE)
    if shell in shells.SCRIPTS:
        path.write_text(f"{script}\n", encoding="utf-8")
    return path
