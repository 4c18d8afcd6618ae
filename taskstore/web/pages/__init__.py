"""The pages, one module each; `register` gives each its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import compare, task, tasks

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..desk import Desk


def register(desk: Desk, application: FastAPI) -> None:
    """Have all pages answer at their addresses, with the routes that their parts fetch from."""
    tasks.register(desk, application)
    task.register(desk, application)
    compare.register(desk, application)
