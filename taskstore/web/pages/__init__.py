"""The pages, one module each; `register` gives each its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import compare, models, projects, queues, task, tasks, trash

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:
    """Have all pages answer at their addresses, with the routes that their parts fetch from."""
    for page in (tasks, task, compare, projects, models, queues, trash):
        page.register(desk, application)
