from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.clock import FixedClock
from taskstore.schema.record import Parameter, ParamsRecord
from taskstore.sections.compare import importance
from taskstore.sections.compare.importance import Importance
from taskstore.sections.reports import Writer
from taskstore.store import query, tasks
from taskstore.store.store import Store


def ranked(*samples: tuple[dict[str, str], float | None]) -> dict[str, float | None]:
    return {item.name: item.score for item in importance.rank(samples)}


def test_a_number_that_orders_the_tasks_as_the_metric_does_is_all_of_it_either_way() -> None:
    found = importance.rank(
        [
            ({"lr": lr, "wd": wd}, value)
            for lr, wd, value in (("1e-4", "3", 0.9), ("0.001", "2", 0.5), ("0.1", "1", 0.4))
        ]
    )
    assert found == [Importance("lr", 1.0, "spearman", -1, 3), Importance("wd", 1.0, "spearman", 1, 3)]


def test_spearman_is_what_the_textbook_has() -> None:
    """Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 * 4 / (5 * 24)."""
    assert importance.spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50]) == pytest.approx(0.8)
    # Ties share their rank: 1, 2.5, 2.5, 4 against 1 2 3 4 is 4.5 / sqrt(4.5 * 5).
    assert importance.spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(22.5))


def test_the_correlation_ratio_is_what_the_textbook_has() -> None:
    """Scores of three subjects; the sum of squares is 6780 between them and 9640 in all."""
    algebra, geometry, statistics = [45, 70, 29, 15, 21], [40, 20, 30, 42], [65, 95, 80, 70, 85, 73]
    groups = ["a"] * 5 + ["g"] * 4 + ["s"] * 6
    values = [float(value) for value in algebra + geometry + statistics]
    assert importance.eta(groups, values) == pytest.approx(math.sqrt(6780 / 9640))


def test_words_are_compared_by_the_metric_within_and_between_them() -> None:
    assert ranked(({"opt": "adam"}, 1.0), ({"opt": "adam"}, 1.0), ({"opt": "sgd"}, 2.0))["opt"] == 1.0
    assert ranked(({"opt": "a"}, 1.0), ({"opt": "a"}, 2.0), ({"opt": "b"}, 1.0), ({"opt": "b"}, 2.0))["opt"] == 0.0


@pytest.mark.parametrize(
    "samples",
    [
        [({"x": "1"}, 1.0), ({"x": "2"}, 2.0)],
        [({"x": "1"}, 1.0), ({"x": "2"}, 2.0), ({"x": "3"}, None), ({"x": "4"}, math.nan), ({"x": "5"}, math.inf)],
        [({"x": "1"}, 1.0), ({"x": "2"}, 2.0), ({}, 3.0)],
        [({"x": "7"}, 1.0), ({"x": "7.0"}, 2.0), ({"x": "7"}, 3.0)],
        [({"x": "1"}, 1.0), ({"x": "2"}, 1.0), ({"x": "3"}, 1.0)],
        [({"x": "a"}, 1.0), ({"x": "b"}, 2.0), ({"x": "c"}, 3.0)],
    ],
    ids=["two tasks", "two with a finite metric", "two with it", "one value", "one metric", "a word each"],
)
def test_what_the_tasks_do_not_tell_has_no_score(samples: list[tuple[dict[str, str], float | None]]) -> None:
    assert ranked(*samples) == {"x": None}


def test_the_most_important_come_first_and_the_unknown_last() -> None:
    samples = [
        ({"best": "1", "some": "1", "none": "4", "zero": "1"}, 1.0),
        ({"best": "2", "some": "3", "none": "4", "zero": "2"}, 2.0),
        ({"best": "3", "some": "2", "none": "4", "zero": "1"}, 3.0),
    ]
    assert list(ranked(*samples)) == ["best", "some", "zero", "none"]
    assert ranked(*samples)["some"] == pytest.approx(0.5)
    assert ranked(*samples)["zero"] == 0.0


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "True", ""])
def test_what_is_no_plain_number_is_a_word(text: str) -> None:
    (found,) = importance.rank([({"x": text}, 1.0), ({"x": text}, 1.5), ({"x": "2"}, 3.0)])
    assert found.method == "eta"


_VALUES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "1", "2", "3.5"]), st.floats(allow_nan=False, allow_infinity=False)),
    min_size=3,
)


@given(_VALUES)
def test_a_score_is_from_0_to_1_whatever_the_numbers(pairs: list[tuple[str, float]]) -> None:
    (found,) = importance.rank([({"x": text}, value) for text, value in pairs])
    assert found.score is None or 0.0 <= found.score <= 1.0


def test_tasks_are_ranked_by_a_metric_as_filters_name_it_and_user_properties_are_left_out(
    store: Store, clock: FixedClock
) -> None:
    rows = []
    for lr, course in (("1", [9.0, 3.0]), ("2", [1.0, 2.0]), ("3", [0.5, 1.0])):
        paths = tasks.create(store, "examples", "run")

        def change(record: ParamsRecord, lr: str = lr) -> None:
            record.hyperparams = {"Args": {"lr": Parameter(lr)}, "properties": {"note": Parameter(lr)}}

        tasks.edit_params(store, paths.id, change)

        def fail(error: BaseException) -> None:
            raise error

        writer = Writer(lambda paths=paths: paths, fail)
        for iteration, value in enumerate(course):
            writer.scalar("loss", "train", value, iteration)
        writer.close()
        rows.append(query.row_of(store, paths))
    for metric in ("loss/train", "loss/train.min"):
        assert importance.of_rows(rows, metric) == [Importance("Args/lr", 1.0, "spearman", -1, 3)]
    assert importance.of_rows(rows, "loss/none")[0].score is None
