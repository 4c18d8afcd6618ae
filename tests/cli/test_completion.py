import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.store.store import Store

from .conftest import Cli, Workshop


def complete(line: str, cwd: Path | None = None, **more: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    environ = {"_TASKSTORE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "taskstore_cli.main"],
        env={**os.environ, **environ, **more},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_commands_are_completed() -> None:
    assert complete("taskstore d") == ["diff", "dequeue", "du", "doctor"]


def test_ids_and_names_that_a_shell_takes_are_completed(workshop: Workshop) -> None:
    first, second = workshop.task("plain-name", "examples"), workshop.task("two words; rm", "examples")
    offered = complete("taskstore show ")
    assert offered == ["@last", second.id, first.id, "examples/plain-name"]
    assert complete(f"taskstore diff {first.id} {second.id[:-1]}") == [second.id]
    assert complete("taskstore logs exa") == ["examples/plain-name"]


def test_projects_are_completed(workshop: Workshop) -> None:
    workshop.task("first run", "vision/deep")
    assert complete("taskstore ls -p vis") == ["vision", "vision/deep"]


def test_the_store_that_the_line_names_is_completed_from(workshop: Workshop) -> None:
    paths = workshop.task()
    line = f"taskstore --store {workshop.store.root} show 0"
    assert complete(line, TASKSTORE_ROOT=str(workshop.store.root / "none")) == [paths.id]


def test_pressing_tab_makes_no_store(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert complete("taskstore show ", cwd=home, HOME=str(home), TASKSTORE_ROOT="") == []
    assert list(home.iterdir()) == []


def test_a_damaged_store_offers_nothing_and_says_nothing(store: Store) -> None:
    store.paths.record.write_text("{")
    assert complete("taskstore show ") == []
    assert complete("taskstore ls -p ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_script_is_printed_for_each_shell(shell: str, cli: Cli) -> None:
    done = cli("completion", shell)
    assert done.code == 0
    assert "_TASKSTORE_COMPLETE" in done.out
    (shown,) = cli("completion", shell, "--json").objects
    assert shown["script"] + "\n" == done.out


def test_what_is_printed_for_bash_works_in_bash(workshop: Workshop, cli: Cli, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    paths = workshop.task()
    tool = tmp_path / "taskstore"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m taskstore_cli.main "$@"\n')
    tool.chmod(0o700)
    script = (
        f"{cli('completion', 'bash').out}\n"
        f"COMP_WORDS=(taskstore show {paths.id[:6]}); COMP_CWORD=2; _taskstore_completion taskstore\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "PATH": path}
    )
    assert done.stdout == f"{paths.id}\n"


def test_installing_writes_into_the_home_folder_only(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for shell in ("bash", "zsh", "fish"):
        done = cli("completion", shell, "--install")
        assert done.code == 0
        written = Path(done.out.strip())
        assert written.is_relative_to(tmp_path)
        assert "_TASKSTORE_COMPLETE" in written.read_text()


@pytest.mark.parametrize("argv", [[], ["tcsh"], ["bash", "zsh"]])
def test_a_mistake_is_wrong_usage(argv: list[str], cli: Cli) -> None:
    assert cli("completion", *argv).code == 2
