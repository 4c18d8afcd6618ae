from __future__ import annotations

import pytest

from taskstore.board.standing import WatchedStanding
from taskstore.queues import queue
from taskstore.store import tasks, tickets
from taskstore.store.store import Store
from taskstore.web.desk import Desk

from .conftest import Opening, click

pytestmark = pytest.mark.anyio


def waiting(store: Store, *names: str) -> list[str]:
    found = []
    for name in names:
        made = tasks.create(store, "examples", name).id
        queue.enqueue(store, made)
        found.append(made)
    return found


def order(store: Store) -> list[str]:
    return [ticket.task_id for ticket in tickets.of_queue(store, "default")]


async def test_what_waits_is_listed_in_order_and_moved_and_taken_out(store: Store, opening: Opening) -> None:
    one, two = waiting(store, "one", "two <b>")
    async with opening(Desk(store)) as user:
        await user.open("/queues")
        await user.should_see("2 waiting, 0 running")
        await user.should_see("two <b>")
        click(user, f"Up: {two[:12]}")
        await user.should_see(f"{two[:12]} is at position 1")
        assert order(store) == [two, one]
        click(user, f"Dequeue {two[:12]}")
        await user.should_see(f"{two[:12]} waits no more")
        await user.should_see("1 waiting, 0 running")
    assert order(store) == [one]


async def test_without_a_queue_or_a_worker_it_says_what_makes_one(store: Store, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/queues")
        await user.should_see("Nothing waits here.")
        await user.should_see("taskstore agent start --queue default")


async def test_a_queue_is_made_and_a_wrong_name_is_told(store: Store, opening: Opening) -> None:
    async with opening(Desk(store)) as user:
        await user.open("/queues")
        await user.should_see("New queue")
        user.find("New queue").type("gpu")
        user.find("Create").click()
        await user.should_see("queue gpu created")
        user.find("New queue").clear().type("x")
        user.find("Create").click()
        await user.should_see("at least 3 characters")
    assert tickets.names(store) == ["default", "gpu"]


async def test_a_page_that_is_read_only_offers_nothing(store: Store, opening: Opening) -> None:
    waiting(store, "one")
    async with opening(Desk(store, is_read_only=True)) as user:
        await user.open("/queues")
        await user.should_see("1 waiting, 0 running")
        await user.should_not_see("Create")
        await user.should_not_see("Empty")


def test_queues_are_read_again_only_when_something_has_changed(store: Store) -> None:
    version = [0]
    watched = WatchedStanding(store, lambda: version[0])
    assert watched.look()
    assert not watched.look()
    (task_id,) = waiting(store, "one")
    assert watched.look()
    assert [entry.ticket.task_id for entry in watched.now.queues[0].waiting] == [task_id]
    before = watched.now
    assert not watched.look()
    assert watched.now is before
    version[0] += 1
    assert watched.look()
