"""What would change the store is refused where nothing may be changed, and not only hidden."""

from __future__ import annotations

import pytest
from nicegui import ui

from taskstore.queues import queue
from taskstore.store import projects, tasks, trash
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from .conftest import Opening, click

pytestmark = pytest.mark.anyio
WHY = "--read-only"


async def test_a_button_of_the_queues_that_is_still_there_does_nothing(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "examples", "waits")
    queue.enqueue(store, made.id)
    desk = Desk(store)
    desk.listing.look()
    async with opening(desk) as user:
        await user.open("/queues")
        await user.should_see("1 waiting")
        desk.is_read_only = True
        click(user, f"Dequeue {made.id[:12]}")
        await user.should_see(WHY)
    assert queue.position(store, made.id) is not None


async def test_a_description_is_not_saved(store: Store, opening: Opening) -> None:
    tasks.create(store, "examples", "one")
    desk = Desk(store)
    desk.listing.look()
    async with opening(desk) as user:
        await user.open("/projects?name=examples")
        await user.should_see("Edit the description")
        user.find("Edit the description").click()
        await user.should_see("Save")
        user.find("Description, in Markdown").clear().type("changed")
        desk.is_read_only = True
        user.find("Save").click()
        await user.should_see(WHY)
    assert projects.read(projects.find(store, "examples")).description == ""


async def test_nothing_is_restored_from_the_trash(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "examples", "deleted")
    trash.put(store, made.id)
    desk = Desk(store)
    async with opening(desk) as user:
        await user.open("/trash")
        await user.should_see("1 deleted")
        desk.is_read_only = True
        click(user, f"Restore: {made.id[:12]}")
        await user.should_see(WHY)
    assert [paths.id for paths in trash.listed(store)] == [made.id]


async def test_no_page_offers_a_change(store: Store, opening: Opening) -> None:
    made = tasks.create(store, "examples", "waits")
    queue.enqueue(store, made.id)
    trash.put(store, tasks.create(store, "examples", "gone").id)
    desk = Desk(store, is_read_only=True)
    desk.listing.look()
    changes = {"Create", "Empty", "Delete", "Restore", "Delete for good", "Empty the trash", "Edit the description"}
    async with opening(desk) as user:
        for address, there in (
            ("/queues", "1 waiting"),
            ("/trash", "1 deleted"),
            ("/projects?name=examples", "No description yet."),
        ):
            await user.open(address)
            await user.should_see(there)
            assert user.client is not None
            shown = {element.text for element in user.client.elements.values() if isinstance(element, ui.button)}
            assert shown & changes == set()
