"""What is in a task's fields is text, whatever it is: it neither styles, moves, hides nor ends anything."""

from __future__ import annotations

import time

import pytest

from taskstore.core.spelling import safe
from taskstore.core.states import Status
from taskstore.schema.record import TaskRecord
from taskstore.store.store import Store
from taskstore.tui.task import TABS
from tests.cli.conftest import Workshop

from .conftest import Driven, Screen

HOSTILE = [
    "[bold red]x[/] [/] closes [nothing [@click=app.quit]press[/] {braces} $x %s \\[escaped] \x1b[2J\x1b]0;t\x07",
    "a\u202egnp.exe \ud800 👩\u200d👩\u200d👧 line\nbreak\r\ttab\x00nul\x7f",
    "日本語" * 40 + "e\u0301" * 60 + "n" * 5_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_field_is_shown_on_every_screen(
    drive: Driven, workshop: Workshop, store: Store, text: str
) -> None:
    clean = text.encode("utf-8", "replace").decode()

    def edit(record: TaskRecord) -> None:
        record.name, record.comment, record.status_reason = clean, clean, clean
        record.status_message, record.tags, record.user, record.host = clean, [clean], clean, clean
        record.runtime = {"progress": clean, "os": clean}

    for _ in range(2):
        workshop.task(
            "spoilt",
            status=Status.FAILED,
            edit=edit,
            parameters={f"Args/{clean}": clean},
            scalars={f"{clean}/{clean}": [1.0, 2.0]},
            console=[("stdout", clean.replace("\n", " "))],
        )

    async def scenario(screen: Screen) -> None:
        assert_clean(screen)
        await screen.press("space", "space", "d")
        assert_clean(screen)
        await screen.press("escape", "u", "p", "p", "a")
        assert_clean(screen)
        for key in ("N", "T", "C", "X"):
            await screen.press("escape", key)
            assert_clean(screen)
        await screen.press("escape", "enter")
        for tab in TABS:
            screen.board.screen.action_tab(tab)
            await screen.settle()
            assert_clean(screen)
        screen.board.tell(text)
        await screen.settle()
        assert all(part == safe(part) for part in screen.said[-1].split("\n"))

    drive(scenario)


def assert_clean(screen: Screen) -> None:
    """Nothing reaches the terminal that is not to be seen, and no line is longer than it."""
    lines = screen.board.screen._compositor.render_strips()
    assert len(lines) == 24
    for strip in lines:
        assert strip.cell_length == 80
        assert strip.text == safe(strip.text)


def test_markup_in_a_name_is_shown_as_it_is_written(drive: Driven, workshop: Workshop, store: Store) -> None:
    workshop.task("[bold]loud[/bold]", parameters={"Args/[red]x": "[blink]y"}, console=[("stdout", "[green]z")])

    async def scenario(screen: Screen) -> None:
        assert "[bold]loud[/bold]" in screen.text
        await screen.press("X")
        assert "[bold]loud[/bold]" in screen.text
        await screen.press("n", "enter", "3")
        assert "Args/[red]x [blink]y" in screen.text
        await screen.press("4")
        assert "[green]z" in screen.text
        await screen.press("slash", *"[zz", "enter")
        assert "'[zz' is nowhere" in screen.text

    drive(scenario)


def test_a_damaged_task_is_counted_and_the_rest_is_shown(drive: Driven, workshop: Workshop) -> None:
    workshop.task("sound")
    workshop.task("broken").record.write_bytes(b"{")

    async def scenario(screen: Screen) -> None:
        assert "1 damaged: `taskstore doctor`" in screen.text.splitlines()[0]
        assert "sound" in screen.text

    drive(scenario)


def test_a_task_that_breaks_while_it_is_looked_at_is_told_and_nothing_ends(drive: Driven, workshop: Workshop) -> None:
    made = workshop.task("to break")

    async def scenario(screen: Screen) -> None:
        await screen.press("enter")
        made.record.write_bytes(b"{")
        await screen.tick()
        assert "task.json" in screen.said[-1]
        assert "Traceback" not in screen.text
        made.params.write_bytes(b"[]")
        for tab in TABS:
            screen.board.screen.action_tab(tab)
            await screen.settle()
        assert "to break" in screen.text

    drive(scenario)


def test_a_task_that_is_deleted_while_it_is_looked_at_is_told(
    drive: Driven, workshop: Workshop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskstore.store import trash

    made = workshop.task("to go")

    async def scenario(screen: Screen) -> None:
        monkeypatch.setattr(screen.board.listing, "_monotonic", lambda: time.monotonic() + 3600)
        await screen.press("enter")
        trash.put(store, made.id)
        await screen.tick()
        await screen.tick()
        (said,) = screen.said
        assert said.startswith("no task '")
        await screen.press("escape")
        assert "no tasks yet" in screen.text

    drive(scenario)
