from __future__ import annotations

import pytest

from taskstore.store.store import Store
from taskstore.web.desk import Desk

from .conftest import Opening

pytestmark = pytest.mark.anyio


async def test_without_models_it_says_how_they_come(store: Store, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/models")
        await user.should_see("No task has made a model yet.")
