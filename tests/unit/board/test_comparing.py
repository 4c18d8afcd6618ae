from __future__ import annotations

import csv
import io
import math

import pytest

from taskstore.board import comparing
from taskstore.board.comparing import Axis, Comparison
from taskstore.board.listing import WatchedListing
from taskstore.core.errors import BadValue, Damaged, NotFound
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord
from taskstore.sections.compare.many import Line
from taskstore.sections.reports import Writer
from taskstore.store import query, tasks, trash
from taskstore.store.query import Row
from taskstore.store.store import Store


def make(store: Store, name: str, **values: str) -> str:
    paths = tasks.create(store, "examples", name)

    def fill(record: ParamsRecord) -> None:
        record.hyperparams = {
            "Args": {key: Parameter(value) for key, value in values.items()},
            "properties": {"note": Parameter(name)},
        }

    tasks.edit_params(store, paths.id, fill)
    return paths.id


def report(store: Store, task_id: str, series: str, *values: float, is_single: bool = False) -> None:
    def failed(error: Exception) -> None:
        raise error

    writer = Writer(lambda: comparing.places.locate(store, task_id), failed)
    for iteration, value in enumerate(values):
        if is_single:
            writer.single_value(series, value)
        else:
            writer.scalar("loss", series, value, iteration)
    writer.close()


def rows(store: Store, *ids: str) -> list[Row]:
    return [query.row_of(store, comparing.places.locate(store, task_id)) for task_id in ids]


def test_too_few_too_many_and_the_same_twice_are_refused(store: Store) -> None:
    ids = [f"{number:032x}" for number in range(21)]
    for wanted, text in (
        (ids[:1], "not 1"),
        (ids, "not 21"),
        ([ids[0], ids[1], ids[0]], f"task {ids[0]} is named twice"),
    ):
        with pytest.raises(BadValue, match=text):
            Comparison(store, wanted, {})


def test_each_task_that_cannot_be_read_is_a_problem_of_its_own(store: Store) -> None:
    good, broken, gone = (make(store, name) for name in ("good", "broken", "gone"))
    (comparing.places.locate(store, broken).home / "params.json").write_text("[")
    trash.put(store, gone)
    found = Comparison(store, [good, broken, gone, "no id"], {})
    assert {task_id: type(error) for task_id, error in found.problems.items()} == {
        broken: Damaged,
        gone: NotFound,
        "no id": NotFound,
    }
    assert "trash restore" in str(found.problems[gone])


def test_what_has_changed_is_read_again_and_nothing_else(store: Store) -> None:
    one, other = (make(store, name) for name in ("one", "two"))
    listing = WatchedListing(store)
    found = Comparison(store, [one, other], comparing.listed(listing.rows))
    assert found.changed(comparing.listed(listing.rows)) == []
    before = found.side(other)

    def rename(record: TaskRecord) -> None:
        record.name = "another name"

    tasks.edit(store, one, rename)
    listing.look(at_all=True)
    known = comparing.listed(listing.rows)
    assert found.changed(known) == [one]
    found.refresh([one], known)
    assert found.names == ("another name", "two")
    assert found.table.sections["details"][0].values == ("another name", "two")
    assert found.side(other) is before


def test_one_that_goes_while_it_is_looked_at_stays_as_it_was(store: Store) -> None:
    one, other = (make(store, name) for name in ("one", "two"))
    found = Comparison(store, [one, other], {})
    trash.put(store, one)
    found.refresh([one], {})
    assert found.names == ("one", "two")
    assert found.problems == {}


def test_a_task_keeps_its_rank_whatever_the_order(store: Store) -> None:
    one, two, three = (make(store, name) for name in ("one", "two", "three"))
    first = Comparison(store, [one, two, three], {})
    second = Comparison(store, [three, one, two], {})
    assert dict(zip(first.ids, first.ranks, strict=True)) == dict(zip(second.ids, second.ranks, strict=True))
    assert sorted(first.ranks) == [0, 1, 2]


@pytest.mark.parametrize(
    ("texts", "axis"),
    [
        (("1", "2e-3", "-4"), Axis("Args/x", (1.0, 0.002, -4.0))),
        (("b", "a", "b"), Axis("Args/x", (1.0, 0.0, 1.0), ("a", "b"))),
        (("1", "a", "1"), Axis("Args/x", (0.0, 1.0, 0.0), ("1", "a"))),
        (("1_000", "2", "3"), Axis("Args/x", (0.0, 1.0, 2.0), ("1_000", "2", "3"))),
        (("nan", "2", "inf"), Axis("Args/x", (2.0, 0.0, 1.0), ("2", "inf", "nan"))),
        (("1", None, "3"), Axis("Args/x", (1.0, None, 3.0))),
        (("a", None, "a"), Axis("Args/x", (0.0, None, 0.0), ("a",))),
    ],
)
def test_an_axis_has_numbers_where_all_values_are_and_names_otherwise(
    store: Store, texts: tuple[str | None, ...], axis: Axis
) -> None:
    ids = [make(store, f"task {place}", **({} if text is None else {"x": text})) for place, text in enumerate(texts)]
    assert comparing.parameter_axis(rows(store, *ids), "Args/x") == axis


def test_what_is_no_finite_number_has_no_place_on_a_metrics_axis(store: Store) -> None:
    ids = [make(store, name) for name in ("one", "two", "three")]
    report(store, ids[0], "train", 0.5)
    report(store, ids[1], "train", math.nan)
    assert comparing.metric_axis(rows(store, *ids), "loss/train").values == (0.5, None, None)


def test_parameters_that_differ_come_first_and_properties_are_none(store: Store) -> None:
    one, two = make(store, "one", a="1", z="1", only="x"), make(store, "two", a="1", z="2")
    assert comparing.parameter_names(rows(store, one, two)) == ["Args/only", "Args/z", "Args/a"]


def test_metrics_that_most_have_come_first_and_single_values_are_no_curves(store: Store) -> None:
    one, two = make(store, "one"), make(store, "two")
    report(store, one, "a", 1.0)
    for each in (one, two):
        report(store, each, "z", 1.0)
        report(store, each, "best", 1.0, is_single=True)
    found = rows(store, one, two)
    assert comparing.metric_names(found) == ["Summary/best", "loss/z", "loss/a"]
    assert comparing.series_names(found) == ["loss/z", "loss/a"]


def test_csv_has_exact_numbers_and_no_text_that_a_spreadsheet_would_run() -> None:
    lines = [Line("=cmd()", (0.1 + 0.2, None, math.inf), "last")]
    text = comparing.as_csv(lines, [("0" * 32, '=HYPERLINK("x")'), ("1" * 32, "a,b\nc"), ("2" * 32, "-1")])
    assert list(csv.reader(io.StringIO(text))) == [
        ["metric", "value", f'\'=HYPERLINK("x") ({"0" * 12})', f"a,b\nc ({'1' * 12})", f"'-1 ({'2' * 12})"],
        ["'=cmd()", "last", "0.30000000000000004", "", "inf"],
    ]
