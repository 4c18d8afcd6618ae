"""The app `taskstore tui`: its first screen, and its look at the store once a second."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from functools import partial

from textual.worker import WorkerCancelled

from ..store.store import Store
from . import keys
from .acting import ActingScreen
from .shared import BoardApp, begin
from .tasks import TasksScreen

TICK_S = 1.0


class Board(BoardApp):
    """The terminal's screen of a store. With a `tick_s` of None it looks for news only when `tick` is called."""

    def __init__(self, store: Store, *, tick_s: float | None = TICK_S, is_light: bool = False) -> None:
        super().__init__(store, is_light=is_light)
        self._tick_s = tick_s
        self._is_ticking = False

    def on_mount(self) -> None:
        """Begin with the table of tasks."""
        self.push_screen(TasksScreen())
        if self._tick_s is not None:
            self.set_interval(self._tick_s, self._begin_tick)
            _leave_when_asked(self)

    def _begin_tick(self) -> None:
        if not self._is_ticking:
            begin(self, self.tick)

    async def tick(self) -> None:
        """Look for what others have written, and have the screen show it."""
        self._is_ticking = True
        try:
            changed = await self.look()
            for screen in reversed(self.screen_stack):
                if isinstance(screen, ActingScreen):
                    # As the screen's own work it ends with the screen, which a key may close meanwhile.
                    with contextlib.suppress(WorkerCancelled):
                        await begin(screen, partial(screen.follow, changed)).wait()
                    return
        finally:
            self._is_ticking = False

    def action_keys(self) -> None:
        """List the keys."""
        self.push_screen(keys.page())


def _leave_when_asked(board: Board) -> None:
    """Have a signal to end give the terminal back first."""
    for name in ("SIGTERM", "SIGHUP"):
        with contextlib.suppress(AttributeError, NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), board.exit)
