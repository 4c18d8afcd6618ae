"""In a terminal of 80 columns no line of a page or a table is longer, whatever the names and values are."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.cells import cell_len
from taskstore_cli.main import run

from taskstore.core.states import Status
from taskstore.schema import codec
from taskstore.schema.artifact import Artifact, ArtifactsRecord
from taskstore.schema.record import ScriptRecord, TaskRecord

from .conftest import Cli, Workshop, file_ref

SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")
LONG = "a very long name with 宽 wide characters of " + "x" * 120


def _lengthen(record: TaskRecord) -> None:
    record.tags = ["t" * 100, "short"]
    record.comment = "word " * 60 + "\n    " + "w" * 200
    record.runtime |= {"os": "Linux " + "o" * 90, "cpu_model": "c" * 60, "gpus": "g" * 60, "memory_bytes": "9"}


@pytest.fixture
def wide(workshop: Workshop) -> Workshop:
    """Two tasks of which everything is long."""
    for number in "12":
        script = ScriptRecord(
            repository=f"https://example.org/{'r' * 100}/x{number}.git",
            branch="b" * 90,
            version_num=number * 40,
            argv=["train.py", *[f"--option-{index}={number}" for index in range(30)]],
            cwd="/".join(["folder"] * 30),
            executable="/usr/" + "p" * 100,
            python="3.12.1",
            requirements={"a-package-with-a-long-name-" + "y" * 80: f"{number}.0"},
            notes=["source: " + "why " * 60],
        )
        paths = workshop.task(
            LONG + number,
            "/".join(["some project", "with " + "z" * 60, "deep"]),
            status=Status.FAILED if number == "1" else Status.COMPLETED,
            parameters={"Args/" + "k" * 90: number * 200, "Args/" + "short": "v " * 200},
            scalars={"m" * 60 + "/" + "n" * 60: [1.234567e-300, -1.2345678e300, float("nan")]},
            values={"v" * 100: 1e-17 + int(number)},
            script=script,
            edit=_lengthen,
        )

        kept = Artifact(key="e" * 120, type="u" * 60, file=file_ref("files/" + "f" * 150, b"x"))
        paths.artifacts.write_bytes(codec.encode(ArtifactsRecord(artifacts={kept.key: kept})))
    return workshop


def _is_a_path(line: str) -> bool:
    """Tell whether a line is a label and a path, or a path alone."""
    return re.fullmatch(r"(\w+:? +)?([\d.]+ )?/.*", line.strip()) is not None


@pytest.mark.parametrize(
    "argv",
    [
        ["show", "@last"],
        ["show", "@last", "--history"],
        ["show", "@last", "--packages"],
        ["ls"],
        ["ls", "--columns", f"id,name,project,Args/{'k' * 90},{'v' * 100},status"],
        ["diff", "@last", "1"],
        ["diff", "@last", "@last", "--all"],
        ["compare", "@last", "1"],
        ["compare", "@last", "1", "--all"],
        ["compare", "@last", "1", "--importance", "loss"],
        ["du"],
        ["du", "--tasks"],
        ["logs", "@last"],
        ["project", "ls"],
        ["project", "show", "some project"],
        ["queue", "ls"],
        ["trash", "ls"],
        ["config"],
    ],
)
def test_no_line_is_longer_than_the_terminal(argv: list[str], wide: Workshop, terminal: Cli, cli: Cli) -> None:
    first = cli("ls", "--json", "--status", "failed").objects[0]["id"]
    done = terminal(*[first if word == "1" else word for word in argv])
    assert done.code == 0
    lines = [SEQUENCE.sub("", line) for line in done.lines]
    # A path is kept whole, to be copied.
    assert {line: cell_len(line) for line in lines if cell_len(line) > 80 and not _is_a_path(line)} == {}


def test_nothing_of_a_page_is_lost_by_wrapping(wide: Workshop, terminal: Cli) -> None:
    shown = re.sub(r"\s+", "", SEQUENCE.sub("", terminal("show", "@last").out))
    for text in (LONG + "2", "/".join(["folder"] * 30), "2" * 40, "w" * 200, "r" * 100, "--option-29=2"):
        assert re.sub(r"\s+", "", text) in shown


class AsciiTerminal(io.TextIOWrapper):
    """A terminal that takes ASCII only, and fails on all else."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("argv", [["show", "@last"], ["ls"], ["diff", "@last", "1"], ["compare", "@last", "1"], ["du"]])
def test_a_terminal_without_unicode_is_written_to_in_ascii(
    argv: list[str], wide: Workshop, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cli("ls", "--json", "--status", "failed").objects[0]["id"]
    kept = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", screen := AsciiTerminal(kept, encoding="ascii"))
        assert run([first if word == "1" else word for word in argv]) == 0
        screen.flush()
    assert kept.getvalue().isascii()
    assert len(kept.getvalue()) > 80


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
@pytest.mark.parametrize(
    "argv", [["show", "@last"], ["ls"], ["diff", "@last", "1"], ["compare", "@last", "1"], ["du"], ["logs", "@last"]]
)
def test_of_who_wants_no_colour_nothing_is_styled(
    name: str, value: str, argv: list[str], workshop: Workshop, terminal: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workshop.task(parameters={"Args/lr": "1"}).id
    workshop.task(status=Status.FAILED, console=[("stdout", "\x1b[31mred\x1b[0m")])
    called = [first if word == "1" else word for word in argv]
    assert "\x1b" in terminal(*called).out
    monkeypatch.setenv(name, value)
    assert "\x1b" not in terminal(*called).out
