"""Views that are kept by name, in the store; where that cannot be written, the address alone holds a view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from ...board import actions
from ...core.errors import TaskstoreError
from ...store import views
from . import asking

if TYPE_CHECKING:
    from ...store.views import Known
    from ..desk import Desk
    from ..frame import Frame
    from .elements import TasksGrid


class KeptViews:
    """The button that lists them, keeps the present one and removes others."""

    def __init__(self, desk: Desk, made: Frame, grid: Callable[[], TasksGrid], address: Callable[[], str]) -> None:
        self._desk = desk
        self._made = made
        self._grid = grid
        self._address = address
        button = ui.button("Views", icon="bookmarks", on_click=self._open, color=None)
        button.props('flat dense no-caps data-testid="views"')

    async def _open(self) -> None:
        try:
            known = await asyncio.to_thread(views.listed, self._desk.store)
        except TaskstoreError as error:
            self._made.feedback.fail(error)
            return
        why = self._desk.why_read_only
        with asking.dialog("Views") as made:
            for view in known:
                self._item(made, view, is_removable=not why)
            if not known:
                ui.label("No view is kept yet.")
            ui.separator()
            if why:
                ui.label(f"The address of this page holds the view: copy it. None is kept here: {why}")
            else:
                ui.label("Keep what is shown: project, search, filters, order, columns, for all who use this store.")
                name = ui.input("Name").props('dense outlined data-testid="view-name"').classes("w-full")
            with ui.row().classes("w-full justify-end"):
                ui.button("Close", on_click=lambda: made.submit(None), color=None).props("flat no-caps")
                if not why:
                    keep = ui.button("Keep this view", on_click=lambda: made.submit(True))
                    keep.props('no-caps unelevated data-testid="keep-view"')
        if await made:
            await self._change(lambda: views.keep(self._desk.store, name.value or "", self._address()), "kept")

    def _item(self, made: ui.dialog, view: Known, *, is_removable: bool) -> None:
        def show() -> None:
            made.submit(None)
            self._grid().run_method("go", view.query)

        async def remove() -> None:
            made.submit(None)
            await self._remove(view)

        with ui.row().classes("w-full items-center no-wrap"):
            ui.button(view.name, icon="bookmark", on_click=show, color=None).props(
                "flat dense no-caps align=left"
            ).classes("tt-view")
            if is_removable:
                button = ui.button(icon="close", on_click=remove, color=None).props("flat dense round size=sm")
                button.props["aria-label"] = f"Remove the view {view.name}"

    async def _remove(self, view: Known) -> None:
        async def back() -> None:
            await self._change(lambda: views.keep(self._desk.store, view.name, view.query), "kept again")

        if await self._change(lambda: views.remove(self._desk.store, view.name), ""):
            self._made.feedback.say(f"The view {view.name} is removed.", back=back)

    async def _change(self, change: Callable[[], Known], done: str) -> bool:
        try:
            actions.check(self._desk.store, is_read_only=self._desk.is_read_only)
            view = await asyncio.to_thread(change)
        except TaskstoreError as error:
            self._made.feedback.fail(error)
            return False
        if done:
            self._made.feedback.say(f"The view {view.name} is {done}.")
        return True
