"""A task's page: its tabs, the console that goes on, the scalars that are drawn."""

from __future__ import annotations

import asyncio

from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import ScriptRecord
from taskstore.store import configuration, tasks
from taskstore.store.store import Store
from taskstore.tui.console import printed, shown
from taskstore.tui.lines import Pager
from tests.cli.conftest import Workshop, file_ref

from .conftest import Driven, Screen


def running(workshop: Workshop, store: Store) -> TaskPaths:
    made = workshop.task("a run", status=Status.CREATED)
    tasks.transition(store, made.id, Status.IN_PROGRESS, reason="started")
    return made


def test_the_console_goes_on_while_the_task_prints(
    drive: Driven, workshop: Workshop, store: Store, clock: FixedClock
) -> None:
    made = running(workshop, store)
    workshop.report(made, {}, {}, [("stdout", f"step {number}") for number in range(40)])

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "4")
        assert screen.text.splitlines()[21] == "step 39"
        assert "40 lines; running" in screen.text
        workshop.report(made, {}, {}, [("stdout", "step 40"), ("stderr", "a warning")])
        await screen.tick()
        assert screen.text.splitlines()[20:22] == ["step 40", "a warning"]
        await screen.press("g")
        workshop.report(made, {}, {}, [("stdout", "step 41")])
        await screen.tick()
        assert screen.text.splitlines()[3].startswith("step 0")
        assert "43 lines; running" in screen.text
        tasks.transition(store, made.id, Status.COMPLETED, reason="completed")
        await screen.tick()
        assert "43 lines; ended" in screen.text
        assert screen.text.startswith(" Completed  a run")

    drive(scenario)


def test_a_search_goes_from_line_to_line_that_holds_it(drive: Driven, workshop: Workshop) -> None:
    lines = [("stdout", f"line {number}: {'Error' if number % 40 == 7 else 'fine'}") for number in range(100)]
    workshop.task("a run", console=lines)

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "4", "slash", *"error", "enter")
        pager = screen.board.screen.query_one("#console Pager", Pager)
        found = [pager.found]
        for key in ("n", "n", "p"):
            await screen.press(key)
            found.append(pager.found)
        assert sorted(set(found)) == [7, 47, 87]
        assert found[1] == found[3]
        assert f"line {pager.found}: Error" in screen.text

    drive(scenario)


def test_colours_are_kept_and_nothing_else_that_a_program_says_to_a_terminal() -> None:
    from datetime import datetime, timezone

    from taskstore.store.events import ConsoleLine

    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    line = ConsoleLine(now, "stdout", "\x1b[31mred\x1b[0m \x1b[2J\x1b]8;;http://x\x07link\x1b]8;;\x07\ttab\x07")
    text = shown(line)
    assert printed(line).plain == text.plain
    assert text.plain == "red link    tab\\x07"
    assert [(span.start, span.end, str(span.style)) for span in text.spans] == [(0, 3, "color(1)")]
    assert shown(ConsoleLine(now, "stdout", "[red]x[/red]")).plain == "[red]x[/red]"


def test_execution_shows_the_command_the_packages_and_the_uncommitted_changes(
    drive: Driven, workshop: Workshop
) -> None:
    diff = b"--- a/train.py\n+++ b/train.py\n-old\n+new\n"
    script = ScriptRecord(
        entry_point="train.py",
        argv=["train.py", "--lr", "0.1 and more"],
        repository="git@example.org:x.git",
        version_num="c0ffee",
        requirements={"numpy": "2.0"},
        diff=file_ref("source/uncommitted.diff", diff),
    )
    workshop.task("a run", script=script, files={"source/uncommitted.diff": diff})

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "2")
        lines = screen.text.splitlines()
        assert "command      python train.py --lr '0.1 and more'" in lines
        assert "commit       c0ffee" in lines
        assert "numpy        2.0" in lines
        assert "+new" in lines

    drive(scenario)


def test_scalars_are_drawn_together_by_logarithm_and_grow(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = running(workshop, store)
    workshop.report(made, {"loss/train": [8.0, 4.0, 2.0], "loss/val": [9.0, 6.0, 5.0]}, {}, [])

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "5")
        assert "─ loss/train" in screen.text
        assert "─ loss/val" not in screen.text
        await screen.press("space", "space")
        assert "─ loss/val" in screen.text
        assert screen.text.splitlines()[-2].endswith("iterations")
        assert any(0x2800 < ord(char) < 0x2900 for char in screen.text)
        assert "10 ┤" not in screen.text
        workshop.report(made, {"loss/train": [8.0, 4.0, 2.0, 100.0]}, {}, [])
        await screen.tick()
        assert "100 ┤" in screen.text
        await screen.press("l", "t")
        assert screen.text.splitlines()[-2].endswith("seconds since the first point; logarithmic")
        assert "10 ┤" in screen.text

    drive(scenario)


def test_history_is_shown_newest_first(drive: Driven, workshop: Workshop) -> None:
    workshop.task("a run", status=Status.FAILED)

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "7")
        words = [line.split()[2] for line in screen.text.splitlines()[4:7]]
        assert words == ["Failed", "Running", "Draft"]

    drive(scenario)


def test_a_page_that_is_closed_while_it_looks_for_news_ends_nothing(
    drive: Driven, workshop: Workshop, store: Store
) -> None:
    running(workshop, store)

    async def scenario(screen: Screen) -> None:
        for _ in range(5):
            await screen.press("enter")
            looking = asyncio.create_task(screen.board.tick())
            await asyncio.sleep(0)
            screen.board.screen.dismiss(None)
            await looking
            await screen.settle()
            assert screen.text.startswith("taskstore 1 task")

    drive(scenario)


def test_a_cell_that_is_cut_is_read_in_full_and_so_is_a_configuration(
    drive: Driven, workshop: Workshop, store: Store
) -> None:
    made = workshop.task("a run", status=Status.CREATED, parameters={"Args/long": "x" * 70 + " the end of it"})
    configuration.put(store, made.id, "model", configuration.Content(b"layers: 3\nwidth: [12]\n", "yaml", "yaml"))

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "3")
        assert "the end of it" not in screen.text
        await screen.press("enter")
        assert "the end of it" in screen.text
        await screen.press("escape", "down", "enter")
        assert "layers: 3" in screen.text
        assert "width: [12]" in screen.text
        await screen.press("escape", "escape")
        assert screen.text.startswith("taskstore 1 task")

    drive(scenario)


def test_what_was_printed_goes_with_a_reset(drive: Driven, workshop: Workshop) -> None:
    workshop.task("a run", status=Status.FAILED, console=[("stdout", "before the reset")])

    async def scenario(screen: Screen) -> None:
        await screen.press("enter", "4")
        assert "before the reset" in screen.text
        await screen.press("R", "y")
        assert "before the reset" not in screen.text
        assert "nothing printed; draft" in screen.text

    drive(scenario)
