"""Fewer points that still look like all of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.store import downsample
from taskstore.store.events import Series, downsampled

VALUES = st.lists(st.floats(), min_size=3, max_size=200)


@given(VALUES, st.integers(2, 50), st.sampled_from(sorted(downsample.METHODS)))
def test_at_most_so_many_points_are_chosen_in_order_and_the_ends_stay(values, count: int, method: str) -> None:
    kept = downsample.chosen(range(len(values)), values, count, method)
    assert len(kept) <= max(count, 2)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if len(values) <= count:
        assert len(kept) == len(values)


@pytest.mark.parametrize("method", sorted(downsample.METHODS))
def test_a_spike_stays(method: str) -> None:
    values = [math.sin(i / 50) for i in range(10_000)]
    values[6_789] = 5.0
    assert 6_789 in downsample.chosen(range(10_000), values, 100, method)


@pytest.mark.parametrize("method", sorted(downsample.METHODS))
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_point_that_is_no_number_stays(method: str, odd: float) -> None:
    values = [float(i % 7) for i in range(1_000)]
    values[321] = odd
    kept = downsample.chosen(range(1_000), values, 50, method)
    assert 321 in kept
    assert len(kept) >= 25


def test_the_least_and_the_greatest_of_all_are_among_min_max() -> None:
    values = [math.sin(i * i) for i in range(5_000)]
    kept = downsample.min_max(range(5_000), values, 40)
    assert min(values) in [values[at] for at in kept]
    assert max(values) in [values[at] for at in kept]


def test_lttb_is_what_its_paper_says() -> None:
    # Buckets {1, 2} and {3, 4}: beside (0, 0) and the mean (3.5, 0.5), point 2 spans more than point 1;
    # beside that and the end, point 3 more than point 4.
    assert downsample.lttb([0, 1, 2, 3, 4, 5], [0, 1, 4, 1, 0, 0], 4) == [0, 2, 3, 5]
    assert downsample.lttb([0, 1, 2, 3, 4, 5], [0, 9, 0, 0, -9, 0], 4) == [0, 1, 4, 5]


def test_points_reported_out_of_order_are_put_in_order_first() -> None:
    series = Series("m", "v", [5, 1, 3, 2, 4, 0], [50.0, 10.0, 30.0, 20.0, 40.0, 0.0], [1, 2, 3, 4, 5, 6])
    fewer = downsampled(series, 3)
    assert fewer.iterations == sorted(fewer.iterations)
    assert fewer.values == [10.0 * step for step in fewer.iterations]
    assert len(fewer.timestamps) == 3
    assert downsampled(series, 0) is series


def test_an_unknown_method_and_too_few_points_are_refused() -> None:
    with pytest.raises(BadValue, match="lttb, minmax"):
        downsample.chosen([1, 2, 3], [1, 2, 3], 2, "mean")
    with pytest.raises(BadValue, match="at least 2"):
        downsample.chosen([1, 2, 3], [1, 2, 3], 1)
