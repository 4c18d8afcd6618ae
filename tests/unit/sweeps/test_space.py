from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.sweeps.space import MAX_TRIALS, Choices, Range, drawn, parse, points, space_of


@pytest.mark.parametrize(
    ("text", "name", "domain"),
    [
        ("Args/lr=0.1,0.01", ("Args", "lr"), Choices(("0.1", "0.01"))),
        ("lr= a , b ,a", ("General", "lr"), Choices(("a", "b"))),
        ("Args/url=a=b", ("Args", "url"), Choices(("a=b",))),
        ("Args/seed=1..100", ("Args", "seed"), Range(1, 100, is_whole=True)),
        ("Args/lr=-1..1.5", ("Args", "lr"), Range(-1, 1.5)),
        ("Args/lr=1e-5..1e-1:log", ("Args", "lr"), Range(1e-5, 0.1, is_log=True)),
        ("Args/width=16..1024:log", ("Args", "width"), Range(16, 1024, is_whole=True, is_log=True)),
    ],
)
def test_values_and_ranges_are_read_as_they_are_written(
    text: str, name: tuple[str, str], domain: Choices | Range
) -> None:
    assert parse(text) == (name, domain)


@pytest.mark.parametrize(
    "text",
    ["Args/lr", "=1", "Args/lr=", "Args/lr=1,,2", "a=2..1", "a=1..1", "a=a..b", "a=0..1:log", "a=1..2:exp", "a=1..inf"],
)
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse(text)


def test_a_parameter_is_given_once() -> None:
    grid = space_of(["a=1,2"])
    for texts in (["a=1"], ["b=1", "b=2"]):
        with pytest.raises(BadValue, match="given twice"):
            space_of(texts, grid)


def test_a_grid_is_every_combination_the_last_changing_first() -> None:
    found = points(space_of(["a=x,y", "b=1..3"]))
    assert [(point["General", "a"], point["General", "b"]) for point in found] == [
        (a, b) for a in "xy" for b in ("1", "2", "3")
    ]


@pytest.mark.parametrize("texts", [["a=0.5..1"], ["a=1..100000"], ["a=1..200", "b=1..200"], ["a=1..8:log"]])
def test_a_grid_that_has_no_end_or_too_many_points_is_refused(texts: list[str]) -> None:
    with pytest.raises(BadValue):
        points(space_of(texts))


def test_random_values_are_drawn_beside_the_grids_points_in_turn() -> None:
    found = list(drawn(space_of(["a=x,y"]), space_of(["b=1..6"]), 5, random.Random(1)))
    assert [point["General", "a"] for point in found] == ["x", "y", "x", "y", "x"]
    assert found == list(drawn(space_of(["a=x,y"]), space_of(["b=1..6"]), 5, random.Random(1)))
    assert found != list(drawn(space_of(["a=x,y"]), space_of(["b=1..6"]), 5, random.Random(2)))


@pytest.mark.parametrize(("others", "trials"), [([], 3), ([], 0), (["b=1..6"], None), (["b=1..6"], MAX_TRIALS + 1)])
def test_a_number_of_trials_that_cannot_be_is_refused(others: list[str], trials: int | None) -> None:
    with pytest.raises(BadValue):
        list(drawn(space_of(["a=x,y"]), space_of(others), trials, random.Random(1)))


@given(low=st.floats(1e-6, 1e6), factor=st.floats(1.001, 1e6), is_log=st.booleans(), seed=st.integers(0, 1000))
def test_what_is_drawn_is_within_the_range(*, low: float, factor: float, is_log: bool, seed: int) -> None:
    domain = Range(low, low * factor, is_log=is_log)
    assert low <= float(domain.draw(random.Random(seed))) <= low * factor


@given(low=st.integers(1, 1000), more=st.integers(1, 1000), is_log=st.booleans(), seed=st.integers(0, 1000))
def test_whole_numbers_stay_whole_and_within(*, low: int, more: int, is_log: bool, seed: int) -> None:
    text = Range(low, low + more, is_whole=True, is_log=is_log).draw(random.Random(seed))
    assert low <= int(text) <= low + more


def test_by_orders_of_magnitude_half_of_what_is_drawn_is_below_the_middle_one() -> None:
    domain, chance = Range(1e-4, 1, is_log=True), random.Random(0)
    below = sum(float(domain.draw(chance)) < 1e-2 for _ in range(2000))
    assert 900 < below < 1100
