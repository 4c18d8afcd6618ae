"""The table of tasks: what is shown, found, sorted, and how it follows."""

from __future__ import annotations

import time

import pytest

from taskstore.core.states import Status
from taskstore.schema.record import TaskRecord
from taskstore.store import tasks
from taskstore.store.store import Store
from taskstore.tui.table import Table, fitted
from tests.cli.conftest import Workshop

from .conftest import Driven, Screen


def names(screen: Screen) -> list[str]:
    table: Table[object] = screen.board.screen.query_one("#tasks", Table)
    return [row.task.name for row in table.rows]  # type: ignore[attr-defined]  # they are rows of tasks


def test_a_search_shows_what_fits_while_it_is_typed(drive: Driven, workshop: Workshop) -> None:
    for name in ("alpha", "beta", "alphabet"):
        workshop.task(name)

    async def scenario(screen: Screen) -> None:
        await screen.press("slash", *"alp")
        assert names(screen) == ["alphabet", "alpha"]
        assert "search alp" in screen.text.splitlines()[0]
        await screen.press("enter", "escape")
        assert len(names(screen)) == 3

    drive(scenario)


def test_what_is_wrong_with_a_filter_is_said_at_the_field(drive: Driven, workshop: Workshop) -> None:
    workshop.task("low", parameters={"Args/lr": "0.1"})
    workshop.task("high", parameters={"Args/lr": "0.9"})

    async def scenario(screen: Screen) -> None:
        await screen.press("f")
        await screen.type("Args/lr > ")
        await screen.press("enter")
        assert screen.text.splitlines()[2].startswith("bad filter, column 11: expected a value")
        assert len(names(screen)) == 2
        await screen.type("0.5")
        assert "bad filter" not in screen.text
        await screen.press("enter")
        assert names(screen) == ["high"]

    drive(scenario)


def test_tasks_are_sorted_by_any_metric_and_a_parameter_is_a_column(drive: Driven, workshop: Workshop) -> None:
    workshop.task("worse", parameters={"Args/lr": "0.125"}, scalars={"loss/val": [3.0]})
    workshop.task("best", parameters={"Args/lr": "0.5"}, scalars={"loss/val": [1.0]})
    workshop.task("none")

    async def scenario(screen: Screen) -> None:
        await screen.press("s", "end", *["backspace"] * 8)
        await screen.type("loss/val")
        await screen.press("enter")
        assert names(screen) == ["best", "worse", "none"]
        await screen.press("c")
        await screen.type("Args/lr")
        await screen.press("enter")
        assert "Args/lr" in screen.text.splitlines()[1]
        assert "0.125" in screen.text.splitlines()[3]

    drive(scenario)


def test_projects_show_their_counts_and_choose_what_is_listed(drive: Driven, workshop: Workshop) -> None:
    workshop.task("one", project="vision/deep")
    workshop.task("two", project="vision")
    workshop.task("three", project="speech")

    async def scenario(screen: Screen) -> None:
        await screen.press("p")
        left = [line[:27].split() for line in screen.text.splitlines()[1:6]]
        assert left == [["project"], ["all", "projects", "3"], ["speech", "1"], ["vision", "2"], ["deep", "1"]]
        await screen.press("end", "enter")
        assert names(screen) == ["one"]
        await screen.press("escape")
        assert len(names(screen)) == 3

    drive(scenario)


def test_archived_tasks_are_shown_on_request(drive: Driven, workshop: Workshop) -> None:
    def archived(record: TaskRecord) -> None:
        record.system_tags = ["archived"]

    workshop.task("old", edit=archived)

    async def scenario(screen: Screen) -> None:
        assert "no task fits" in screen.text
        await screen.press("v")
        assert names(screen) == ["old"]

    drive(scenario)


def test_an_empty_store_says_what_to_do(drive: Driven) -> None:
    async def scenario(screen: Screen) -> None:
        assert "no tasks yet; `taskstore run SCRIPT` makes one" in screen.text
        await screen.press("enter", "X", "a", "d")
        assert screen.said[0] == "no task is chosen"

    drive(scenario)


def test_what_others_write_is_shown_and_the_cursor_stays_at_its_task(
    drive: Driven, workshop: Workshop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = workshop.task("first", status=Status.CREATED)
    workshop.task("second")

    async def scenario(screen: Screen) -> None:
        monkeypatch.setattr(screen.board.listing, "_monotonic", lambda: time.monotonic() + 3600)
        await screen.press("down")
        workshop.task("third")
        tasks.transition(store, made.id, Status.IN_PROGRESS, reason="started")
        tasks.edit(store, made.id, lambda record: record.runtime.update(progress="40"))
        await screen.tick()
        assert names(screen) == ["third", "second", "first"]
        assert screen.board.screen.query_one("#tasks", Table).at == 2
        assert "Running 40%" in screen.text
        assert "1 running" in screen.text.splitlines()[0]

    drive(scenario)


def test_marks_are_of_tasks_that_are_there(drive: Driven, workshop: Workshop) -> None:
    workshop.task("one")
    workshop.task("two")

    async def scenario(screen: Screen) -> None:
        await screen.press("space", "space")
        assert "2 marked" in screen.text
        await screen.press("X", "y")
        assert "marked" not in screen.text
        await screen.press("d")
        assert screen.said[-1].startswith("mark 2 to 20 tasks")

    drive(scenario)


def test_two_marked_tasks_are_set_side_by_side(drive: Driven, workshop: Workshop) -> None:
    for name, rate in (("one", "0.1"), ("two", "0.2")):
        workshop.task(name, parameters={"Args/lr": rate, "Args/seed": "7"}, scalars={"loss/val": [float(rate)]})

    async def scenario(screen: Screen) -> None:
        await screen.press("space", "space", "d")
        lines = [line.split() for line in screen.text.splitlines()]
        assert ["Args/lr", "0.2", "0.1"] in lines
        assert ["loss/val", "last", "0.2", "▲", "0.1", "▼"] in lines
        assert "Args/seed" not in screen.text
        await screen.press("equals_sign")
        assert "Args/seed" in screen.text
        await screen.press("escape")
        assert len(names(screen)) == 2

    drive(scenario)


def test_of_ten_thousand_rows_those_are_made_that_are_seen(drive: Driven, workshop: Workshop, store: Store) -> None:
    from dataclasses import replace

    import msgspec

    workshop.task("a task", scalars={"loss/val": [1.0]})

    async def scenario(screen: Screen) -> None:
        (row,) = screen.board.listing.rows
        screen.board.listing.rows = tuple(
            replace(row, task=msgspec.structs.replace(row.task, id=f"{number:032x}", name=f"task {number}"))
            for number in range(10_000)
        )
        screen.board.listing.version += 1
        await screen.board.screen.follow(True)
        table: Table[object] = screen.board.screen.query_one("#tasks", Table)
        drawn: list[int] = []
        line = table.line
        table.line = lambda index: (drawn.append(index), line(index))[1]  # type: ignore[method-assign]  # to count
        await screen.press("end")
        assert "task 0" in screen.text
        assert len(set(drawn)) < 60

    drive(scenario)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 8, "short   "),
        ("much too long", 8, "much to…"),
        ("日本語日本語", 8, "日本語 …"),
        ("a\x1b[31mb", 12, "a\\x1b[31mb  "),
        ("a\u202eb", 9, "a\\u202eb "),
        ("\n", 3, "\\n "),
        ("x" * 1_000_000, 4, "xxx…"),
    ],
)
def test_a_cell_is_as_wide_as_it_must_be_whatever_is_in_it(text: str, width: int, shown: str) -> None:
    assert fitted(text, width) == shown
