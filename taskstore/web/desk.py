"""What the pages share: the store, the listing that follows it, and whether anything may be changed from here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from ..board import actions
from ..board.actions import Done
from ..board.listing import WatchedListing
from ..core.errors import ReadOnly
from ..disk import mounts
from ..store.store import Store

LOOK_S = 1.0


@dataclass
class Desk:
    """One store, as all pages of one server see it."""

    store: Store
    is_read_only: bool = False
    listing: WatchedListing = field(init=False)

    def __post_init__(self) -> None:
        self.listing = WatchedListing(self.store)

    @property
    def name(self) -> str:
        """Where the store is, as people write it."""
        return str(self.store.zip or mounts.shown(str(self.store.root)))

    @property
    def why_read_only(self) -> str:
        """Why nothing can be changed from here; empty where it can."""
        try:
            self.check()
        except ReadOnly as error:
            return str(error)
        return ""

    def check(self) -> None:
        """Raise ReadOnly, with the reason, where nothing may be changed from here: what changes anything asks first."""
        actions.check(self.store, is_read_only=self.is_read_only)

    async def do(self, task_id: str, key: str, **values: object) -> Done:
        """Do one thing to one task, on a thread, and see what has come of it. Raises TaskstoreError."""
        self.check()
        try:
            return await asyncio.to_thread(lambda: actions.do(self.store, task_id, key, **values))
        finally:
            await self.look()

    async def look(self) -> None:
        """Look at all tasks at once: a person has changed something, or waits for it."""
        await asyncio.to_thread(lambda: self.listing.look(at_all=True))

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the store within the block."""
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.listing.look)
