from __future__ import annotations

from typing import Any

import pytest

from taskstore.board import columns
from taskstore.board.listing import WatchedListing
from taskstore.board.table import Table, View, cells
from taskstore.core.errors import BadValue
from taskstore.core.states import Status
from taskstore.disk.atomic import replace_record
from taskstore.schema import codec
from taskstore.schema.record import LastMetric, Parameter, ParamsRecord, SummaryRecord, TaskRecord
from taskstore.store import query, tasks
from taskstore.store.store import Store


def make(store: Store, name: str, project: str = "examples", lr: str | None = None, **fields: Any) -> str:
    def fill(paths: Any, record: TaskRecord) -> None:
        for field, value in fields.items():
            setattr(record, field, value)
        if lr is not None:
            params = ParamsRecord(hyperparams={"Args": {"lr": Parameter(lr, "float")}})
            replace_record(paths.params, codec.encode(params), is_durable=False)

    return tasks.create(store, project, name, fill=fill).id


def table(store: Store, **given: Any) -> Table:
    return Table(WatchedListing(store), **given)


def names(found: Table, **view: Any) -> list[str]:
    return [row.task.name for row in found.find(View(**view)).rows]


def test_what_is_found_is_kept_until_something_changes(store: Store) -> None:
    make(store, "one")
    made = table(store)
    first = made.find(View())
    assert made.find(View()) is first
    assert made.find(View(text="two")) is not first
    make(store, "two")
    assert made.listing.look(at_all=True)
    second = made.find(View())
    assert [row.task.name for row in second.rows] == ["two", "one"]
    assert second.version > first.version


def test_a_filter_that_counts_from_now_does_not_stand_still(store: Store) -> None:
    make(store, "one")
    now = [0.0]
    made = table(store, monotonic=lambda: now[0])
    first = made.find(View(q="created > 2d ago"))
    now[0] += 30
    assert made.find(View(q="created > 2d ago")) is first
    now[0] += 31
    assert made.find(View(q="created > 2d ago")) is not first


def test_no_more_views_are_kept_than_a_few(store: Store) -> None:
    made = table(store)
    first = made.find(View(text="0"))
    for number in range(1, 9):
        made.find(View(text=str(number)))
    assert made.find(View(text="0")) is not first


@pytest.mark.parametrize(
    "text", ["Alpha", "ALPHA beta", "a comment", "group/inner", "nlp", "lr 0.25", "straße", "STRASSE"]
)
def test_a_search_finds_each_word_in_whatever_a_task_says_of_itself(store: Store, text: str) -> None:
    made = make(store, "alpha beta straße", "group/inner", lr="0.25", comment="a comment of mine", tags=["nlp"])
    make(store, "other", "elsewhere", lr="7")
    assert names(table(store), text=text) == ["alpha beta straße"]
    assert names(table(store), text=made[:14]) == ["alpha beta straße"]
    assert names(table(store), text=f"{text} nowhere") == []


def test_project_archive_query_and_column_filters_hold_together(store: Store) -> None:
    make(store, "kept", "group", lr="0.01", status=Status.FAILED)
    make(store, "below", "group/inner", lr="0.02", status=Status.FAILED)
    make(store, "away", "group", lr="0.03", status=Status.FAILED, system_tags=[query.ARCHIVED])
    make(store, "elsewhere", "grouped", lr="0.04", status=Status.FAILED)
    made = table(store)
    q = "lr < 0.1 and status = failed"
    assert names(made, project="group", q=q, sort=("name",)) == ["below", "kept"]
    assert names(made, project="group", q=q, sort=("name",), with_archived=True) == ["away", "below", "kept"]
    filters = '{"param:Args/lr": {"filterType": "number", "type": "lessThan", "filter": 0.02}}'
    assert names(made, project="group", q=q, filters=filters) == ["kept"]


def test_of_several_orders_the_first_counts_most(store: Store) -> None:
    for name, lr in (("bbb", "10"), ("aaa", "9"), ("ccc", "9"), ("none", None)):
        make(store, name, lr=lr)
    made = table(store)
    assert names(made, sort=("param:Args/lr", "-name")) == ["ccc", "aaa", "bbb", "none"]
    assert names(made, sort=("-param:Args/lr", "name")) == ["bbb", "aaa", "ccc", "none"]


@pytest.mark.parametrize("view", [{"q": "lr <"}, {"filters": "{"}, {"filters": '{"name": 7}'}, {"sort": ("name",) * 9}])
def test_what_cannot_be_understood_is_refused(store: Store, view: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        table(store).find(View(**view))


def test_columns_are_those_of_all_tasks_and_each_parameter_and_metric_that_any_has(store: Store) -> None:
    made = make(store, "one", lr="0.5")
    paths = next(row.paths for row in query.find(store).rows if row.id == made)
    last = LastMetric(value=1.0, min_value=0.5, max_value=2.0)
    paths.summary.write_bytes(codec.encode(SummaryRecord(last_metrics={"a/b": {"c.min": last}})))
    found = table(store)
    known = {column.id: column for column in found.columns()}
    assert list(known)[: len(columns.FIXED)] == list(columns.FIXED)
    assert list(known)[len(columns.FIXED) :] == [
        "param:Args/lr",
        *(f"metric:a/b/c.min.{end}" for end in ("last", "min", "max")),
    ]
    assert known["param:Args/lr"].kind == "number"
    (row,) = cells(found.listing.rows, ["param:Args/lr", "metric:a/b/c.min.min", "metric:a/b/c.min.max", "status"])
    assert row["cells"] == {
        "param:Args/lr": "0.5",
        "metric:a/b/c.min.min": 0.5,
        "metric:a/b/c.min.max": 2.0,
        "status": "created",
    }


def test_a_column_is_known_by_its_id_alone(store: Store) -> None:
    make(store, "one", lr="0.5")
    rows = table(store).listing.rows
    assert columns.of("name") is columns.FIXED["name"]
    assert columns.of("param:Args/lr", rows).kind == "number"
    assert columns.of("param:Args/other", rows).kind == "text"
    assert columns.of("metric:loss/train.min").label == "loss/train (min)"


def test_a_cell_is_no_longer_than_people_read(store: Store) -> None:
    make(store, "one", lr="x" * 10_000)
    (row,) = table(store).listing.rows
    assert columns.cell(row, "param:Args/lr") == "x" * columns.MAX_TEXT + "…"


def test_a_parameter_is_found_by_its_name_alone_where_nothing_else_has_it(store: Store) -> None:
    made = make(store, "one", lr="0.5")
    paths = next(row.paths for row in query.find(store).rows if row.id == made)
    held = {"Other": {"lr": Parameter("9"), "name": Parameter("no")}, "Args": {"lr": Parameter("0.5")}}
    paths.params.write_bytes(codec.encode(ParamsRecord(hyperparams=held)))
    (row,) = query.find(store).rows
    assert (row.get("lr"), row.get("name"), row.get("Other/lr"), row.get("momentum")) == ("0.5", "one", "9", None)
