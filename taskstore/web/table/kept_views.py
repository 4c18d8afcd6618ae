"""Views that are kept by name, in the store; where that cannot be written, the address alone holds a view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
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
        with ui.button("Views", icon="bookmarks", color=None).props('flat dense no-caps data-testid="views"'):
            self._menu = ui.menu().on("show", self._fill)

    async def _fill(self) -> None:
        try:
            known = await asyncio.to_thread(views.listed, self._desk.store)
        except TaskstoreError as error:
            self._made.feedback.fail(error)
            return
        why = self._desk.why_read_only
        self._menu.clear()
        with self._menu, ui.list().props("dense").classes("tt-views"):
            for view in known:
                self._item(view, is_removable=not why)
            if not known:
                ui.item("No view is kept yet.").props("disable")
            ui.separator()
            if why:
                ui.item("The address of this page holds the view; copy it.").props("disable").tooltip(why)
            else:
                ui.item("Keep this view…", on_click=self._keep).props('data-testid="keep-view"')

    def _item(self, view: Known, *, is_removable: bool) -> None:
        with ui.item(on_click=partial(self._open, view)).props("clickable"):
            with ui.item_section():
                ui.label(view.name)
            if is_removable:
                with ui.item_section().props("side"):
                    button = ui.button(icon="close", color=None).props("flat dense round size=xs")
                    button.props["aria-label"] = f"Remove the view {view.name}"
                    button.on("click.stop", partial(self._remove, view))

    def _open(self, view: Known) -> None:
        self._menu.close()
        self._grid().run_method("go", view.query)

    async def _keep(self) -> None:
        self._menu.close()
        with asking.dialog("Keep this view") as made:
            ui.label("Its project, search, filters, order and columns, for everybody who uses this store.")
            name = ui.input("Name").props('dense outlined autofocus data-testid="view-name"').classes("w-full")
            asking.buttons(made, "Keep")
        if await made:
            await self._change(lambda: views.keep(self._desk.store, name.value or "", self._address()), "kept")

    async def _remove(self, view: Known) -> None:
        self._menu.close()

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
