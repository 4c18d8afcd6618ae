"""Logs read entry by entry are what they are read at once."""

from __future__ import annotations

import pytest

from taskstore.core.errors import Damaged
from taskstore.disk.layout import TaskPaths
from taskstore.store import events, plots, tasks
from taskstore.store.store import Store


@pytest.fixture
def task(store: Store) -> TaskPaths:
    paths = tasks.create(store, "examples", "a run")
    paths.events.mkdir()
    return paths


def point(timestamp: int, step: int, value: object = 1) -> str:
    return f'{{"timestamp":{timestamp},"iter":{step},"metric":"m","variant":"v","value":{value}}}\n'


def test_points_of_several_writers_come_in_order_of_time(task: TaskPaths) -> None:
    task.scalars("a-1-1").write_text(point(1, 1) + "torn\n" + point(4, 4) + '{"timestamp":9,')
    task.scalars("b-1-1").write_text(point(2, 2) + point(3, 3, '"NaN"'))
    assert [(item.timestamp, item.iter) for item in events.walk_scalars(task)] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    (series,) = events.read_scalars(task)
    assert series.iterations == [1, 2, 3, 4]


def test_console_lines_are_those_that_are_read_at_once(task: TaskPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_SUMMED_BYTES", 64)  # so that lines lie across blocks
    head = "2026-01-01T00:00:0{}.000000Z stdout {} {}\n"
    parts = [head.format(at, "P" if at % 3 == 0 else "F", "x" * at * 7) for at in range(8)]
    task.console("a-1-1").write_text("".join(parts))
    task.console("b-1-1").write_text(head.format(5, "F", "other") + head.format(6, "P", "never ended"))
    assert list(events.walk_console(task)) == list(events.read_console(task))
    assert [line.text for line in events.walk_console(task) if not line.is_whole] == ["never ended"]


def test_plots_come_in_order_of_time(task: TaskPaths) -> None:
    line = '{{"timestamp":{},"iter":{},"metric":"m","variant":"v","plot":{{"data":[]}}}}\n'
    task.plots("a-1-1").write_text(line.format(1, 1) + line.format(3, 3))
    task.plots("b-1-1").write_text("torn\n" + line.format(2, 2))
    assert [event.iter for event in plots.walk_plots(task)] == [1, 2, 3]


def test_a_log_that_is_a_folder_is_damage_and_one_that_has_gone_is_none(task: TaskPaths) -> None:
    assert list(events.walk_scalars(task)) == []
    task.scalars("a-1-1").mkdir()
    with pytest.raises(Damaged):
        list(events.walk_scalars(task))
