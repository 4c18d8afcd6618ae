"""The command `taskstore`: the table of its commands, and the one boundary where errors become exit codes.

Each command lives in a module of its own, which is imported when it is called: `taskstore ls` does not pay for
`taskstore run`. Exit codes: 0 done; 1 other failure; 2 wrong usage; 3 not found; 4 refused; 5 busy; 6 damaged;
7 a store of a later taskstore; 8 a remote failed; 70 a fault of taskstore itself; 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from taskstore.core.errors import Damaged, Refused, TaskstoreError
from taskstore.disk.layout import RECORD

from . import context

if TYPE_CHECKING:
    from types import ModuleType

COMMANDS: dict[str, str] = {
    "init": "Make a store here, or where you say.",
    "run": "Run a script as a task, or a draft's recorded command.",
    "create": "Make a draft from a script, module or repository, unrun.",
    "ui": "Show the store in a browser.",
    "ls": "List tasks, newest first.",
    "show": "Show all about one task.",
    "logs": "Print a task's console output; -f follows it.",
    "get": "Copy an artifact, or a model's weights, out of the store.",
    "diff": "Compare two tasks: parameters, code, packages, metrics.",
    "compare": "Set 2 to 20 tasks side by side; rank their parameters.",
    "clone": "Copy a task into a new draft, with changed parameters.",
    "enqueue": "Put tasks into a queue, to be run from there.",
    "dequeue": "Take tasks out of the queue that they wait in.",
    "queue": "List, show, create, rename, delete, empty or reorder queues.",
    "agent": "Run tasks from queues: start, list and stop agents.",
    "top": "Watch what runs, waits and has ended; q ends it.",
    "sweep": "Try a task with many values of its parameters.",
    "set": "Set parameters of a draft.",
    "edit": "Edit a draft's parameters or comment in your editor.",
    "rename": "Rename a task.",
    "mv": "Move tasks to another project.",
    "tag": "Add or remove tags.",
    "comment": "Show or set a task's comment.",
    "archive": "Put tasks away: ls leaves them out.",
    "unarchive": "Bring archived tasks back.",
    "reset": "Make a task a draft again; its outputs are deleted.",
    "abort": "End a running task.",
    "publish": "Make a task that has ended read-only, for good.",
    "verify": "Check that published tasks are as they were.",
    "rm": "Move tasks to the trash.",
    "trash": "List, restore or purge deleted tasks.",
    "project": "List, create, rename, move or delete projects.",
    "zip": "Pack tasks into one file, to be imported elsewhere.",
    "import": "Bring in tasks of a zip, or runs that were recorded elsewhere.",
    "export": "Write tasks as other programs read them: ClearML, tables.",
    "remote": "Name the places that tasks are shared by.",
    "pull": "Bring tasks here that are new or newer at a remote.",
    "push": "Put tasks that are new or newer here to a remote.",
    "sync": "Have this store and a remote hold the same tasks.",
    "merge": "Bring all tasks of another store in.",
    "conflicts": "List, show and resolve conflicts of merged tasks.",
    "config": "Show every setting, and where its value comes from.",
    "path": "Print where a task is, or the store.",
    "tui": "Look at tasks on the terminal's whole screen, by keys.",
    "view": "Make a folder in which tasks are found by name.",
    "du": "Show what takes up space.",
    "doctor": "Check the store, and repair it with --fix.",
    "completion": "Print or install shell completion.",
}
_NOT_WRITABLE = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})
# Typer has a copy of click in it, or uses the real one, by its version: this is the class of the one in use.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]
_MODULES = {name: name for name in COMMANDS} | {
    "set": "set_",
    "unarchive": "archive",
    "import": "import_",
    "zip": "zip_",
}
_MODULES |= dict.fromkeys(("pull", "push", "merge"), "sync")


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own types differ by version
        """Import a command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = load(cmd_name)
        command = typer.main.get_command(module.APPS[cmd_name] if hasattr(module, "APPS") else module.app)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command; of --store behind it, say where it goes."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # before click makes a failure of it
            _leave_closed_pipe()
            raise typer.Exit(0) from None
        except _UsageError as error:
            if getattr(error, "option_name", "") == "--store":
                error.message = "--store goes before the command: taskstore --store DIR COMMAND"  # type: ignore[attr-defined]  # click's own
                error.possibilities = None  # type: ignore[attr-defined]  # click's own
            raise
        return result

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def load(name: str) -> ModuleType:
    """Import the module of a command."""
    return importlib.import_module(f".{_MODULES[name]}", __package__)


app = typer.Typer(
    cls=LazyGroup,
    name="taskstore",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from taskstore import __version__

        typer.echo(f"taskstore {__version__}")
        raise typer.Exit


@app.callback()
def root(
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="DIR", help="The store, or a zip of one (else TASKSTORE_ROOT, .taskstore above, ~)."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep experiments as plain files: list, show, compare, clone and re-run them, with no server.

    Example: taskstore ls --where 'validation/loss.min < 0.1'
    """
    context.store_option = store


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run the command line; return its exit code. The boundary: no traceback for a person's mistake."""
    if sys.stdout is None:  # closed by who has started it
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - stays for the whole process
    command = typer.main.get_command(app)
    if "_TASKSTORE_COMPLETE" in os.environ:
        return _complete(command, argv)
    try:
        code = command.main(args=list(argv), prog_name="taskstore", standalone_mode=True)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except TaskstoreError as error:
        context.say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except FileNotFoundError as error:
        return _tell_missing(error)
    except BrokenPipeError:
        _leave_closed_pipe()
        return 0
    except OSError as error:
        return _tell_system_error(error)
    except Exception:  # noqa: BLE001 - the command line's edge
        import traceback

        context.say(f"a fault of taskstore itself; please report it\n{traceback.format_exc()}")
        return 70
    return int(code or 0)


def _complete(command: Any, argv: Sequence[str]) -> int:  # noqa: ANN401 - click's own
    """Answer the shell that asks what the line may go on with; whatever is wrong, it is not said between its keys."""
    from . import shells

    try:
        return shells.answer(command, argv, os.environ)
    except Exception:  # noqa: BLE001 - the command line's edge
        return 1


def _leave_closed_pipe() -> None:
    """The reader (head, less) has left, as it may; nothing more is written to it, at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_missing(error: FileNotFoundError) -> int:
    """Say what file is missing; a task's folder without its record is damaged."""
    path = Path(os.fsdecode(error.filename)) if error.filename and not isinstance(error.filename, int) else None
    if path is None or path.name != RECORD or not path.parent.is_dir():
        return _tell_system_error(error)
    context.say(str(Damaged(path, "the file is missing")))
    return Damaged.exit_code


def _tell_system_error(error: OSError) -> int:
    """Say what the system has refused; return the exit code, which is 4 where the store's disk takes nothing more."""
    why = error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    if error.errno not in _NOT_WRITABLE or not _is_of_the_store(error):
        context.say(why + where)
        _leave_full_output()
        return 1
    advice = "make it writable, or name another store with --store"
    if error.errno != errno.EROFS:
        advice = (
            "free some space: `taskstore du` shows what takes it up, `taskstore trash purge --all` empties the trash"
        )
    context.say(f"the store at {context.store_place()} cannot be written: {why}{where}; {advice}")
    return Refused.exit_code


def _is_of_the_store(error: OSError) -> bool:
    """Tell whether the library met the error: what the command line itself writes is its output, or a scratch file."""
    names = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    packages = [name.partition(".")[0] for name in names]
    return [package for package in packages if package in ("taskstore", __package__)][-1:] == ["taskstore"]


def _leave_full_output() -> None:
    """Keep the end of the process from failing over what a full disk did not take of stdout."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
