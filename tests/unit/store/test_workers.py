from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from taskstore.core.clock import SYSTEM
from taskstore.core.errors import BadName, Conflict, NotFound, Refused
from taskstore.disk.beacon import BEACON_BYTES, LEASE_S, read_beacon
from taskstore.disk.lock import LockKind
from taskstore.disk.process import ProcessIdentity
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


def test_a_worker_of_this_machine_is_known_by_its_process(store: Store) -> None:
    registered = workers.register(store, "gpu-1", ["default"], 1)
    assert workers.process_of(store, "gpu-1") == os.getpid()
    registered.leave()
    with pytest.raises(NotFound):
        workers.process_of(store, "gpu-1")


@pytest.mark.parametrize("change", [{"pid_space": "pid:[1]"}, {"boot_id": "another", "host": "another"}])
def test_the_pid_of_a_worker_in_a_container_or_elsewhere_is_not_taken_for_one_of_here(
    store: Store, change: dict[str, str]
) -> None:
    # A container on the host's network has the host's name too, and pids of its own.
    registered = workers.register(store, "gpu-1", ["default"], 1)
    path = store.paths.worker("gpu-1").beacon
    beacon = read_beacon(path)
    assert beacon is not None
    process: ProcessIdentity = msgspec.structs.replace(beacon.process, **change)
    text = msgspec.json.encode(msgspec.structs.replace(beacon, process=process))
    with path.open("r+b") as stream:
        stream.write(text.ljust(BEACON_BYTES - 1) + b"\n")
    with pytest.raises(Refused, match="stop it there"):
        workers.process_of(store, "gpu-1")
    registered.leave()
