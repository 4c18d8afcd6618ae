"""One task: what it is, what may be done to it, and its tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ...core.errors import TaskstoreError
from ...store import places, query
from ..frame import Frame, frame, show_error
from ..tabs import Tab, all_tabs, fetched

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:
    """Answer at `/task/<id>`, with `?tab=<key>`."""
    tabs = all_tabs()
    application.include_router(fetched.router(desk))

    @ui.page("/task/{task_id}")
    async def page(task_id: str, tab: str = "") -> None:
        with frame(desk, f"Task {task_id[:12]}") as made:
            row = query.row_of(desk.store, places.locate(desk.store, task_id))
            ui.page_title(f"{row.task.name} · taskstore")
            ui.label(row.task.name).classes("text-h6").props("role=heading aria-level=1")
            await _show_tabs(desk, made, row.id, tabs, tab)


async def _show_tabs(desk: Desk, made: Frame, task_id: str, tabs: dict[str, Tab], wanted: str) -> None:
    first = wanted if wanted in tabs else next(iter(tabs), "")
    place = ui.column().classes("w-full")

    async def show(key: str) -> None:
        ui.run_javascript(f"history.replaceState(null, '', '?tab={key}')")
        place.clear()
        with place:
            try:
                await tabs[key].show(desk, made, task_id)
            except TaskstoreError as error:
                show_error(error)

    with ui.tabs(value=first, on_change=lambda event: show(event.value)).props("dense no-caps inline-label") as bar:
        for tab in tabs.values():
            ui.tab(tab.key, tab.label).props(f'data-testid="tab-{tab.key}"')
    bar.move(place.parent_slot.parent, target_index=1)
    if first:
        await show(first)
