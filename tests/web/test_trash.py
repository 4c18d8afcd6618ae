from __future__ import annotations

import pytest

from taskstore.store import query, tasks, trash
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from .conftest import Opening, click, click_on

pytestmark = pytest.mark.anyio


@pytest.fixture
def deleted(store: Store) -> list[str]:
    made = [tasks.create(store, "examples", name).id for name in ("one", "two <i>")]
    for task_id in made:
        trash.put(store, task_id)
    return made


async def test_a_deleted_task_is_restored(store: Store, deleted: list[str], opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/trash")
        await user.should_see("two <i>")
        click(user, f"Restore: {deleted[0][:12]}")
        await user.should_see("restored from the trash")
    assert [row.id for row in query.find(store).rows] == [deleted[0]]


async def test_deleting_for_good_asks_first(store: Store, deleted: list[str], opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/trash")
        await user.should_see("two <i>")
        click(user, f"Delete for good: {deleted[1][:12]}")
        await user.should_see("nothing brings back")
        assert len(trash.listed(store)) == 2
        user.find("Keep").click()
        assert len(trash.listed(store)) == 2
        user.find("Empty the trash").click()
        await user.should_see("All 2 tasks are deleted for good")
        assert user.client is not None
        buttons = [each for each in user.client.elements.values() if each.props.get("data-testid") == "purge"]
        click_on(user, buttons[-1])
        await user.should_see("Nothing is in the trash.")
    assert trash.listed(store) == []


async def test_a_page_that_is_read_only_restores_nothing(store: Store, deleted: list[str], opening: Opening) -> None:
    async with opening(Desk(store, is_read_only=True)) as user:
        await user.open("/trash")
        await user.should_see("two <i>")
        await user.should_not_see("Restore")
        await user.should_not_see("Delete for good")
