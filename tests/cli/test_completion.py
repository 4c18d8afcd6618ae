import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from taskstore_cli import shells
from taskstore_cli.main import app

from taskstore.core.states import Status
from taskstore.store.store import Store

from .conftest import Cli, Workshop
from .shell_session import words_after_tab


def complete(line: str, cwd: Path | None = None, kind: str = "bash", **more: str) -> list[str]:
    """What a shell is offered for the last word of a line."""
    environ = {
        "_TASKSTORE_COMPLETE": f"complete_{kind}",
        "_TASKSTORE_LINE": line,
        "_TASKSTORE_WORD": line.split(" ")[-1],
    }
    done = subprocess.run(
        [sys.executable, "-m", "taskstore_cli.main"],
        env={**os.environ, **environ, **more},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def offered(line: str) -> list[str]:
    """The same, asked in this process, without what each means."""
    found = shells.split(line)
    typed = shells.Line(found.words[1:], found.raw, found.last, found.quote)
    return [word for word, _ in shells.offers(typer.main.get_command(app), typed)]


def test_commands_are_completed() -> None:
    assert complete("taskstore d") == ["diff", "dequeue", "du", "doctor"]


def test_ids_and_names_are_completed_newest_first(workshop: Workshop) -> None:
    first, second = workshop.task("plain-name"), workshop.task("two words; rm")
    names = ["examples/two words; rm", "examples/plain-name"]
    assert offered("taskstore show ") == ["@last", second.id, first.id, *names]
    assert offered(f"taskstore diff {first.id} {second.id[:-1]}") == [second.id]
    assert offered("taskstore logs exa") == names


def test_for_bash_a_name_is_spelt_as_the_line_has_to_have_it(workshop: Workshop) -> None:
    workshop.task("two $words", "a'b")
    assert complete("taskstore show a", _TASKSTORE_WORD="a") == [r"a\'b/two\ \$words"]
    assert complete(r"taskstore show a\'b/two\ ", _TASKSTORE_WORD=r"a\'b/two\ ") == [r"a\'b/two\ \$words"]
    assert complete("taskstore show \"a'b/", _TASKSTORE_WORD="a'b/") == [r"a'b/two \$words"]
    assert complete("taskstore show 'a", _TASKSTORE_WORD="a") == [r"a'\''b/two $words"]
    assert complete("taskstore show @la", _TASKSTORE_WORD="la") == ["last"]
    assert complete("taskstore ls --status=ru", _TASKSTORE_WORD="ru") == ["running"]


def test_a_name_that_controls_a_terminal_is_not_offered(workshop: Workshop) -> None:
    paths = workshop.task("red \x1b[31m, \u202e", "examples")
    workshop.task("line\nend", "examples")
    assert offered("taskstore show exa") == []
    (line,) = complete(f"taskstore show {paths.id[:-1]}", kind="fish")
    assert line.split("\t")[0] == paths.id
    assert line.isascii()


def test_of_tasks_and_then_a_project_the_later_words_are_both(workshop: Workshop) -> None:
    workshop.task("lone", "learning")
    assert offered("taskstore mv @last l") == ["learning", "learning/lone"]
    assert offered("taskstore mv @last @last learning/") == ["learning/lone"]
    assert offered("taskstore mv l") == ["learning/lone"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls -s r", ["running"]),
        ("ls --status r", ["running"]),
        ("ls --status=r", ["--status=running"]),
        ("ls --status draft,r", ["draft,running"]),
        ("ls --type te", ["testing"]),
        ("ls --tag n", ["nlp"]),
        ("ls --tag -n", ["-nlp"]),
        ("tag @last n", ["nlp"]),
        ("ls --sort los", ["loss/a b", "loss/a b.last", "loss/a b.max", "loss/a b.min"]),
        ("ls --sort -dur", ["-duration"]),
        ("ls --sort Args/lr,-dur", ["Args/lr,-duration"]),
        ("ls --columns id,Args/l", ["id,Args/lr"]),
        ('ls --columns \'"p, q",Args/l', ['"p, q",Args/l' + "r"]),
        ("ls --columns '\"p,", ['"p, q"', '"p, q".last', '"p, q".max', '"p, q".min']),
        ("ls --where A", ["Args/lr"]),
        ("ls --where 'Args/lr < 1 and not dur", ["Args/lr < 1 and not duration"]),
        ('ls --where \'"loss/a b".mi', ['"loss/a b".min']),
        ("ls --where 'Args/lr < A", []),
        ("set @last Args/l", ["Args/lr="]),
        ("set @last --unset Args/l", ["Args/lr"]),
        ("clone @last --set Args/l", ["Args/lr="]),
        ("enqueue @last --queue d", ["default"]),
        ("queue show d", ["default"]),
        ("show @last --plots --metric lo", ["loss/a b"]),
        ("compare @last --importance lo", ["loss/a b"]),
        ("clone @last --queue d", ["default"]),
    ],
)
def test_what_an_option_wants_is_completed(line: str, expected: list[str], workshop: Workshop) -> None:
    workshop.task(
        status=Status.CREATED,
        parameters={"Args/lr": "0.1"},
        scalars={"loss/a b": [1.0]},
        values={"p, q": 1.0},
        edit=lambda record: record.tags.append("nlp"),
    )
    assert offered(f"taskstore {line}") == expected


@pytest.mark.parametrize(
    "line", ["", "taskstore", "taskstore nope x ", "taskstore show --bogus ", "taskstore ls 'x", "\\"]
)
def test_whatever_is_typed_there_is_no_traceback(line: str) -> None:
    for shell in ("bash", "zsh", "fish", "powershell", "nonsense"):
        complete(line, kind=shell)


def test_without_a_home_nothing_is_offered_and_nothing_said(store: Store) -> None:
    assert complete("taskstore show ", HOME="", TASKSTORE_ROOT="\x01", kind="fish") == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1))
def test_a_word_as_it_is_spelt_for_a_shell_is_that_word(words: list[str]) -> None:
    for quote in ("", "'", '"'):
        line = " ".join(shells.spelled(word, quote) + quote for word in words)
        found = shells.split(line)
        assert [*found.words, found.last] == words


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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("show examples/two\t", ["show", "examples/two words"]),
        ("show 'examples/two\t", ["show", "examples/two words"]),
        ("show examples/evil\t", ["show", "examples/evil $(touch pwned) \\$(touch pwned) `touch pwned` '\"!"]),
        ("set @la\tArgs/l\t1", ["set", "@last", "Args/l r=1"]),
        ("ls --status=r\t", ["ls", "--status=running"]),
        ("dequ\t@last", ["dequeue", "@last"]),
    ],
)
def test_in_a_real_shell_tab_completes_and_runs_nothing(
    shell: str, typed: str, expected: list[str], workshop: Workshop, cli: Cli, tmp_path: Path
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell}")
    workshop.task("two words")
    workshop.task(expected[1].partition("/")[2] if "evil" in typed else "plain", status=Status.CREATED)
    workshop.task("draft", status=Status.CREATED, parameters={"Args/l r": "1"})
    script = tmp_path / "script"
    script.write_text(cli("completion", shell).out)
    assert words_after_tab(shell, program, script, f"taskstore {typed}", tmp_path) == expected
    assert not (tmp_path / "pwned").exists()


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
