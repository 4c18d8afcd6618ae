"""The table of all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from nicegui import ui

from ...board.table import Table
from ..frame import frame
from ..table import parcels, routes
from ..table.parcels import Parcels
from ..table.screen import Screen

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:
    """Answer at `/`, with the whole state of the table in the query of the address."""
    table = Table(desk.listing)
    waiting = Parcels()
    application.include_router(routes.router(desk, table))
    application.include_router(parcels.router(waiting))

    @ui.page("/")
    def page(request: Request) -> None:
        with frame(desk, "Tasks", at="/") as made:
            Screen(desk, table, waiting, made, routes.view_of(request), request.url.query).build()
