"""Whatever value a program has comes back from the store as it was: as a parameter, and in a configuration object."""

from __future__ import annotations

import copy
import enum
from datetime import date, datetime, timezone
from pathlib import PurePosixPath
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.secrets import Masker
from taskstore.sections import parameters
from taskstore.sections.configuration import text
from taskstore.sections.parameters.reading import value_of


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


_NOTHING_MASKED = Masker((), ("*",))
_texts = st.text(max_size=8)
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    _texts,
    st.binary(max_size=5),
)
_containers = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(_texts, st.integers(), st.tuples(st.integers())), inner, max_size=3),
    ),
    max_leaves=8,
)
_moments = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.sampled_from([timezone.utc]))  # noqa: DTZ001
_values = st.one_of(
    _containers,
    st.sets(st.integers(), max_size=3),
    st.frozensets(_texts, max_size=3),
    _moments,
    st.dates(),
    st.sampled_from(["a", "a/b.txt", "."]).map(PurePosixPath),
    st.complex_numbers(allow_nan=False, allow_infinity=False),
)


def _is_same(left: object, right: object) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return len(left) == len(right) and all(
            _is_same(one, other) and _is_same(left[one], right[other]) for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(_is_same, left, right))
    return left == right


@given(_values)
def test_a_parameter_is_read_back_as_the_value_that_it_was(value: Any) -> None:
    stored = parameters.parameter_of("name", value, _NOTHING_MASKED)
    assert _is_same(value_of(stored), value)


@given(st.dictionaries(_texts.filter(bool), st.one_of(_values, st.sampled_from(Number)), max_size=4))
def test_a_program_that_runs_again_gets_every_value_of_the_first_run(content: dict[str, Any]) -> None:
    stored = dict(parameters.flat_parameters(content, _NOTHING_MASKED))
    target = copy.deepcopy(content)
    texts = parameters.overrides(stored)
    assert parameters.apply(target, texts, {name: item.type for name, item in stored.items()}) == []
    assert target == content


def _is_yaml(value: object) -> bool:
    """Leave out what YAML has no type for."""
    return not isinstance(value, (PurePosixPath, complex, frozenset))


@given(st.dictionaries(_texts, _values.filter(_is_yaml), max_size=4))
def test_a_configuration_is_read_back_with_every_type(content: dict[str, Any]) -> None:
    spelled, is_exact = text.dumps(content)
    assert is_exact
    assert _is_same(text.loads(spelled), content)


@given(st.lists(_containers, max_size=3), st.dates())
def test_a_list_is_a_configuration_too(items: list[Any], day: date) -> None:
    spelled, _ = text.dumps([*items, day])
    assert _is_same(text.loads(spelled), [*items, day])
