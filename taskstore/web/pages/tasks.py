"""The table of all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from nicegui import ui

from ...board.table import Table
from ..frame import frame
from ..table import routes
from ..table.screen import Screen

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:
    """Answer at `/`, with the whole state of the table in the query of the address."""
    table = Table(desk.listing)
    application.include_router(routes.router(desk, table))

    @ui.page("/")
    def page(request: Request) -> None:
        with frame(desk, "Tasks", at="/") as made:
            Screen(desk, table, made, routes.view_of(request)).build()
