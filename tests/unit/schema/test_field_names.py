"""A field's name is written in one way, wherever it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.schema.conditions import spell_name
from taskstore.schema.field_names import parse_list, parse_order
from taskstore.schema.filters import parse

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(names, names)
def test_a_name_as_it_is_spelt_is_read_as_itself_in_a_filter_a_list_and_an_order(one: str, other: str) -> None:
    spelt = f"{spell_name(one)}, {spell_name(other)}"
    assert parse(f"{spell_name(one)} is set").names() == {one}
    if not one.startswith(("+", "-")) and not other.startswith(("+", "-")):
        assert parse_list(spelt) == [one, other]
        assert parse_order(spelt) == [f"+{one}", f"+{other}"]
    quoted = '"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert parse_list(quoted) == [one]
    assert parse_order(f"-{quoted}") == [f"-+{one}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,name", ["id", "name"]),
        (" id , name,, ", ["id", "name"]),
        ("val loss/a b.max,id", ["val loss/a b.max", "id"]),
        ('"val loss/a/b".max,id', ["val loss/a/b.max", "id"]),
        ('metric:"a, b/c".min , `d"e`', ["metric:a, b/c.min", 'd"e']),
        ('Args/"a, b"', ["Args/a, b"]),
        ("it's/x", ["it's/x"]),
        (r'"say \"x\"/a\\b"', ['say "x"/a\\b']),
        ("-lr", ["-lr"]),
        ("", []),
        (",", []),
    ],
)
def test_names_with_commas_between(text: str, expected: list[str]) -> None:
    assert parse_list(text) == expected


@pytest.mark.parametrize("text", ['"val loss', 'Args/"a b', '"a" b', '"a"b', "'a b'", "id,'a, b'"])
def test_quotes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadValue, match="write it like|like name"):
        parse_list(text)


def test_of_an_order_each_name_has_its_own_direction() -> None:
    assert parse_order('-"a, b".max, +c, d,-e') == ["-+a, b.max", "+c", "+d", "-+e"]
