from __future__ import annotations

import pytest

from taskstore.store import tasks
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from .conftest import Opening

pytestmark = pytest.mark.anyio


async def test_an_empty_store_says_how_to_begin(desk: Desk, opening: Opening) -> None:
    async with opening(desk) as user:
        await user.open("/")
        await user.should_see("No tasks yet.")
        await user.should_see("taskstore run train.py")


async def test_names_are_text(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "examples", "<script>alert(1)</script>")
    async with opening(Desk(store)) as user:
        await user.open(f"/task/{made.id}")
        await user.should_see("<script>alert(1)</script>")


async def test_a_task_that_is_not_there_is_named(desk: Desk, opening: Opening) -> None:
    async with opening(desk) as user:
        await user.open(f"/task/{'0' * 32}")
        await user.should_see("This cannot be shown")
