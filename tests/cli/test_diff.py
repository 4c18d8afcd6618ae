import os
import re

import pytest

from taskstore.schema.record import ScriptRecord
from taskstore.store import tasks

from .conftest import Cli, Workshop, file_ref

BEFORE = b"-DECAY = 1.0\n+DECAY = 0.9\n"
AFTER = b"-DECAY = 1.0\n+DECAY = 0.5\n"


def script(diff: bytes, commit: str, numpy: str) -> ScriptRecord:
    return ScriptRecord(
        repository="https://example.org/x.git",
        branch="main",
        version_num=commit,
        python="3.12.1",
        diff=file_ref("source/uncommitted.diff", diff),
        requirements={"numpy": numpy, "rich": "13"},
    )


@pytest.fixture
def two(workshop: Workshop) -> list[str]:
    made = []
    for name, lr, loss, diff, commit, numpy in (
        ("first", "0.1", 0.5, BEFORE, "a" * 40, "1.26"),
        ("second", "0.2", 0.25, AFTER, "b" * 40, "2.1"),
    ):
        paths = workshop.task(
            name,
            parameters={"Args/lr": lr, "Args/seed": "4"},
            scalars={"loss/train": [1.0, loss], "loss/same": [3.0]},
            script=script(diff, commit, numpy),
            files={"source/uncommitted.diff": diff},
        )
        made.append(paths.id)
    return made


def test_what_differs_is_shown_section_by_section(two: list[str], cli: Cli) -> None:
    done = cli("diff", *two)
    assert done.code == 0
    text = done.out
    assert text.startswith(f"A  {two[0]}  first\nB  {two[1]}  second\n")
    assert re.search(r"Parameters\nname +A +B\nArgs/lr +0.1 +0.2\n", text)
    assert re.search(rf"Git\nname +A +B\ncommit +{'a' * 40} +{'b' * 40}\n", text)
    assert re.search(r"Packages\nname +A +B\nnumpy +1.26 +2.1\n", text)
    assert re.search(r"Metrics\nname +A +B +B - A\nloss/train +0.5 +0.25 +-0.25\n", text)
    assert " -DECAY = 1.0\n-+DECAY = 0.9\n++DECAY = 0.5\n" in text


def test_what_is_the_same_is_shown_only_when_asked(two: list[str], cli: Cli) -> None:
    text = cli("diff", *two).out
    for words in ("Args/seed", "branch", "rich", "loss/same", "Host"):
        assert words not in text
    everything = cli("diff", "--all", *two).out
    for words in ("Args/seed", "branch", "rich", "loss/same", "Host"):
        assert words in everything


def test_a_task_compared_with_itself_has_no_difference(two: list[str], cli: Cli) -> None:
    assert "no difference" in cli("diff", two[0], two[0]).out
    (shown,) = cli("diff", "--json", two[0], two[0]).objects
    assert shown["is_same"] is True
    assert shown["parameters"] == []


def test_json_is_one_object_with_the_raw_values(two: list[str], cli: Cli) -> None:
    (shown,) = cli("diff", "--json", *two).objects
    assert (shown["left"], shown["right"], shown["is_same"]) == (*two, False)
    assert shown["parameters"] == [{"name": "Args/lr", "left": "0.1", "right": "0.2"}]
    assert shown["metrics"] == [{"name": "loss/train", "left": 0.5, "right": 0.25}]
    assert "++DECAY = 0.5" in shown["source"][0]["diff"]
    (everything,) = cli("diff", "--json", "--all", *two).objects
    assert len(everything["parameters"]) == 2


@pytest.mark.parametrize(("argv", "code"), [(["@last"], 2), (["@last", "nope"], 3), (["nope", "@last"], 3)])
def test_a_mistake_in_either_task_is_said(argv: list[str], code: int, two: list[str], cli: Cli) -> None:
    done = cli("diff", *argv)
    assert done.code == code
    assert done.out == ""


def test_captured_code_does_not_control_the_terminal(workshop: Workshop, cli: Cli, terminal: Cli) -> None:
    evil = b"x = '\x1b[2J\x07'\n"
    made = [
        workshop.task(
            f"run {number}",
            script=ScriptRecord(standalone=file_ref("source/script/a.py", data)),
            files={"source/script/a.py": data},
        ).id
        for number, data in enumerate((evil, b"\n"))
    ]
    for done in (cli("diff", *made), terminal("diff", *made)):
        assert "\\x1b[2J\\x07" in done.out
        assert "\x07" not in done.out
    assert "\x1b[31m" in terminal("diff", *made).out


def test_a_file_that_is_gone_is_no_fault(two: list[str], workshop: Workshop, cli: Cli) -> None:
    for folder, _, names in os.walk(workshop.store.paths.projects):
        if "uncommitted.diff" in names:
            os.remove(os.path.join(folder, "uncommitted.diff"))  # noqa: PTH107, PTH118
    done = cli("diff", *two)
    assert done.code == 0
    assert "they differ" in done.out


def test_a_moved_task_is_compared_by_its_name(two: list[str], workshop: Workshop, cli: Cli) -> None:
    tasks.move(workshop.store, two[0], "elsewhere")
    assert cli("diff", "elsewhere/first", "examples/second").code == 0


def test_the_command_line_has_a_heading_of_its_own(workshop: Workshop, cli: Cli) -> None:
    made = [
        workshop.task(
            f"run {lr}",
            script=ScriptRecord(entry_point="train.py", argv=["train.py", "--lr", lr], version_num="a" * 40),
        ).id
        for lr in ("0.1", "0.2")
    ]
    text = cli("diff", *made).out
    assert re.search(r"Command\nname +A +B\narguments +--lr 0.1 +--lr 0.2\n", text)
    assert "Git" not in text
    (shown,) = cli("diff", "--json", *made).objects
    assert shown["command"] == [{"name": "arguments", "left": "--lr 0.1", "right": "--lr 0.2"}]
    assert shown["git"] == []
