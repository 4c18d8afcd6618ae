"""Each screen as it is seen at 80 columns and 24 lines. UPDATE_SNAPSHOTS=1 writes what has changed into snapshots/."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.filter import Monochrome

from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.store.store import Store
from taskstore.tui import keys
from taskstore.tui.acting import ActingScreen
from taskstore.tui.comparing import CompareScreen
from taskstore.tui.dialogs import Ask, Choose, Confirm, Page
from taskstore.tui.lines import Lines
from taskstore.tui.queues import QueuesScreen
from taskstore.tui.shared import DARK, LIGHT, BoardApp
from taskstore.tui.table import Table
from taskstore.tui.task import TaskScreen
from taskstore.tui.tasks import TasksScreen
from tests.cli.conftest import Workshop, is_updating

from .conftest import Driven, Screen

SNAPSHOTS = Path(__file__).with_name("snapshots")
SCREENS: dict[str, Sequence[str]] = {
    "tasks": (),
    "projects": ("p",),
    "actions": ("a",),
    "info": ("down", "enter"),
    "parameters": ("down", "enter", "3"),
    "console": ("down", "enter", "4"),
    "scalars": ("down", "enter", "5", "space", "space"),
    "artifacts": ("down", "enter", "6"),
    "clone": ("down", "C"),
    "delete": ("down", "X"),
    "compare": ("down", "space", "space", "d"),
    "queues": ("w",),
    "keys": ("question_mark",),
}
_LOOSE = (
    (re.compile(r"\b[0-9a-f]{12,32}\b"), lambda found: "0" * len(found[0])),
    (re.compile(r"(?<!\S)/\w\S*"), lambda found: "/…"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), lambda found: "2026-01-01 00:00:00"),
    (re.compile(r"(where|host|user) +\S+.*"), lambda found: found[1]),
    (re.compile(r"\S+@\S+"), lambda found: "<who>"),
    (re.compile(r"[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▐]+"), lambda found: " " * len(found[0])),
)


def stable(text: str) -> str:
    """Take out of a screen what differs by machine: ids, paths, the zone of times, who it is, the scrollbar."""
    head, _, rest = text.partition("\n")
    text = re.sub(r"(taskstore \d+ tasks?|╮).*", r"\1", head) + "\n" + rest  # what follows is a path, of any length
    for pattern, spelled in _LOOSE:
        text = pattern.sub(spelled, text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.fixture
def furnished(workshop: Workshop, store: Store) -> Workshop:
    draft = workshop.task("wider layers", "vision", status=Status.CREATED, parameters={"Args/lr": "0.01"})
    queue.enqueue(store, draft.id)
    for name, rate in (("baseline", 0.125), ("faster", 0.5)):
        workshop.task(
            name,
            "vision/deep",
            status=Status.COMPLETED if rate < 0.3 else Status.FAILED,
            parameters={"Args/lr": str(rate), "Args/epochs": "20"},
            scalars={
                "loss/train": [1 / (1 + rate * step) for step in range(60)],
                "loss/val": [1.2 / (1 + rate * step) + 0.05 for step in range(60)],
            },
            console=[("stdout", f"epoch {step} \x1b[32mdone\x1b[0m") for step in range(30)],
        )
        workshop.clock.advance(3600)
    return workshop


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_did(drive: Driven, furnished: Workshop, name: str) -> None:
    async def scenario(screen: Screen) -> None:
        if SCREENS[name]:
            await screen.press(*SCREENS[name])
        seen, path = stable(screen.text), SNAPSHOTS / f"{name}.txt"
        assert len(screen.text.splitlines()) <= 24
        assert all(len(line) <= 80 for line in screen.text.splitlines())
        if is_updating():
            path.parent.mkdir(exist_ok=True)
            path.write_text(seen, encoding="utf-8")
        assert seen == path.read_text("utf-8")

    drive(scenario)


def test_no_snapshot_is_of_a_screen_that_is_gone() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(SCREENS)


def test_light_and_dark_differ_in_colour_and_in_nothing_else(drive: Driven, furnished: Workshop) -> None:
    async def scenario(screen: Screen) -> None:
        board = screen.board
        assert (board.theme, board.current_theme.dark) == (DARK, True)
        dark, text = board.export_screenshot(), screen.text
        await screen.press("L")
        assert (board.theme, board.current_theme.dark) == (LIGHT, False)
        assert board.export_screenshot() != dark
        assert screen.text == text

    drive(scenario)


def test_without_colours_the_cursor_is_still_told_from_the_rest(
    drive: Driven, furnished: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(screen: Screen) -> None:
        assert screen.board.no_color
        assert any(isinstance(each, Monochrome) for each in screen.board._filters)
        table = screen.board.screen.query_one("#tasks")
        reversed_rows = [
            row for row in range(5) if any(part.style and part.style.reverse for part in table.render_line(row))
        ]
        assert reversed_rows == [1]

    drive(scenario)


def test_the_page_of_keys_lists_what_every_screen_binds() -> None:
    kinds = [kind for _, found in keys._SECTIONS for kind in found]
    modules = [
        importlib.import_module(f"taskstore.tui.{path.stem}") for path in Path(keys.__file__).parent.glob("*.py")
    ]
    bound = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and "BINDINGS" in vars(kind)
    }
    told_by_themselves = {Confirm, Ask, Choose, Page}
    assert bound - told_by_themselves == set(kinds)


def test_a_key_does_one_thing_on_a_screen() -> None:
    for screen in (TasksScreen, TaskScreen, CompareScreen, QueuesScreen):
        found = [key for kind in (screen, ActingScreen, BoardApp, Table, Lines) for key in _single_keys(kind)]
        twice = {key for key in found if found.count(key) > 1}
        assert twice <= {"escape", "q", "up", "down", "k", "j"}


def _single_keys(kind: type) -> list[str]:
    return [key for binding in vars(kind).get("BINDINGS", ()) for key in binding.key.split(",")]


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (200, 60)])
def test_every_screen_opens_at_any_size(drive: Driven, furnished: Workshop, size: tuple[int, int]) -> None:
    async def scenario(screen: Screen) -> None:
        for name in ("scalars", "compare", "queues", "clone"):
            await screen.press(*SCREENS[name])
            assert screen.text
            await screen.press("escape", "escape", "u", "home")

    drive(scenario, size=size)


def test_more_columns_come_with_a_wider_terminal(drive: Driven, furnished: Workshop) -> None:
    async def scenario(screen: Screen) -> None:
        head = screen.text.splitlines()[1].split()
        assert head == ["*", "status", "progress", "name", "project", "type", "tags", "created", "duration"]

    drive(scenario, size=(150, 24))
