from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.core.clock import SYSTEM
from taskstore.core.errors import BadName, Conflict, NotFound, Refused
from taskstore.disk.beacon import LEASE_S
from taskstore.disk.lock import LockKind
from taskstore.queues import claim, queue
from taskstore.store import tasks, tickets, workers
from taskstore.store.store import Store, init


@pytest.fixture(params=list(LockKind), ids=lambda kind: kind.value)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of either kind of lock."""
    return init(tmp_path / "store", locks=request.param, clock=SYSTEM)


def test_a_worker_is_there_from_its_registration_until_it_leaves(either: Store) -> None:
    registered = workers.register(either, "gpu box/1", ["default"], 2)
    (seen,) = workers.listed(either)
    assert (seen.record.id, seen.record.queues, seen.record.slots, seen.is_alive) == ("gpu box/1", ["default"], 2, True)
    with pytest.raises(Conflict, match="taskstore agent ls"):
        workers.register(either, "gpu box/1", ["default"], 1)
    assert workers.process_of(either, "gpu box/1") == os.getpid()
    registered.leave()
    assert workers.listed(either) == []
    assert [path for path in either.paths.workers.iterdir() if not path.name.startswith(".")] == []
    with pytest.raises(NotFound, match="taskstore agent ls"):
        workers.find(either, "gpu box/1")


def test_a_name_too_short_is_refused(store: Store) -> None:
    with pytest.raises(BadName):
        workers.register(store, "ab", ["default"], 1)


def test_what_a_lost_worker_has_left_is_removed_and_nothing_of_a_live_one(either: Store) -> None:
    live = workers.register(either, "live", ["default"], 1)
    gone = workers.register(either, "gone", ["default"], 1)
    gone._beacon.release()
    with pytest.raises(Refused, match="taskstore doctor --fix"):
        workers.process_of(either, "gone")
    assert workers.forget_lost(either) == ["gone"]
    assert [seen.record.id for seen in workers.listed(either)] == ["live"]
    live.leave()


def test_a_worker_that_was_taken_for_lost_says_at_its_next_beat_that_it_lives(either: Store) -> None:
    registered = workers.register(either, "slow", ["default"], 1)
    paths = either.paths.worker("slow")
    paths.record.unlink()
    paths.beacon.unlink()
    registered.beat()
    assert [(seen.record.id, seen.is_alive) for seen in workers.listed(either)] == [("slow", True)]
    registered.leave()
    assert workers.listed(either) == []


def test_a_ticket_of_another_machine_is_abandoned_when_its_worker_has_been_silent_for_long(store: Store) -> None:
    paths = tasks.create(store, "examples", "a task")
    queue.enqueue(store, paths.id, "default")
    registered = workers.register(store, "elsewhere", ["default"], 1)
    ticket = claim.claim(store, ["default"], "elsewhere", tell=print)
    assert ticket is not None
    # As another machine would have named itself: nothing is known of its processes here.
    there = ticket.path.with_name(ticket.path.name.replace(ticket.place.owner, "00000000-1"))
    ticket.path.rename(there)
    (ticket,) = tickets.of_queue(store, "default", claimed=True)
    assert not workers.is_abandoned(store, ticket)
    registered.leave()
    assert not workers.is_abandoned(store, ticket)  # it has just left
    now = SYSTEM.now().timestamp()
    assert not workers.is_abandoned(store, ticket, now=now + LEASE_S - 5)
    assert workers.is_abandoned(store, ticket, now=now + LEASE_S + 5)
