from __future__ import annotations

import itertools
import math
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstore.core.errors import BadValue
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import LastMetric, Parameter, ParamsRecord, ScriptRecord, SummaryRecord, TaskRecord
from taskstore.sections import compare
from taskstore.sections.compare import Side, Source, many
from taskstore.sections.compare.many import Line
from taskstore.store import tasks
from taskstore.store.store import Store


def task(name: str = "first run", number: int = 0) -> TaskRecord:
    return TaskRecord(
        id=f"{number:032x}",
        rev=1,
        name=name,
        type="training",
        status=Status.COMPLETED,
        created=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )


def side(name: str = "run", **values: str) -> Side:
    return Side(
        task(name), ParamsRecord(hyperparams={"Args": {key: Parameter(value) for key, value in values.items()}})
    )


def measured(**values: LastMetric) -> Side:
    return Side(task(), summary=SummaryRecord(last_metrics={"loss": values}))


def test_each_line_has_a_value_of_each_task_in_their_order() -> None:
    found = many.side_by_side([side(lr="0.1", seed="1"), side(lr="0.2"), side(lr="0.1", seed="1")])
    assert found.sections["parameters"] == (
        Line("Args/lr", ("0.1", "0.2", "0.1")),
        Line("Args/seed", ("1", None, "1")),
    )
    assert tuple(found.sections) == many.SECTIONS


def test_only_what_is_the_same_in_all_is_the_same() -> None:
    found = many.side_by_side([side(a="1", b="1", c="1"), side(a="1", b="1"), side(a="1", b="2", c="1")])
    assert [line.name for line in found.differing("parameters")] == ["Args/b", "Args/c"]
    assert Line("x", (math.nan, math.nan)).is_same
    assert not Line("x", (math.nan, 1.0)).is_same
    assert not Line("x", (1.0, math.nan)).is_same


def test_a_series_has_its_last_least_and_greatest_value_and_a_single_value_only_itself() -> None:
    low = LastMetric(value=0.5, iteration=9, min_value=0.25, max_value=2.0)
    odd = LastMetric(value="NaN", iteration=9, min_value=0.125, max_value="Infinity")
    single = LastMetric(value=7.0, iteration=-1, min_value=7.0, max_value=7.0)
    found = many.side_by_side([measured(train=low, best=single), measured(train=odd), measured(train=low)])
    best, last, least, greatest = found.sections["metrics"]
    assert best == Line("loss/best", (7.0, None, None), "last")
    assert (last.name, last.kind, str(last.values)) == ("loss/train", "last", "(0.5, nan, 0.5)")
    assert least == Line("loss/train", (0.25, 0.125, 0.25), "min")
    assert greatest == Line("loss/train", (2.0, math.inf, 2.0), "max")


def test_resources_are_no_metrics() -> None:
    busy = Side(task(), summary=SummaryRecord(last_metrics={":monitor:gpu": {"use": LastMetric(value=1.0)}}))
    assert many.side_by_side([busy, side()]).sections["metrics"] == ()


def test_extremes_are_of_the_numbers_and_shared_where_equal() -> None:
    line = Line("loss/train", (2.0, None, 0.5, math.nan, 0.5, 2.0), "last")
    assert line.least == (2, 4)
    assert line.greatest == (0, 5)
    assert Line("x", (1.0, 1.0)).least == Line("x", (1.0, None)).greatest == ()
    assert Line("x", ("1", "2")).least == ()


@given(st.lists(st.one_of(st.none(), st.floats()), min_size=2, max_size=20))
def test_no_task_beats_the_extremes(values: list[float | None]) -> None:
    line = Line("x", tuple(values))
    for place in line.least:
        assert all(not other < values[place] for other in values if other is not None)
    for place in line.greatest:
        assert all(not other > values[place] for other in values if other is not None)
    assert not set(line.least) & set(line.greatest)


def test_details_leave_out_what_no_task_has() -> None:
    one, other = task("one"), task("two")
    other.tags = ["b", "a"]
    found = many.side_by_side(
        [Side(one, project="p"), Side(other, project="p", summary=SummaryRecord(last_iteration=3))]
    )
    lines = {line.name: line.values for line in found.sections["details"]}
    assert lines["name"] == ("one", "two")
    assert lines["status"] == ("Completed", "Completed")
    assert lines["tags"] == (None, "a, b")
    assert lines["iteration"] == (None, 3)
    assert "comment" not in lines
    assert found.projects == ("p", "p")


def test_code_packages_and_machine_are_lines_of_their_own() -> None:
    scripts = [
        ScriptRecord(version_num=commit, argv=["t.py", "--x"], python="3.12", requirements={"b": commit, "a": "1"})
        for commit in ("c1", "c2")
    ]
    found = many.side_by_side([Side(task(), script=script) for script in scripts])
    assert found.sections["git"] == (Line("commit", ("c1", "c2")),)
    assert found.sections["packages"] == (Line("a", ("1", "1")), Line("b", ("c1", "c2")))
    assert found.sections["command"] == (Line("arguments", ("--x", "--x")),)
    assert Line("python", ("3.12", "3.12")) in found.sections["host"]


def test_files_are_compared_each_with_that_of_the_first_task() -> None:
    sources = [
        {"script": Source("h1", "a\nb\n")},
        {"script": Source("h1", "a\nb\n")},
        {"script": Source("h2", "a\n")},
        {},
    ]
    found = many.side_by_side([Side(task(), sources=each) for each in sources])
    (script,) = found.source
    assert not script.is_same
    assert [script.diff(place).is_same for place in range(4)] == [True, True, False, False]
    assert script.diff(2).lines[3:] == [" a", "-b"]
    assert script.diff(3).lines[3:] == ["-a", "-b"]
    assert found.sections["source"] == (Line("script", ("h1, 2 lines", "h1, 2 lines", "h2, 1 line", None)),)


def test_configuration_objects_are_compared_as_files_are() -> None:
    sides = [Side(task(), configuration={"model": Source(f"h{depth}", f"depth: {depth}\n")}) for depth in (1, 2)]
    found = many.side_by_side([*sides, Side(task(), configuration={"model": Source("h3", None)})])
    (model,) = found.configuration
    assert model.diff(1).lines[3:] == ["-depth: 1", "+depth: 2"]
    assert found.sections["configuration"] == (Line("model", ("h1, 1 line", "h2, 1 line", "h3")),)


def test_a_comparison_of_two_says_what_the_pairs_say() -> None:
    sides = [side(a="1", b="2"), side(a="1", b="3", c="4")]
    pairs = compare.compare(*sides).parameters
    lines = many.side_by_side(sides).sections["parameters"]
    assert [(pair.name, (pair.left, pair.right), pair.is_same) for pair in pairs] == [
        (line.name, line.values, line.is_same) for line in lines
    ]


@pytest.mark.parametrize("count", [0, 1, 21])
def test_fewer_than_two_and_more_than_twenty_are_refused(count: int, store: Store) -> None:
    with pytest.raises(BadValue, match=f"2 to 20 tasks are compared, not {count}"):
        many.side_by_side([side()] * count)
    with pytest.raises(BadValue, match=f"not {count}"):
        many.read(store, [TaskPaths(store.root / f"{number:032x}") for number in range(count)])


def test_tasks_are_read_with_their_projects_and_each_is_named_once(store: Store) -> None:
    made = [tasks.create(store, project, "run") for project in ("deep/inside", "other")]
    assert [each.project for each in many.read(store, made)] == ["deep/inside", "other"]
    with pytest.raises(BadValue, match="named twice"):
        many.read(store, [*made, made[0]])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_the_tasks_changes_no_line_but_the_order_of_its_values(order: tuple[int, ...]) -> None:
    sides = [side(a="1"), side(b="1", a="2"), side(c="3")]
    straight = many.side_by_side(sides).sections["parameters"]
    turned = many.side_by_side([sides[place] for place in order]).sections["parameters"]
    assert [(line.name, tuple(line.values[place] for place in order)) for line in straight] == [
        (line.name, line.values) for line in turned
    ]
