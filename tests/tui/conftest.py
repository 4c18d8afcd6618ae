"""The terminal's screen, driven by keys: 80 columns and 24 lines, a store on disk, and no clock that runs by itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import pytest
from textual import _wait
from textual.pilot import Pilot
from textual.screen import ModalScreen

from taskstore.core.clock import FixedClock
from taskstore.store.store import Store
from taskstore.tui.app import Board
from tests.cli.conftest import Workshop

Driven = Callable[..., None]
_TEXT = re.compile(r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', re.DOTALL)
_CELL = 12.2
_QUIET_TIMES = 3


class Remembering(Board):
    """The app, which remembers what it has told: what is told goes away after some seconds."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, tick_s=None)
        self.said: list[str] = []

    def notify(self, message: str, **more: Any) -> None:
        assert more["markup"] is False
        self.said.append(message)
        super().notify(message, **more)


class Screen:
    """What a person sees, and the keys that they press."""

    def __init__(self, board: Remembering, pilot: Pilot[None]) -> None:
        self.board = board
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        await self.press(*(_KEYS.get(char, char) for char in text))

    async def tick(self) -> None:
        await self.board.tick()
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is under way; what waits for a dialog's answer is not."""
        quiet = 0
        for _ in range(1000):
            quiet = 0 if self._is_busy() else quiet + 1
            await self.pilot.pause()
            if quiet >= _QUIET_TIMES and not self._is_busy():
                return

    def _is_busy(self) -> bool:
        return not isinstance(self.board.screen, ModalScreen) and any(
            not worker.is_finished for worker in self.board.workers
        )

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        return drawn(self.board)

    @property
    def said(self) -> list[str]:
        """What has been told in passing, so far."""
        return self.board.said


_KEYS = {
    " ": "space",
    "/": "slash",
    "=": "equals_sign",
    "-": "minus",
    ".": "full_stop",
    ",": "comma",
    ">": "greater_than_sign",
    "'": "apostrophe",
}


def drawn(board: Board) -> str:
    """Return what the terminal shows, a line of text a row, from the picture that Textual makes of itself."""
    rows: dict[float, list[str]] = {}
    for x, y, text in _TEXT.findall(board.export_screenshot(simplify=True)):
        row = rows.setdefault(float(y), [])
        start = round(float(x) / _CELL)
        row.extend(" " * max(0, start - len("".join(row))))
        row.append(unescape(text).replace("\xa0", " "))
    return "\n".join("".join(rows[y]).rstrip() for y in sorted(rows))


@pytest.fixture
def workshop(store: Store, clock: FixedClock) -> Workshop:
    return Workshop(store, clock)


@pytest.fixture
def drive(store: Store, monkeypatch: pytest.MonkeyPatch) -> Driven:
    """Run a scenario on the screen of the store."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    # How long Textual's pilot waits at least between two keys: a fiftieth of a second, of which most is idle.
    monkeypatch.setattr(_wait, "SLEEP_GRANULARITY", 0.004)
    monkeypatch.setattr(_wait, "SLEEP_IDLE", 0.0002)

    def run(
        scenario: Callable[[Screen], Awaitable[None]], *, of: Store | None = None, size: tuple[int, int] = (80, 24)
    ) -> None:
        async def driven() -> None:
            board = Remembering(of or store)
            async with board.run_test(size=size) as pilot:
                screen = Screen(board, pilot)
                await screen.settle()
                await scenario(screen)

        asyncio.run(driven())

    return run
