from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

import pytest

pandas = pytest.importorskip("pandas")

from taskstore import Task, clearml, to_frame  # noqa: E402 - after the skip
from taskstore.core.errors import BadValue, NotFound  # noqa: E402
from taskstore.disk.layout import TaskPaths  # noqa: E402
from taskstore.schema.record import Parameter, ParamsRecord, TaskRecord  # noqa: E402
from taskstore.sections.reports import Writer  # noqa: E402
from taskstore.store import query, tasks  # noqa: E402
from taskstore.store.store import Store  # noqa: E402

TEXT = pandas.Series(["text"]).dtype


@pytest.fixture(autouse=True)
def _in_a_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKSTORE_ROOT", str(store.root))


def make(store: Store, name: str, project: str = "examples", **parameters: Parameter) -> TaskPaths:
    made = tasks.create(store, project, name)

    def change(record: ParamsRecord) -> None:
        record.hyperparams = {"Args": parameters} if parameters else {}

    tasks.edit_params(store, made.id, change)
    return made


def report(paths: TaskPaths, *points: tuple[str, str, float, int]) -> None:
    def fail(error: BaseException) -> None:
        raise error

    writer = Writer(lambda: paths, fail)
    for title, series, value, iteration in points:
        writer.scalar(title, series, value, iteration)
    writer.single_value("best", 7.0)
    writer.close()


def listed(column: Any) -> list[Any]:
    return [None if value is pandas.NA or value != value else value for value in column.tolist()]


def test_a_row_is_a_task_with_its_fields(store: Store) -> None:
    made = make(store, "one", "deep/inside")

    def change(record: TaskRecord) -> None:
        record.tags = ["a", "b"]
        record.active_duration = 1.5

    tasks.edit(store, made.id, change)
    frame = to_frame()
    (row,) = frame.to_dict("records")
    assert (row["id"], row["name"], row["project"], row["status"]) == (made.id, "one", "deep/inside", "created")
    assert row["tags"] == ["a", "b"]
    assert row["active_duration"] == 1.5
    assert row["created"] == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert row["started"] is pandas.NaT
    assert frame["last_iteration"].isna().tolist() == [True]


def test_the_types_of_columns_are_those_that_are_promised_also_of_no_tasks(store: Store) -> None:
    wanted = {
        **dict.fromkeys(("id", "name", "project", "type", "status", "comment", "user", "host", "parent"), TEXT),
        "tags": "object",
        **dict.fromkeys(("created", "started", "completed", "last_update"), "datetime64[us, UTC]"),
        "active_duration": "float64",
        "last_iteration": "Int64",
    }
    for frame in (to_frame(), make(store, "one") and to_frame()):
        assert {name: frame[name].dtype for name in frame} == wanted


def test_parameters_have_the_type_that_all_their_values_have(store: Store) -> None:
    make(
        store,
        "one",
        lr=Parameter("0.1", "float"),
        depth=Parameter("3", "int"),
        fast=Parameter("True", "bool"),
        mixed=Parameter("1", "int"),
        zip=Parameter("00123", "str"),
        plain=Parameter("7"),
        odd=Parameter("x", "int"),
        many=Parameter("[1, 2]", "list/int"),
        whole=Parameter("1", "int"),
        huge=Parameter("9" * 30, "int"),
        none=Parameter("", "NoneType"),
    )
    make(store, "two", lr=Parameter("nan", "float"), fast=Parameter("False", "bool"), mixed=Parameter("adam", "str"))
    make(store, "three", whole=Parameter("0.5", "float"), plain=Parameter("8"))
    frame = to_frame().set_index("name").loc[["one", "two", "three"]]
    found = {name.removeprefix("Args/"): (str(frame[name].dtype), listed(frame[name])) for name in frame if "/" in name}
    assert found == {
        "lr": ("float64", [0.1, None, None]),
        "depth": ("Int64", [3, None, None]),
        "fast": ("boolean", [True, False, None]),
        "mixed": (str(TEXT), ["1", "adam", None]),
        "zip": (str(TEXT), ["00123", None, None]),
        "plain": ("Int64", [7, None, 8]),
        "odd": (str(TEXT), ["x", None, None]),
        "many": (str(TEXT), ["[1, 2]", None, None]),
        "whole": ("float64", [1.0, None, 0.5]),
        "huge": (str(TEXT), ["9" * 30, None, None]),
        "none": (str(TEXT), ["", None, None]),
    }


def test_metrics_are_their_last_values_and_resources_are_asked_for(store: Store) -> None:
    made = make(store, "one", seed=Parameter("1", "int"))
    report(made, ("loss", "train", 3.0, 0), ("loss", "train", 0.5, 1), (":monitor:gpu", "use", 9.0, 0))
    report(made, ("Args", "seed", 5.0, 0))
    (row,) = to_frame().to_dict("records")
    assert (row["loss/train"], row["Summary/best"], row["last_iteration"]) == (0.5, 7.0, 1)
    assert (row["Args/seed"], row["metric:Args/seed"]) == (1, 5.0)
    assert ":monitor:gpu/use" not in row
    assert to_frame(with_resources=True)[":monitor:gpu/use"].tolist() == [9.0]


def test_tasks_are_chosen_by_a_filter_a_query_ids_tasks_or_a_listing(store: Store) -> None:
    one, two = make(store, "one", lr=Parameter("1", "int")), make(store, "two", "other", lr=Parameter("2", "int"))

    def archive(record: TaskRecord) -> None:
        record.system_tags = ["archived"]

    tasks.edit(store, make(store, "away").id, archive)

    def names(*wanted: object) -> list[str]:
        return to_frame(*wanted)["name"].tolist()

    assert names() == ["two", "one"]
    assert names("Args/lr > 1") == ["two"]
    assert names(query.Query(project="examples", with_archived=True)) == ["away", "one"]
    assert names([one.id, two.id[:-1]]) == ["one", "two"]
    assert names(Task.get_task(two.id)) == ["two"]
    assert names(Task.get_tasks(project_name="other")) == ["two"]
    assert names(Task.query_tasks(project_name="other")) == ["two"]
    assert names(query.find(store, limit=1)) == ["two"]
    assert names(query.find(store).rows[:1]) == ["two"]
    assert names(clearml.Task.get_tasks(project_name="other")) == ["two"]
    assert names([]) == []
    for wrong in (7, [7], {"a": 1}, b"x"):
        with pytest.raises(BadValue, match="to_frame takes tasks"):
            to_frame(wrong)
    with pytest.raises(NotFound):
        to_frame(["nothing like it"])


def test_scalars_are_a_row_a_point_with_their_promised_types(store: Store) -> None:
    one, two = make(store, "one"), make(store, "two")
    report(one, ("loss", "train", 3.0, 0), ("loss", "train", math.nan, 1), (":monitor:gpu", "use", 9.0, 0))
    report(two, ("acc", "val", 0.5, 7))
    frame = to_frame([one.id, two.id], scalars=True)
    kinds = {
        **dict.fromkeys(("task", "title", "series"), TEXT),
        **{"iteration": "int64", "time": "datetime64[us, UTC]", "value": "float64"},
    }
    assert {name: frame[name].dtype for name in frame} == kinds
    shown = [
        tuple(None if value != value else value for value in row)
        for row in frame[["task", "title", "series", "iteration", "value"]].itertuples(index=False)
    ]
    assert shown == [
        (one.id, "loss", "train", 0, 3.0),
        (one.id, "loss", "train", 1, None),
        (two.id, "acc", "val", 7, 0.5),
    ]
    assert frame["time"].notna().all()
    assert abs((frame["time"].iloc[0] - pandas.Timestamp.now(tz="UTC")).total_seconds()) < 3600
    assert len(to_frame([one.id], scalars=True, with_resources=True)) == 3
    empty = to_frame([], scalars=True)
    assert {name: empty[name].dtype for name in empty} == kinds


def test_numbers_that_pandas_cannot_hold_are_no_failure(store: Store) -> None:
    made = make(store, "one")
    made.events.mkdir(exist_ok=True)
    (made.events / "scalars.odd.jsonl").write_text(
        '{"timestamp":1e300,"iter":1,"metric":"a","variant":"b","value":1.0}\n'
        f'{{"timestamp":0,"iter":{2**70},"metric":"a","variant":"b","value":2.0}}\n'
    )
    frame = to_frame(scalars=True)
    assert frame["value"].tolist() == [1.0]
    assert frame["time"].isna().all()
    assert to_frame()["last_iteration"].isna().tolist() == [True]
