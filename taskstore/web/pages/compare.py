"""Two to twenty tasks side by side."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from fastapi import Request
from nicegui import ui

from ...board import comparing
from ...board.comparing import Comparison
from ...core.errors import TaskstoreError
from ...sections.compare.many import MAX_TASKS, MIN_TASKS
from .. import charts
from ..compare import files, live, strip
from ..compare.address import Address, link
from ..compare.tabs import TABS
from ..compare.view import View
from ..frame import Frame, frame, show_error

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:
    """Answer at `/compare?ids=<id>,<id>`, with `&tab=<key>` and what is chosen in it."""
    application.include_router(files.router(desk))

    @ui.page("/compare")
    async def page(request: Request) -> None:
        address = Address(request.query_params.multi_items())
        with frame(desk, "Compare") as made:
            charts.style("compare.css")
            ui.label("Compare").classes("ts-hidden").props("role=heading aria-level=1")
            await _build(desk, made, address)


async def _build(desk: Desk, made: Frame, address: Address) -> None:
    try:
        rows = comparing.listed(desk.listing.rows)
        comparison = await asyncio.to_thread(lambda: Comparison(desk.store, address.ids, rows))
    except TaskstoreError as error:
        _show_refusal(address, error)
        return
    if comparison.problems:
        _show_problems(address, comparison)
        return
    ui.page_title(f"Compare {len(address.ids)} tasks · taskstore")
    view = View(desk, made, address, comparison)
    strip.show(view)
    await _show_tabs(view)
    live.follow(view)


def _show_refusal(address: Address, error: TaskstoreError) -> None:
    """Too few tasks, too many, or one twice: say so, and offer what can be compared."""
    show_error(error)
    unique = list(dict.fromkeys(address.ids))
    if MIN_TASKS <= len(unique) <= MAX_TASKS:
        _offer("Compare each once", link(unique))
    elif len(unique) > MAX_TASKS:
        _offer(f"Compare the first {MAX_TASKS}", link(unique[:MAX_TASKS]))
    else:
        with ui.column().classes("ts-empty items-center"):
            ui.label("Select tasks in the table of all tasks, and choose Compare there.")


def _show_problems(address: Address, comparison: Comparison) -> None:
    """Some tasks cannot be read: name each, and offer the comparison of the others."""
    with ui.card().classes("ts-problem").props("role=alert"):
        ui.label("This cannot be compared").classes("text-h6").props("role=heading aria-level=2")
        for error in comparison.problems.values():
            ui.label(str(error))
        ui.link("All tasks", "/")
    rest = [task_id for task_id in address.ids if task_id not in comparison.problems]
    if len(rest) >= MIN_TASKS:
        _offer(f"Compare the other {len(rest)}", address.link(rest))


def _offer(text: str, target: str) -> None:
    with ui.row().classes("w-full justify-center"):
        ui.link(text, target).props('data-testid="compare-the-rest"')


async def _show_tabs(view: View) -> None:
    first = view.address.one("tab", tuple(TABS), next(iter(TABS)))
    wanted = first
    turn = asyncio.Lock()

    async def show(key: str) -> None:
        nonlocal wanted
        wanted = key
        view.address.put("tab", key)
        await build(key)

    async def build(key: str) -> None:
        async with turn:  # one tab at a time, and of many that were asked for the last
            if key != wanted:
                return
            view.begin()
            with view.place:
                try:
                    await TABS[key].show(view)
                except TaskstoreError as error:
                    show_error(error)

    with (
        ui.tabs(value=cast("Any", first), on_change=lambda event: show(event.value))
        .props("dense no-caps inline-label outside-arrows mobile-arrows align=left")
        .classes("cmp-tabs") as bar
    ):
        for key, tab in TABS.items():
            ui.tab(key, tab.label).props(f'data-testid="tab-{key}"')
    for place, (key, tab) in enumerate(TABS.items(), start=1):
        view.frame.on_key(str(place), f"tab {tab.label.lower()}", partial(bar.set_value, key))
    view.place = ui.column().classes("w-full cmp-place")
    await build(first)
