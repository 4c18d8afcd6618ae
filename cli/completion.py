"""`taskstore completion`: shell completion of commands, options, task ids and project names."""

from __future__ import annotations

from typing import Annotated

import typer

from . import context, render
from .main import COMPLETE_VARIABLE

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

    It completes commands, options, task ids and project names. --install adds to the shell's own start-up files in
    your home folder; without it, load what is printed the way that you load other things.

    Example: eval "$(taskstore completion bash)"
    """
    # Typer's own scripts and places; imported late, because it is slow and only this command needs it.
    from typer._completion_shared import get_completion_script
    from typer._completion_shared import install as install_for

    if install:
        name, path = install_for(shell=shell, prog_name=_PROGRAM, complete_var=COMPLETE_VARIABLE)
        if as_json:
            render.print_json({"shell": name, "path": str(path)})
        else:
            context.say(f"{name} completes from the next shell on")
            render.line(str(path))
        return
    script = get_completion_script(prog_name=_PROGRAM, complete_var=COMPLETE_VARIABLE, shell=shell)
    if as_json:
        render.print_json({"shell": shell, "script": script})
    else:
        render.line(script)
