from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskstore.core.curves import MARKS, Curve, Look, draw, legend

PLAIN = Look(width=24, height=5, is_ascii=True)


def lines(*curves: Curve, look: Look = PLAIN) -> list[str]:
    return ["".join(text for text, _ in pieces) for pieces in draw(curves, look)]


def curve(*values: float, name: str = "a") -> Curve:
    return Curve(name, list(enumerate(values)))


def area(drawn: list[str]) -> list[str]:
    """What is right of the axis."""
    return [line[re.match(r" *[-\d.e+]* [|+│┤]", line).end() :] for line in drawn[:-2]]


def test_a_rising_line_is_drawn_from_the_lower_left_to_the_upper_right() -> None:
    assert lines(curve(0, 1, 2, 3, 4)) == [
        "4 +                  ***",
        "  |             *****",
        "2 +        *****",
        "  |   *****",
        "0 +***",
        "  ++---------+---------+",
        "   0         2         4",
    ]


def test_a_gap_is_left_where_a_value_is_not_finite() -> None:
    for odd in (math.nan, math.inf, -math.inf):
        drawn = area(lines(curve(0, 0, odd, 1, 1), look=Look(width=46, height=3, is_ascii=True)))
        width = 41
        assert drawn[2].rstrip() == "*" * len(drawn[2].rstrip())
        assert 10 <= len(drawn[2].rstrip()) <= 12
        assert drawn[1] == ""
        assert re.fullmatch(r" {29,31}\*+", drawn[0])
        assert len(drawn[0]) == width


def test_what_has_no_point_to_be_drawn_has_no_lines() -> None:
    assert lines(curve()) == lines(curve(math.nan, math.inf)) == []
    assert lines(curve(0, -1), look=Look(is_log=True)) == []
    assert lines(curve(), curve(1, name="b")) != []


def test_a_logarithmic_axis_has_powers_of_ten_at_equal_steps() -> None:
    drawn = lines(curve(0.001, 0.01, 0.1, 1, 10, -1, 0), look=Look(width=40, height=9, is_ascii=True, is_log=True))
    labels = {row: line.split()[0] for row, line in enumerate(drawn[:9]) if line.split()[0] not in "|+"}
    assert labels == {0: "10", 4: "0.1", 8: "0.001"}


def test_curves_are_told_apart_by_colour_or_else_by_a_sign() -> None:
    pair = [curve(0, 0, name="low"), curve(1, 1, name="high")]
    coloured = Look(width=30, height=4)
    assert legend(pair, coloured) == [
        *(("", ""), ("─", "cyan"), (" low", "")),
        *(("  ", ""), ("─", "magenta"), (" high", "")),
    ]
    styles = [{style for text, style in pieces if text.strip() and style != "dim"} for pieces in draw(pair, coloured)]
    assert styles[0] == {"magenta"}
    assert styles[3] == {"cyan"}
    plain = Look(width=30, height=4, has_colours=False)
    assert "".join(text for text, _ in legend(pair, plain)) == "* low  + high"
    drawn = area(lines(*pair, look=plain))
    assert set(drawn[0]) == {"+"}
    assert set(drawn[3]) == {"*"}
    # One alone is told from nothing else, and has the finer dots.
    assert "⠉" in lines(curve(0, 1, name="one"), look=plain)[0]


def test_dots_of_braille_are_eight_to_a_sign() -> None:
    look = Look(width=12, height=1, has_colours=False)
    (row, *_) = lines(Curve("a", [(0, 0), (1, 1)]), look=look)
    assert re.search(r"[\u2801-\u28ff]", row)
    drawn = area(lines(Curve("a", [(0, 0), (15, 3)]), look=look))[0]
    bits = [ord(sign) - 0x2800 for sign in drawn]
    assert sum(bin(each).count("1") for each in bits) == 2 * len(drawn)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([7.0], ["7"]),
        ([1000000.0, 1000000.1, 1000000.2], ["1000000", "1000000.1", "1000000.2"]),
        ([1e-300, 2e-300], ["1e-300", "1.5e-300", "2e-300"]),
        ([-1.7e308, 1.7e308], ["-1.7e+308", "1.7e+308"]),
        ([0.0, 5e-324], None),
        ([-1.0, 1.0], ["-1", "0", "1"]),
        ([0.1 + 0.2, 0.3], None),
    ],
)
def test_the_labels_are_round_numbers_that_can_be_told_apart(values: list[float], labels: list[str] | None) -> None:
    drawn = lines(curve(*values), look=Look(width=40, height=9, is_ascii=True))
    found = [found[1] for line in drawn[:-2] if (found := re.match(r" *([-\d.e+]+) \+", line))]
    assert len(set(found)) == len(found) > 0
    assert [float(each) for each in found] == sorted(map(float, found), reverse=True)
    if labels is not None:
        assert found[::-1] == labels


def test_iterations_have_whole_labels() -> None:
    below = lines(curve(0, 1, 0, 1), look=Look(width=100, height=4, is_ascii=True))[-1].split()
    assert below == ["0", "1", "2", "3"]


_NUMBERS = st.one_of(st.floats(), st.integers(-(10**18), 10**18).map(float))


@given(
    st.lists(st.lists(_NUMBERS, max_size=12), min_size=1, max_size=len(MARKS)),
    st.integers(1, 90),
    st.integers(1, 20),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@example([[0.0, 1.797692134862316e308]], 40, 1, False, False, False)
@example([[-1.7e308, 1.7e308]], 40, 9, False, False, False)
def test_whatever_the_numbers_it_is_drawn_within_its_size(
    values: list[list[float]], width: int, height: int, is_log: bool, is_ascii: bool, has_colours: bool
) -> None:
    look = Look(width, height, is_log=is_log, is_ascii=is_ascii, has_colours=has_colours)
    drawn = lines(*(curve(*each) for each in values), look=look)
    is_known = any(math.isfinite(value) and (value > 0 or not is_log) for each in values for value in each)
    assert len(drawn) == (height + 2 if is_known else 0)
    longest_label = 24
    assert all(len(line) <= max(width, longest_label + 10) for line in drawn)
    if is_known:
        signs = "".join(area(drawn))
        assert any(sign in signs for sign in MARKS) or re.search(r"[\u2801-\u28ff]", signs)
    if is_ascii:
        assert all(line.isascii() for line in drawn)
