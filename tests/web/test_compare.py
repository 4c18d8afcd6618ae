from __future__ import annotations

import pytest

from taskstore.store.store import Store
from taskstore.web.compare.table import SideBySideTable
from taskstore.web.desk import Desk

from . import compared
from .conftest import Opening

pytestmark = pytest.mark.anyio


async def test_details_of_two_tasks_are_side_by_side(store: Store, opening: Opening) -> None:
    one = compared.task_of(store, "one", parameters={"lr": "0.1", "seed": "1"})
    two = compared.task_of(store, "two", parameters={"lr": "0.2", "seed": "1"})
    async with opening(Desk(store)) as user:
        await user.open(f"/compare?ids={compared.ids(one, two)}")
        await user.should_see("one")
        (table,) = user.find(SideBySideTable).elements
        parameters = next(each for each in table.props["sections"] if each["key"] == "parameters")
        assert [(row["n"], row["v"], row["s"]) for row in parameters["rows"]] == [
            ("Args/lr", ["0.1", "0.2"], False),
            ("Args/seed", ["1", "1"], True),
        ]
