from __future__ import annotations

import csv
import io
import re

import pytest
from rich.cells import cell_len

from taskstore.schema.record import ScriptRecord

from .conftest import Cli, Terminal, Workshop, file_ref

SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


def plain(text: str) -> str:
    return SEQUENCE.sub("", text)


@pytest.fixture
def three(workshop: Workshop) -> list[str]:
    made = []
    for name, lr, losses, code in (
        ("first", "0.1", [9.0, 0.5], b"a\nb\n"),
        ("second", "0.2", [4.0, 0.25], b"a\nb\n"),
        ("third", "0.4", [5.0, 0.75], b"a\nc\nd\n"),
    ):
        paths = workshop.task(
            name,
            parameters={"Args/lr": lr, "Args/seed": "4"},
            scalars={"loss/train": losses, "loss/same": [3.0]},
            values={"best": float(lr)},
            script=ScriptRecord(standalone=file_ref("source/script/a.py", code), version_num="c" * 40),
            files={"source/script/a.py": code},
        )
        made.append(paths.id)
    return made


def test_piped_it_is_one_table_of_what_differs_with_a_column_a_task(three: list[str], cli: Cli) -> None:
    done = cli("compare", *three)
    assert done.code == 0
    assert done.rows[0] == ["section", "name", "kind", *three]
    rows = {tuple(row[:3]): row[3:] for row in done.rows[1:]}
    assert rows[("parameters", "Args/lr", "")] == ["0.1", "0.2", "0.4"]
    assert rows[("metrics", "loss/train", "last")] == ["0.5", "0.25", "0.75"]
    assert rows[("metrics", "loss/train", "max")] == ["9", "4", "5"]
    assert rows[("details", "name", "")] == ["first", "second", "third"]
    assert rows[("details", "created", "")][0] == "2026-01-01T00:00:00Z"
    assert ("parameters", "Args/seed", "") not in rows
    assert ("metrics", "loss/same", "last") not in rows
    assert not any(key[0] == "git" for key in rows)


def test_what_is_the_same_is_shown_only_when_asked(three: list[str], cli: Cli) -> None:
    rows = {tuple(row[:3]): row[3:] for row in cli("compare", *three, "--all").rows[1:]}
    assert rows[("parameters", "Args/seed", "")] == ["4", "4", "4"]
    assert rows[("git", "commit", "")] == ["c" * 40] * 3


def test_csv_holds_the_same_as_the_table(three: list[str], cli: Cli) -> None:
    done = cli("compare", *three, "--csv")
    assert list(csv.reader(io.StringIO(done.out))) == cli("compare", *three).rows


def test_json_is_one_object_with_raw_values_extremes_and_diffs_against_the_first(three: list[str], cli: Cli) -> None:
    (shown,) = cli("compare", *three, "--json").objects
    assert shown["tasks"][1] == {"id": three[1], "name": "second", "project": "examples"}
    assert shown["parameters"] == [{"name": "Args/lr", "values": ["0.1", "0.2", "0.4"], "is_same": False}]
    last = next(item for item in shown["metrics"] if (item["name"], item["kind"]) == ("loss/train", "last"))
    assert last["values"] == [0.5, 0.25, 0.75]
    assert (last["least"], last["greatest"]) == ([three[1]], [three[2]])
    (script,) = shown["source"]
    assert script["diffs"][:2] == ["", ""]
    assert script["diffs"][2].endswith("\n a\n-b\n+c\n+d")


def test_a_terminal_marks_the_extremes_and_says_how_much_of_a_file_differs(three: list[str], terminal: Cli) -> None:
    text = plain(terminal("compare", *three).out)
    assert re.search(r"^A  \w+  examples/first\nB  \w+  examples/second\n", text)
    assert re.search(r"loss/train last +0.5 +0.25 ↓ +0.75 ↑\n", text)
    assert re.search(r"Source\nname +A +B +C *\nscript +2 lines +same as A +\+2 -1", text)
    assert "taskstore diff A B" in text


def test_many_tasks_are_shown_in_blocks_that_fit(workshop: Workshop, terminal: Cli) -> None:
    made = [workshop.task(f"run {number}", parameters={"Args/lr": f"0.{number}12345"}).id for number in range(20)]
    text = plain(terminal("compare", *made).out)
    assert max(map(cell_len, text.splitlines())) <= 80
    for letter in "ABCDEFGHIJKLMNOPQRST":
        assert re.search(rf"^name.* {letter}\b", text, re.MULTILINE)
    lines = [line for line in text.splitlines() if line.startswith("Args/lr")]
    assert len(lines) > 1
    assert " ".join(lines).replace("Args/lr", "").split() == [f"0.{number}12345" for number in range(20)]


def test_what_long_texts_have_in_common_does_not_hide_how_they_differ(workshop: Workshop, terminal: Cli) -> None:
    path = "--data /" + "/".join(["folder"] * 9)
    made = [
        workshop.task(f"run {lr}", script=ScriptRecord(argv=["t.py", path, "--lr", lr])).id
        for lr in ("0.1", "0.2", "0.3")
    ]
    text = plain(terminal("compare", *made).out)
    assert re.search(r"arguments +….* 0\.1 +….* 0\.2 +….* 0\.3", text)


def test_a_metric_that_is_asked_for_is_the_only_one_and_shown_where_it_is_the_same(three: list[str], cli: Cli) -> None:
    def shown(*names: str) -> list[tuple[str, str]]:
        rows = cli("compare", *three, *(word for name in names for word in ("-m", name))).rows
        return [(row[1], row[2]) for row in rows if row[0] == "metrics"]

    assert shown("loss/same") == [("loss/same", kind) for kind in ("last", "min", "max")]
    assert shown("loss.min", "best") == [("Summary/best", "last"), ("loss/same", "min"), ("loss/train", "min")]
    assert shown("loss/train.max") == [("loss/train", "max")]
    done = cli("compare", *three, "--metric", "none")
    assert done.code == 0
    assert "no task here has 'none'" in done.err


def test_importance_ranks_the_parameters(three: list[str], cli: Cli) -> None:
    done = cli("compare", *three, "--importance", "loss/train.max")
    assert done.rows == [
        ["parameter", "importance", "metric", "method", "tasks"],
        ["Args/lr", "0.5", "falls", "spearman", "3"],
        ["Args/seed", "", "", "spearman", "3"],
    ]
    found = cli("compare", *three, "--importance", "best", "--json").objects
    assert found[0] == {"name": "Args/lr", "score": 1.0, "method": "spearman", "direction": 1, "count": 3}
    assert "importance wants 3 tasks" in cli("compare", *three[:2], "--importance", "best").err
    assert "no task here has 'none'" in cli("compare", *three, "--importance", "none").err


@pytest.mark.parametrize(
    ("count", "code", "message"),
    [(0, 2, "Missing argument"), (1, 4, "2 to 20 tasks are compared, not 1"), (21, 4, "not 21")],
)
def test_too_few_or_too_many_tasks_are_refused(
    count: int, code: int, message: str, workshop: Workshop, cli: Cli
) -> None:
    done = cli("compare", *(workshop.task(f"run {number}").id for number in range(count)))
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_mistake_is_said(three: list[str], cli: Cli) -> None:
    assert "named twice" in cli("compare", three[0], three[1], three[0]).err
    assert cli("compare", three[0], "nope").code == 3
    assert cli("compare", *three, "--csv", "--json").code == 2


def test_names_do_not_control_the_terminal(workshop: Workshop, cli: Cli, terminal: Cli) -> None:
    evil = "x\x1b[2J\x07\u202e"
    made = [
        workshop.task(evil + number, parameters={f"Args/{evil}": evil + number}, values={evil: float(number)}).id
        for number in "12"
    ]
    for done in (cli("compare", *made), cli("compare", *made, "--csv"), terminal("compare", *made)):
        assert done.code == 0
        for char in ("\x07", "\x1b[2J", "\u202e"):
            assert char not in done.out
        assert "\\x1b[2J" in done.out


def test_a_terminal_that_has_no_unicode_gets_ascii_marks(
    three: list[str], terminal: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    text = plain(terminal("compare", *three).out)
    assert text.isascii()
    assert re.search(r"loss/train last +0.5 +0.25 v +0.75 \^\n", text)
