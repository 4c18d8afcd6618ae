"""A queue under another name: every task that waited waits there, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import BadName, Busy, Conflict, NotFound, Refused
from taskstore.core.states import Status
from taskstore.queues import claim, queue
from taskstore.queues.rename import rename
from taskstore.store import doctor, places, tasks, tickets
from taskstore.store.store import Store


def _fail(message: str) -> None:
    raise AssertionError(message)


@pytest.fixture
def waiting(store: Store) -> list[str]:
    queue.create(store, "gpu")
    made = [tasks.create(store, "vision", f"run {number}").id for number in range(3)]
    for task_id, priority in zip(made, (0, 5, 0), strict=True):
        queue.enqueue(store, task_id, "gpu", priority=priority)
    return made


def _order(store: Store, name: str) -> list[tuple[str, int]]:
    return [(entry.ticket.task_id, entry.ticket.place.priority) for entry in queue.show(store, name)]


def test_its_tasks_wait_under_the_new_name_at_their_places(store: Store, waiting: list[str]) -> None:
    before = _order(store, "gpu")
    tasks.transition(store, waiting[0], Status.CREATED)  # has another status to go back to
    queue.enqueue(store, waiting[0], "gpu", priority=-3)
    before = _order(store, "gpu")
    assert rename(store, " gpu", "a100 ") == 3
    assert _order(store, "a100") == before
    assert [each.name for each in queue.listed(store)] == ["a100", "default"]
    assert not store.paths.queue("gpu").home.exists()
    for task_id in waiting:
        record = tasks.read(places.locate(store, task_id))
        assert (record.status, record.execution.queue) == (Status.QUEUED, "a100")  # type: ignore[union-attr]  # queued
    assert queue.dequeue(store, waiting[1]).status is Status.CREATED
    assert doctor.check(store) == []
    with pytest.raises(NotFound):
        queue.show(store, "gpu")


def test_an_empty_queue_is_renamed_and_a_ticket_that_is_no_good_goes(store: Store, waiting: list[str]) -> None:
    for task_id in waiting:
        ticket = next(tickets.of_task(store, task_id))
        kept = ticket.path.read_bytes()
        queue.dequeue(store, task_id)
        ticket.path.write_bytes(kept)
    assert rename(store, "gpu", "cpu") == 0
    assert rename(store, "cpu", "gpu") == 0
    assert [(each.name, each.waiting, each.stale) for each in queue.listed(store)] == [("default", 0, 0), ("gpu", 0, 0)]


@pytest.mark.parametrize(
    ("name", "to", "error", "said"),
    [
        ("default", "other", Refused, "always there"),
        ("gpu", "default", Conflict, "already"),
        ("gpu", "cpu", Conflict, "already"),
        ("gpu", "gpu", Conflict, "already"),
        ("gpu", "x", BadName, "3 characters"),
        ("none", "other", NotFound, "queue ls"),
    ],
)
def test_what_is_refused_changes_nothing(
    store: Store, waiting: list[str], name: str, to: str, error: type[Exception], said: str
) -> None:
    queue.create(store, "cpu")
    before = _order(store, "gpu")
    with pytest.raises(error, match=said):
        rename(store, name, to)
    assert _order(store, "gpu") == before
    assert tickets.read_queue(store.paths.queue("gpu")).renaming_to == ""


def test_while_a_worker_has_a_ticket_it_is_refused_and_then_done(store: Store, waiting: list[str]) -> None:
    taken = claim.claim(store, ["gpu"], "worker 1", tell=_fail)
    assert taken is not None
    with pytest.raises(Refused, match=taken.task_id[:12]):
        rename(store, "gpu", "a100")
    assert claim.give_back(store, taken)
    assert rename(store, "gpu", "a100") == 3


def test_one_that_was_interrupted_is_ended_by_the_same_call_only(store: Store, waiting: list[str]) -> None:
    blocker = Path(store.paths.queue("gpu").waiting / "not a ticket")
    blocker.touch()
    with pytest.raises(Busy):
        rename(store, "gpu", "a100")
    assert _order(store, "gpu") == []
    assert len(_order(store, "a100")) == 3
    with pytest.raises(NotFound):
        rename(store, "none", "a100")
    late = tasks.create(store, "vision", "late").id
    queue.enqueue(store, late, "gpu")
    blocker.unlink()
    assert rename(store, "gpu", "a100") == 1
    assert len(_order(store, "a100")) == 4
