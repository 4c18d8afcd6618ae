import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from taskstore_cli import main

from taskstore.store.store import Store

from .conftest import Cli, Workshop, is_updating

TASK_COMMANDS = ("show", "logs", "path", "verify")


def test_help_lists_every_command_without_importing_one(program: list[str]) -> None:
    code = "import sys; from taskstore_cli.main import run; run(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    listing, modules = done.stdout.rsplit("\n", 2)[:2]
    for name, text in main.COMMANDS.items():
        assert name in listing
        assert text in " ".join(listing.split())
    for module in ("rich", "yaml", "git", "taskstore.store.store", "taskstore_cli.ls"):
        assert f"'{module}'" not in modules


@pytest.mark.parametrize("name", main.COMMANDS)
def test_help_of_each_command_is_as_it_was(name: str, cli: Cli, snapshots: Path) -> None:
    done = cli(name, "--help")
    assert done.code == 0
    assert not re.search(r"\[\[|\.\.\.[\]}]", done.lines[0]), "click adds the brackets and the dots"
    path = snapshots / f"{name}.txt"
    if is_updating():
        path.write_text(done.out, encoding="utf-8")
    assert done.out == path.read_text(encoding="utf-8"), "UPDATE_SNAPSHOTS=1 writes them anew"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_help_of_each_command_has_an_example_and_json_and_fits_80_columns(name: str, cli: Cli) -> None:
    text = cli(name, "--help").out
    assert "Example: " in text
    assert f"taskstore {name}" in text.partition("Example: ")[2]
    assert max(map(len, text.splitlines())) <= 80
    assert "--install-completion" not in text


def test_no_command_shows_the_help(cli: Cli) -> None:
    done = cli()
    assert "Commands:" in done.out + done.err


@pytest.mark.parametrize(
    "argv", [["nope"], ["ls", "--nope"], ["ls", "extra"], ["show"], ["show", "a", "b"], ["--store"]]
)
def test_wrong_usage_is_2_with_help_on_stderr_only(argv: list[str], cli: Cli) -> None:
    done = cli(*argv)
    assert done.code == 2
    assert done.out == ""
    assert "Error: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", TASK_COMMANDS)
@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("nope", 3),
        ("0123456789", 3),
        ("0" * 32, 3),
        ("a/b", 3),
        ("@first", 3),
        ("", 4),
        ("\x1b[31m", 3),
        ("é\u202e", 3),
    ],
)
def test_a_task_that_is_not_there_is_one_line_and_its_exit_code(
    command: str, reference: str, code: int, cli: Cli
) -> None:
    done = cli(command, reference)
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith("taskstore: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert "`taskstore ls`" in done.err
    assert done.err.rstrip("\n").isprintable()


def test_an_ambiguous_prefix_is_3_and_lists_the_candidates(workshop: Workshop, cli: Cli) -> None:
    first, second = workshop.task("first run"), workshop.task("second run")
    done = cli("show", os.path.commonprefix([first.id, second.id]))
    assert done.code == 3
    assert f"{first.id}  examples/first run" in done.err
    assert f"{second.id}  examples/second run" in done.err


def test_a_store_that_is_not_there_is_3_and_says_what_makes_one(tmp_path: Path, cli: Cli) -> None:
    done = cli("--store", tmp_path / "none", "ls")
    assert done.code == 3
    assert f"taskstore init {tmp_path / 'none'}" in done.err


def test_the_store_option_goes_before_the_variable(tmp_path: Path, cli: Cli, workshop: Workshop) -> None:
    workshop.task()
    other = cli("init", tmp_path / "other").out.strip()
    assert cli("--store", other, "path").out.strip() == other
    assert cli("--store", other, "ls", "--json").out == ""
    assert len(cli("ls", "--json").objects) == 1


@pytest.mark.parametrize("command", ["ls", "show", "path", "du", "doctor", "logs"])
def test_a_store_of_a_later_format_is_7(command: str, store: Store, workshop: Workshop, cli: Cli) -> None:
    workshop.task()
    store.paths.record.write_text('{"format": 99, "id": "x"}')
    done = cli(command, *(["@last"] if command in ("show", "logs") else []))
    assert done.code == 7
    assert "upgrade" in done.err


@pytest.mark.parametrize("command", ["show", "logs", "verify"])
def test_a_damaged_record_is_6_with_its_path(command: str, workshop: Workshop, cli: Cli) -> None:
    paths = workshop.task()
    paths.record.write_text('{"id": ')
    done = cli(command, paths.id)
    if command == "logs":  # what it printed is whole
        assert done.code == 0
        return
    assert done.code == 6
    assert str(paths.record) in done.out + done.err
    assert "Traceback" not in done.out + done.err


def test_piped_output_imports_no_rich(workshop: Workshop) -> None:
    workshop.task(scalars={"loss/train": [3.0, 2.0, 1.0]})
    code = (
        "import sys; from taskstore_cli.main import run\n"
        "for argv in (['ls'], ['show', '@last'], ['logs', '@last'], ['du'], ['diff', '@last', '@last']):\n"
        "    assert run(argv) == 0, argv\n"
        "sys.exit('rich' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)


def test_a_reader_that_leaves_is_no_error(workshop: Workshop, program: list[str]) -> None:
    workshop.task(console=[("stdout", "x" * 1000)] * 500)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run([*program, "logs", "@last"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_version_is_said(cli: Cli) -> None:
    assert cli("--version").out.startswith("taskstore ")


def test_an_output_that_is_not_utf_8_gets_what_it_can_spell(workshop: Workshop, program: list[str]) -> None:
    workshop.task("größe \u4e2d", scalars={"loss/train": [1.0, 2.0]})
    environ = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    for argv in (["show", "@last"], ["ls"], ["ls", "--json"]):
        done = subprocess.run([*program, *argv], capture_output=True, env=environ, check=True)
        text = done.stdout.decode("latin-1")
        assert "größe \\u4e2d" in text or "gr\\u00f6\\u00dfe \\u4e2d" in text


def _disk_that_fails(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def write(descriptor: int, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", write)


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "taskstore trash purge"), (errno.EDQUOT, "taskstore du"), (errno.EROFS, "--store")],
)
def test_a_disk_that_takes_nothing_more_is_4_and_names_the_store_and_what_to_do(
    number: int, advice: str, workshop: Workshop, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = workshop.task()
    before = paths.record.read_bytes()
    _disk_that_fails(monkeypatch, number)
    done = cli("rename", paths.id, "other name")
    assert done.code == 4
    assert f"the store at {workshop.store.root} cannot be written: {os.strerror(number)}" in done.err
    assert advice in done.err
    assert paths.record.read_bytes() == before


def test_another_failure_of_the_system_is_1(workshop: Workshop, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = workshop.task()
    _disk_that_fails(monkeypatch, errno.EIO)
    assert cli("rename", paths.id, "other name").code == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that takes nothing")
def test_an_output_that_takes_nothing_more_is_not_blamed_on_the_store(workshop: Workshop, program: list[str]) -> None:
    workshop.task(console=[("stdout", "x" * 1000)] * 100)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*program, "logs", "@last"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"taskstore: {os.strerror(errno.ENOSPC)}\n"


@pytest.mark.parametrize("argv", [["ls"], ["show", "@last"], ["project", "ls"], ["run"]])
def test_the_store_option_behind_the_command_is_told_where_it_goes(argv: list[str], cli: Cli) -> None:
    done = cli(*argv, "--store", "elsewhere")
    assert done.code == 2
    assert "Error: --store goes before the command" in done.err
    assert "No such option" not in done.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["init", "--locks", "nfs"], "'nfs' is none; it is one of flock, lease"),
        (["ls", "-n", "x"], "'x' is not a whole number from 0 on"),
        (["ls", "-n", "-1"], "'-1' is not a whole number from 0 on"),
        (["logs", "@last", "--lines", "1.5"], "'1.5' is not a whole number from 0 on"),
        (["logs", "@last", "--stream", "out"], "'out' is none; it is one of stdout, stderr"),
        (["abort", "@last", "--grace", "long"], "'long' is not a number of seconds, like 90, or 90s, 15m, 2h, 1d"),
        (["abort", "@last", "--grace", "nan"], "'nan' is not a number of seconds, like 90, or 90s, 15m, 2h, 1d"),
        (["completion", "csh"], "'csh' is none; it is one of bash, zsh, fish, powershell"),
    ],
)
def test_a_wrong_value_of_an_option_is_a_plain_sentence(argv: list[str], words: str, cli: Cli) -> None:
    done = cli(*argv)
    assert done.code == 2
    assert done.err.splitlines()[-1].endswith(f": {words}")


@pytest.mark.parametrize("command", ["show", "logs -f", "publish", "run", "diff"])
def test_a_task_without_its_record_is_damaged_whatever_is_asked_of_it(command, cli, workshop):
    paths, other = workshop.task(), workshop.task("other")
    paths.record.unlink()
    done = cli(*command.split(), paths.id, *([other.id] if command == "diff" else []))
    assert done.code == 6
    assert done.err.startswith(f"taskstore: damaged file {paths.record}: the file is missing; `taskstore doctor`")


def test_a_path_that_the_system_finds_too_long_is_a_bad_name(cli, workshop):
    paths = workshop.task()
    for name in ("x" * 5000, "/".join(["xx"] * 1700)):
        done = cli("mv", paths.id, name)
        assert done.code == 4
        assert done.err.startswith("taskstore: bad project name 'xx")
        assert len(done.err) < 300


def test_a_closed_stdout_is_no_fault(cli, workshop, monkeypatch):
    workshop.task()
    monkeypatch.setattr(sys, "stdout", None)
    assert main.run(["ls"]) == 0
    sys.stdout.close()


@pytest.mark.skipif(os.name != "posix", reason="pipes of a POSIX shell")
@pytest.mark.parametrize("command", ["show", "logs"])
def test_a_reader_that_leaves_early_is_no_failure(command, program, workshop):
    paths = workshop.task(console=[("stdout", "x" * 100)] * 2000)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [*program, command, paths.id], stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")
