from __future__ import annotations

import pytest

from taskstore.board import ansi


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("plain", [("plain", "")]),
        ("", []),
        ("\x1b[32mgreen\x1b[0m not", [("green", "fg-2"), (" not", "")]),
        ("\x1b[1;31;44mloud\x1b[39;22m less", [("loud", "fg-1 bg-4 bold"), (" less", "bg-4")]),
        ("\x1b[97mwhite\x1b[m", [("white", "fg-15")]),
        ("\x1b[38;5;196mred of 256", [("red of 256", "fg-1")]),
        ("\x1b[38;2;250;80;80mtrue colour", [("true colour", "fg-9")]),
        ("\x1b[38;5mcut \x1b[38;2;1mshort", [("cut ", ""), ("short", "")]),
        ("\x1b[4munder\x1b[24;3;9m both", [("under", "underline"), (" both", "italic strike")]),
        ("a\x1b[2Kb\x1b]8;;http://evil\x07c", [("a", ""), ("b", ""), ("c", "")]),
        ("bell\x07 and\ttab", [("bell� and\ttab", "")]),
        ("<b>not bold</b>", [("<b>not bold</b>", "")]),
    ],
)
def test_a_line_is_split_by_its_colours_and_nothing_else_in_it_is_obeyed(line: str, pieces: list[ansi.Piece]) -> None:
    assert ansi.pieces(line) == pieces


def test_an_endless_line_is_cut_and_says_so() -> None:
    *_, last = ansi.pieces("x" * (ansi.LONGEST + 1500))
    assert last == (" … and 1,500 characters more", "dim")


def test_enormous_numbers_in_a_colour_are_passed_over() -> None:
    assert ansi.pieces(f"\x1b[{'9' * 5000}mx") == [("x", "")]
