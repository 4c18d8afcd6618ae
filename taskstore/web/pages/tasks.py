"""The table of all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ..frame import empty, frame

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:  # noqa: ARG001 - its rows will be fetched
    """Answer at `/`."""

    @ui.page("/")
    def page() -> None:
        with frame(desk, "Tasks", at="/"):
            if not desk.listing.rows:
                empty("No tasks yet.", "taskstore run train.py")
            for row in desk.listing.find()[:50]:
                ui.link(row.task.name, f"/task/{row.id}")
