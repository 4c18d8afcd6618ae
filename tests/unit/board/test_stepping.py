from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.board import stepping
from taskstore.sections.reports import Writer
from taskstore.store import tasks
from taskstore.store.samples import Sample
from taskstore.store.store import Store

ONE, TWO = ("examples", "one"), ("examples", "two")


def test_series_that_most_tasks_have_come_first() -> None:
    found = [{TWO: [1]}, {ONE: [1], TWO: [2]}, {("a", "b"): [3]}]
    assert stepping.names(found) == [TWO, ("a", "b"), ONE]


def test_the_steps_are_those_of_any_task() -> None:
    assert stepping.union([{ONE: [1, 5]}, {ONE: [2, 5], TWO: [9]}, {}], ONE) == [1, 2, 5]


@pytest.mark.parametrize(("step", "shown"), [(0, None), (1, 1), (4, 1), (5, 5), (9, 5)])
def test_a_step_shows_what_was_reported_at_it_or_last_before(step: int, shown: int | None) -> None:
    assert stepping.at_step([1, 5], step) == shown


@given(st.lists(st.integers(-9, 9), unique=True).map(sorted), st.integers(-12, 12))
def test_nothing_that_is_shown_is_of_later(known: list[int], step: int) -> None:
    assert stepping.at_step(known, step) == max((each for each in known if each <= step), default=None)


def test_of_several_samples_of_an_iteration_the_latest_is_shown(store: Store) -> None:
    paths = tasks.create(store, "examples", "one")
    writer = Writer(lambda: paths, lambda error: pytest.fail(str(error)))
    for name, iteration in (("first.txt", 1), ("second.txt", 1), ("later.txt", 2)):
        writer.media(*ONE, Sample(".txt", "text/plain", name, [name.encode()]), iteration)
    writer.close()
    assert stepping.sample_steps(paths) == {ONE: [1, 2]}
    found = stepping.sample_at(paths, *ONE, 1)
    assert found is not None
    assert found.name == "second.txt"
    assert stepping.sample_at(paths, *ONE, 3) is None
