from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.core.nesting import flatten, unflatten

NESTED = st.recursive(
    st.integers() | st.just({}) | st.dictionaries(st.integers(), st.integers(), min_size=1),
    lambda inner: st.dictionaries(st.text(max_size=4) | st.text("a/\\.", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4) | st.text("a/\\", max_size=4), NESTED))
def test_what_was_flattened_nests_again(mapping):
    assert unflatten(flatten(mapping)) == mapping


@given(st.dictionaries(st.text("ab./\\", max_size=4), NESTED))
def test_another_separator_round_trips_too(mapping):
    assert unflatten(flatten(mapping, "."), ".") == mapping


def test_paths_read_as_a_person_writes_them():
    flat = flatten({"lr": 1, "model": {"depth": 2, "head": {"dim": 3}}})
    assert flat == {"lr": 1, "model/depth": 2, "model/head/dim": 3}


def test_a_separator_in_a_key_is_told_from_a_level():
    flat = flatten({"a": {"b": 1}, "a/b": 2})
    assert flat == {"a/b": 1, r"a\/b": 2}


def test_an_empty_mapping_is_a_value():
    assert flatten({"a": {}, "b": {"c": {}}}) == {"a": {}, "b/c": {}}


def test_a_mapping_with_other_keys_than_strings_is_a_value():
    assert flatten({"a": {1: "x", 2: "y"}}) == {"a": {1: "x", 2: "y"}}


def test_keys_at_the_top_are_spelled_as_text():
    assert flatten({1: "x", None: "y"}) == {"1": "x", "None": "y"}


def test_two_keys_that_spell_alike_are_refused():
    with pytest.raises(BadValue, match="two values are named '1'"):
        flatten({1: "x", "1": "y"})


@pytest.mark.parametrize("flat", [{"a": 1, "a/b": 2}, {"a/b": 2, "a": 1}, {"a": {}, "a/b": 2}])
def test_a_name_that_is_a_value_and_a_level_is_refused(flat):
    with pytest.raises(BadValue):
        unflatten(flat)


def test_a_mapping_within_itself_ends():
    loop: dict[str, object] = {}
    loop["again"] = loop
    assert len(flatten(loop)) == 1
