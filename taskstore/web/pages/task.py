"""One task: what it is, what may be done to it, and its tabs."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import task as board
from ...core.errors import NotFound, TaskstoreError
from ..frame import Frame, frame, show_error
from ..tabs import Tab, all_tabs, fetched
from ..task import asking, served
from ..task.acting import Acting
from ..task.head import Head

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ...board.task import Seen
    from ..desk import Desk

_STYLE = Path(__file__).parent.parent / "static" / "task.css"
_LOOK_S = 1.0
_KEYS = "1234567890"
_FILES = ("record", "params", "script", "configuration", "config", "artifacts", "models")
"""What tells by its time that the page is to be read anew."""


def register(desk: Desk, application: FastAPI) -> None:
    """Answer at `/task/<id>`, with `?tab=<key>`."""
    tabs = all_tabs()
    application.include_router(served.router(desk))
    application.include_router(fetched.router(desk))

    @ui.page("/task/{task_id}")
    async def page(task_id: str, tab: str = "") -> None:
        ui.add_css(_STYLE)
        with frame(desk, f"Task {task_id[:12]}") as made:
            seen = await asyncio.to_thread(board.read, desk.store, task_id)
            await _Page(desk, made, seen, tabs).build(tab)


class _Page:
    """One open page. What it shows is replaced when the files that it was read from have changed."""

    def __init__(self, desk: Desk, frame: Frame, seen: Seen, tabs: dict[str, Tab]) -> None:
        self._desk = desk
        self._frame = frame
        self._seen: Seen | None = seen
        self._paths = seen.row.paths
        self._task_id = seen.row.id
        self._tabs = tabs
        self._tab = ""
        self._shown: tuple[object, ...] = ()
        self._known: tuple[object, ...] = ()
        self._filling = asyncio.Lock()
        acting = Acting(desk, frame, self._task_id, self.look)
        self._acting = acting
        self._head = Head(desk, acting, frame.feedback.say)

    async def build(self, wanted: str) -> None:
        """Build all of it, with a tab open."""
        seen = self._seen
        if seen is None:
            return
        self._known = self._marks()
        self._head.show(seen)
        first = wanted if wanted in self._tabs else next(iter(self._tabs))
        with ui.tabs(on_change=lambda event: self._show(str(event.value))).classes("tk-tabs") as self._bar:
            self._bar.props("dense no-caps inline-label outside-arrows mobile-arrows align=left")
            for tab in self._tabs.values():
                ui.tab(tab.key, tab.label).props(f'data-testid="tab-{tab.key}"')
        self._place = ui.element("div").classes("tk-tab").props("role=tabpanel data-testid=panel")
        self._bar.set_value(first)
        await self._show(first)
        for key, tab in zip(_KEYS, self._tabs.values(), strict=False):
            self._frame.on_key(key, f"show {tab.label.lower()}", partial(self._bar.set_value, tab.key))
        self._frame.on_key("e", "enqueue", partial(self._pressed, "enqueue"))
        self._frame.on_key("c", "clone, edit and enqueue", partial(self._pressed, "clone"))
        ui.timer(_LOOK_S, self._look_again)

    async def _pressed(self, action: str) -> None:
        if not asking.is_open():
            await self._acting.ask(action)

    async def _show(self, key: str) -> None:
        if key == self._tab:
            return
        if self._tab:
            ui.run_javascript(f"history.replaceState(null, '', {json.dumps(f'?tab={key}')})")
        self._tab = key
        async with self._filling:  # a person may choose the next one before this one has been read
            if key == self._tab:
                await self._fill()

    async def _fill(self) -> None:
        tab = self._tabs[self._tab]
        self._place.props["aria-label"] = tab.label
        self._shown = self._marks_of(tab)
        self._place.clear()
        with self._place:
            try:
                await tab.show(self._desk, self._frame, self._task_id)
            except TaskstoreError as error:
                show_error(error)

    def _marks(self) -> tuple[object, ...]:
        return (self._desk.listing.version, *board.marks(self._paths, _FILES))

    def _marks_of(self, tab: Tab) -> tuple[object, ...]:
        status = self._seen.row.task.status if self._seen is not None else None
        return (tab.key, status, *board.marks(self._paths, tab.follows))

    async def _look_again(self) -> None:
        if self._marks() != self._known:
            await self.look()
        else:
            self._head.tick()

    async def look(self) -> None:
        """Read the task anew, and show what has changed of it."""
        self._known = self._marks()
        try:
            seen = await asyncio.to_thread(board.read, self._desk.store, self._task_id)
        except TaskstoreError as error:
            if self._seen is not None or not isinstance(error, NotFound):
                self._head.show_gone(str(error))
                self._place.clear()
            self._seen = self._acting.seen = None
            return
        if self._seen is None:  # it is back
            self._shown = ()
        self._seen, self._paths = seen, seen.row.paths
        self._head.show(seen)
        async with self._filling:
            await self._fill_again()

    async def _fill_again(self) -> None:
        tab = self._tabs[self._tab]
        if self._shown == () or (tab.follows and self._marks_of(tab) != self._shown):
            await self._fill()
