"""Models across all projects, and the tasks that made them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui

from ...board.models import ModelRow, WatchedModels
from ...core import spelling
from .. import moments, script
from ..frame import empty, frame

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk

_LINK = """params => {
  const link = document.createElement('a');
  link.href = params.data.address;
  link.textContent = params.value;
  return link;
}"""
_COLUMNS = (
    ("name", "Name"),
    ("framework", "Framework"),
    ("task", "Made by"),
    ("project", "Project"),
    ("size", "Size"),
    ("iteration", "Iteration"),
    ("state", "State"),
    ("tags", "Tags"),
    ("created", "Created"),
    ("place", "Weights"),
)


def register(desk: Desk, application: FastAPI) -> None:  # noqa: ARG001 - all pages are registered alike
    """Answer at `/models`, and `?q=` with a text to search for."""
    watched = WatchedModels(desk.store, lambda: desk.listing.version)

    @ui.page("/models")
    async def page(q: str = "") -> None:
        with frame(desk, "Models", at="/models") as made:
            ui.label("Models").classes("text-h6").props("role=heading aria-level=1")
            found = await asyncio.to_thread(watched.read)
            if not found:
                empty(
                    "No task has made a model yet. Weights that a framework saves are recorded; others by",
                    "task.models.register('weights.pt', name='best')",
                )
                return
            names = {row.id: row.task.name for row in desk.listing.rows}
            search = ui.input("Search", value=q).props("dense outlined clearable").classes("w-72")
            grid = ui.aggrid(_options([_as_row(row, names) for row in found], q)).classes("ts-models")
            grid.props["aria-label"] = "Models"

            def look(text: str | None) -> None:
                grid.run_grid_method("setGridOption", "quickFilterText", text or "")
                ui.run_javascript(script.at_address(f"/models?q={quote(text, safe='')}" if text else "/models"))

            search.on_value_change(lambda event: look(event.value))
            made.on_key("/", "search", lambda: search.run_method("focus"))


def _options(rows: list[dict[str, object]], text: str) -> dict[str, object]:
    columns = [
        {"field": field, "headerName": label, "filter": True, "sortable": True, "resizable": True}
        | ({":cellRenderer": _LINK} if field == "task" else {})
        | ({":valueFormatter": "params => params.data.shown_size"} if field == "size" else {})
        for field, label in _COLUMNS
    ]
    return {
        "columnDefs": columns,
        "rowData": rows,
        "quickFilterText": text,
        "pagination": len(rows) > 200,  # noqa: PLR2004 - what scrolls well
        "paginationPageSize": 100,
        "enableCellTextSelection": True,
        "defaultColDef": {"minWidth": 90, "flex": 1},
    }


def _as_row(row: ModelRow, names: dict[str, str]) -> dict[str, object]:
    model = row.model
    return {
        "name": model.name,
        "framework": model.framework,
        "task": names.get(row.task_id) or row.task_id[:12],
        "address": f"/task/{row.task_id}?tab=artifacts",
        "project": row.project,
        "size": model.size,
        "shown_size": spelling.size(model.size) if model.size else "",
        "iteration": model.iteration,
        "state": "published" if model.ready else "draft",
        "tags": ", ".join(model.tags),
        "created": moments.moment(model.created),
        "place": model.uri or (model.file.path if model.file else ""),
    }
