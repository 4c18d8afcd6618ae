"""Write docs/reference/cli.md from what the commands' own `--help` prints: `python docs/generate_cli_reference.py`.

tests/docs/test_cli_reference.py fails where the page says anything else than `--help` does.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from taskstore_cli.main import COMMANDS, app, run

TARGET = Path(__file__).with_name("reference") / "cli.md"
_INTRODUCTION = """\
# The command line

<!-- Made by docs/generate_cli_reference.py from the commands' own help: change that, and run it again. -->

- A task goes by its id, a unique beginning of it (4 characters or more), `project/name` (of several the last modified),
  or `@last` (the one made last).
- Results go to stdout, all else that is said goes to stderr. In a terminal results are aligned and coloured; piped, a
  listing is tab-separated values with whole ids and times in UTC.
- `--json` prints one JSON object a line. Its keys are kept: a change of them is announced in the changelog.
- The exit code is 0, or as [errors.md](errors.md) says; 0 also where the reader of a pipe (`head`) leaves early.
  `taskstore run` leaves with the program's own.
- `--store` and `--version` stand before the command, all other options behind it.
"""


def commands() -> list[tuple[str, ...]]:
    """Return every command by its words, those below a command after it."""
    found: list[tuple[str, ...]] = []
    root = typer.main.get_command(app)
    for name in COMMANDS:
        command = root.get_command(typer.Context(root), name)  # type: ignore[attr-defined]  # it is a group
        found += [(name,), *((name, below) for below in getattr(command, "commands", {}))]
    return found


def help_of(*words: str) -> str:
    """Return what a command's `--help` prints in a terminal of 80 columns."""
    printed = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        with contextlib.redirect_stdout(printed):
            run([*words, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    return printed.getvalue().rstrip()


def text() -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *_section("taskstore"), *(line for words in commands() for line in _of(words))])


def _of(words: tuple[str, ...]) -> Iterator[str]:
    return _section(" ".join(("taskstore", *words)), *words)


def _section(title: str, *words: str) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"```text\n{help_of(*words)}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    sys.stdout.write(f"{TARGET}\n")
