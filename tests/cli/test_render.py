import math
import sys
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taskstore_cli import render

from taskstore.core.states import Status

from .conftest import Terminal

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


@given(st.text())
def test_no_text_controls_the_terminal_or_breaks_a_line(text: str) -> None:
    shown = render.safe(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    assert len(shown.splitlines()) <= 1
    assert "\u202e" not in shown
    shown.encode()  # lone surrogates are escapes too


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_a_printable_text_stays_as_it_is(text: str) -> None:
    assert render.safe(text) == text


@given(st.lists(st.floats(), max_size=100), st.integers(min_value=1, max_value=30))
def test_a_course_has_a_mark_for_each_step_and_never_more_than_its_width(values: list[float], width: int) -> None:
    drawn = render.sparkline(values, width)
    finite = [value for value in values if math.isfinite(value)]
    assert len(drawn) == (min(width, len(values)) if finite else 0)
    assert set(drawn) <= set(" ▁▂▃▄▅▆▇█")


def test_a_course_rises_as_its_values_do() -> None:
    assert render.sparkline([float(value) for value in range(8)]) == "▁▂▃▄▅▆▇█"
    assert render.sparkline([0.0, math.nan, 1.0]) == "▁ █"
    assert render.sparkline([5.0, 5.0]) == "▄▄"
    assert render.sparkline([-1.7e308, 1.7e308]) == "▁█"


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(days=30), "2026-01-01"),
        (timedelta(days=-2), "2026-02-02 12:00"),
    ],
)
def test_ages_are_told_in_their_greatest_unit(before: timedelta, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    assert render.ago(NOON - before, NOON).startswith(shown[:10])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (59.9, "59 s"), (61, "1 min 01 s"), (3600 * 5 + 300, "5 h 05 min"), (90000, "1 d 1 h")],
)
def test_durations_are_told_in_two_units(seconds: float, shown: str) -> None:
    assert render.duration(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB"), (150 << 20, "150 MiB")]
)
def test_sizes_are_told_in_binary_units(number: int, shown: str) -> None:
    assert render.size(number) == shown


def test_json_has_no_word_that_json_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_json({"a": math.nan, "b": [-math.inf], "c": "\ud800", "when": NOON, "s": Status.FAILED})
    assert capsys.readouterr().out == (
        '{"a":"NaN","b":["-Infinity"],"c":"\\\\ud800","when":"2026-01-31T12:00:00Z","s":"failed"}\n'
    )


def test_a_piped_table_is_tab_separated_exact_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    render.table([[0.1 + 0.2, NOON, Status.IN_PROGRESS, ["a", "b"], None, True, f"a\tb\n{long}"]], list("abcdefg"))
    assert capsys.readouterr().out == (
        f"a\tb\tc\td\te\tf\tg\n0.30000000000000004\t2026-01-31T12:00:00Z\tRunning\ta,b\t\ttrue\ta\\tb\\n{long}\n"
    )


@given(st.lists(st.lists(st.text(max_size=60), min_size=4, max_size=4), min_size=1, max_size=4))
def test_a_table_is_never_wider_than_the_terminal(rows: list[list[str]]) -> None:
    from rich.cells import cell_len

    screen = Terminal()
    before, sys.stdout = sys.stdout, screen
    try:
        render.table(rows, [render.Column("id"), "one", "two", "three"])
    finally:
        sys.stdout = before
    lines = screen.getvalue().splitlines()
    assert len(lines) == len(rows) + 1
    for line in lines:
        assert cell_len("".join(render.console_pieces(line, with_colours=False))) <= 80


def test_a_fixed_column_is_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    render.table([["i" * 32, "n" * 200]], [render.Column("id", is_fixed=True), "name"])
    text = sys.stdout.getvalue()  # type: ignore[attr-defined]
    assert "i" * 32 in text
    assert "…" in text
