from __future__ import annotations

import math
import re

import pytest
from rich.cells import cell_len

from taskstore.store import sampling

from .conftest import Cli, Terminal, Workshop

SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


def plain(text: str) -> str:
    return SEQUENCE.sub("", text)


@pytest.fixture
def trained(workshop: Workshop) -> str:
    return workshop.task(
        scalars={
            "loss/train": [1 / (step + 1) for step in range(5000)],
            "loss/val": [2 / (step + 1) for step in range(50)],
            "accuracy/val": [0.0, math.nan, 0.5, math.inf, 0.9],
            ":monitor:machine/cpu": [10.0, 20.0],
        },
        values={"best": 0.9},
    ).id


def test_a_title_is_a_plot_with_all_its_series_and_resources_are_left_out(trained: str, terminal: Cli) -> None:
    text = plain(terminal("show", trained, "--plots").out)
    assert [line for line in text.splitlines() if re.fullmatch(r"\S+", line)] == ["accuracy", "loss"]
    assert "─ train  ─ val\n" in text
    assert "machine" not in text
    assert "Summary" not in text
    assert "gaps are NaN or infinite: val" in text
    assert max(map(cell_len, text.splitlines())) <= 80
    assert re.search(r"[\u2801-\u28ff]", text)


def test_without_the_word_nothing_is_drawn(trained: str, terminal: Cli) -> None:
    assert not re.search(r"[\u2801-\u28ff]", terminal("show", trained).out)


def test_one_metric_may_be_asked_for_resources_too(trained: str, cli: Cli) -> None:
    def titles(*names: str) -> list[str]:
        text = cli("show", trained, "--plots", *(word for name in names for word in ("--metric", name))).out
        return [line for line in text.splitlines() if re.match(r"[a-z*]", line) and "gaps" not in line]

    assert titles("loss") == ["loss", "* train  + val"]
    assert titles("loss/val") == ["loss"]
    assert titles("loss/val", "accuracy") == ["accuracy", "loss"]
    assert titles("machine") == titles(":monitor:machine/cpu") == ["machine"]
    done = cli("show", trained, "--plots", "--metric", "none")
    assert (done.code, done.out) == (0, "")
    assert "no series 'none'" in done.err


def test_a_logarithmic_plot_says_what_has_no_place_in_it(trained: str, workshop: Workshop, cli: Cli) -> None:
    text = cli("show", trained, "--plots", "--log-y", "-m", "loss/train").out
    assert re.search(r"^ +1 ┤", text, re.MULTILINE)
    assert re.search(r"^ *0\.001 ┤", text, re.MULTILINE)
    assert "no place" not in text
    assert "no place on a logarithmic axis: val" in cli("show", trained, "--plots", "--log-y", "-m", "accuracy").out
    nothing = workshop.task(scalars={"loss/zero": [0.0, 0.0]}).id
    assert "no place on a logarithmic axis: zero" in cli("show", nothing, "--plots", "--log-y").out


def test_a_task_without_scalars_or_with_none_that_is_finite_says_so(workshop: Workshop, cli: Cli) -> None:
    empty = workshop.task(values={"best": 1.0}).id
    done = cli("show", empty, "--plots")
    assert (done.code, done.out) == (0, "")
    assert "no scalars" in done.err
    odd = workshop.task(scalars={"loss/train": [math.nan, math.inf]}).id
    text = cli("show", odd, "--plots").out
    assert text.endswith("gaps are NaN or infinite: train\n")
    assert "│" not in text


def test_more_series_than_can_be_told_apart_are_counted(workshop: Workshop, cli: Cli) -> None:
    many = workshop.task(scalars={f"loss/{letter}": [1.0, 2.0] for letter in "abcdefgh"}).id
    text = cli("show", many, "--plots").out
    assert "* a  + b  o c  x d  # e  @ f\n" in text
    assert "and 2 more series; --metric TITLE/SERIES shows one" in text
    titles = workshop.task(scalars={f"title {number:02}/a": [1.0] for number in range(23)}).id
    done = cli("show", titles, "--plots")
    assert "title 19" in done.out
    assert "title 20" not in done.out
    assert "3 more plots" in done.err


def test_json_has_each_series_with_points_that_are_in_the_log(trained: str, workshop: Workshop, cli: Cli) -> None:
    found = cli("show", trained, "--plots", "--json").objects
    assert [(item["metric"], item["variant"]) for item in found] == [
        ("accuracy", "val"),
        ("loss", "train"),
        ("loss", "val"),
    ]
    assert found[0]["points"] == [[0, 0.0], [1, "NaN"], [2, 0.5], [3, "Infinity"], [4, 0.9]]
    points = found[1]["points"]
    assert len(points) == 1000
    assert points[0] == [0, 1.0]
    assert points[-1] == [4999, 1 / 5000]
    from taskstore.store import places

    known = sampling.courses(places.locate(workshop.store, trained))[("loss", "train")]
    assert {tuple(point) for point in points} <= set(known)


def test_names_do_not_control_the_terminal(workshop: Workshop, terminal: Cli) -> None:
    evil = "x\x1b[2J\x07\u202e"
    made = workshop.task(scalars={f"{evil}/{evil}": [1.0, math.nan]}).id
    text = terminal("show", made, "--plots").out
    for char in ("\x07", "\x1b[2J", "\u202e"):
        assert char not in text
    assert text.count("\\x1b[2J") >= 3


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_of_who_wants_no_colour_nothing_is_styled(
    name: str, value: str, trained: str, terminal: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[36m" in terminal("show", trained, "--plots").out
    monkeypatch.setenv(name, value)
    text = terminal("show", trained, "--plots").out
    assert "\x1b" not in text
    assert "* train  + val" in text


def test_a_terminal_without_unicode_gets_ascii(trained: str, terminal: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    assert plain(terminal("show", trained, "--plots").out).isascii()


@pytest.mark.parametrize("argv", [["--metric", "loss"], ["--log-y"], ["--plots", "--source"]])
def test_options_that_make_no_sense_together_are_wrong_usage(argv: list[str], trained: str, cli: Cli) -> None:
    assert cli("show", trained, *argv).code == 2
