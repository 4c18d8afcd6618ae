"""From the table to a task, to what it printed, and back."""

from __future__ import annotations

from tests.cli.conftest import Workshop

from .conftest import Driven, Screen


def test_a_task_is_opened_its_console_read_and_the_table_is_back(drive: Driven, workshop: Workshop) -> None:
    workshop.task("first", console=[("stdout", "epoch \x1b[31m1\x1b[0m of 3")], parameters={"Args/lr": "0.25"})
    workshop.task("second")

    async def scenario(screen: Screen) -> None:
        assert [line.split()[1] for line in screen.text.splitlines()[2:4]] == ["second", "first"]
        await screen.press("down", "enter")
        assert "Completed  first  examples" in screen.text
        await screen.press("4")
        assert screen.text.splitlines()[3] == "epoch 1 of 3"
        assert "1 line; ended" in screen.text
        await screen.press("3")
        assert "Args/lr 0.25" in screen.text
        await screen.press("escape")
        assert screen.text.startswith("taskstore 2 tasks")
        assert screen.board.screen.table.row.task.name == "first"

    drive(scenario)
