from __future__ import annotations

import os
import shutil

import pytest

from taskstore.core.errors import Conflict, NotFound
from taskstore.core.states import Status
from taskstore.queues import claim, queue
from taskstore.schema.queue import Place, TicketRecord
from taskstore.store import doctor, places, tasks, tickets
from taskstore.store.store import Store


@pytest.fixture
def told() -> list[str]:
    return []


def _enqueued(store: Store, name: str = "default", priority: int = 0) -> str:
    task_id = tasks.create(store, "examples", "a run").id
    queue.enqueue(store, task_id, name, priority=priority)
    return task_id


def _claim(store: Store, told: list[str], *queues: str) -> str | None:
    ticket = claim.claim(store, queues or ("default",), "worker 1", tell=told.append)
    return ticket.task_id if ticket is not None else None


def test_tickets_are_taken_queue_by_queue_in_their_order(store: Store, told: list[str]) -> None:
    queue.create(store, "gpu")
    low, high = _enqueued(store), _enqueued(store, priority=1)
    first = _enqueued(store, "gpu")
    assert [_claim(store, told, "gpu", "default") for _ in range(4)] == [first, high, low, None]
    assert told == []
    with pytest.raises(NotFound):
        _claim(store, told, "no queue")


def test_who_has_taken_a_ticket_is_in_it_and_in_its_name(store: Store, told: list[str]) -> None:
    task_id = _enqueued(store)
    ticket = claim.claim(store, ["default"], "worker 1", tell=told.append)
    assert ticket is not None
    record = ticket.read()
    assert (record.task, record.worker, record.claimed) == (task_id, "worker 1", store.clock.now())
    assert ticket.path.name.endswith(f"-{os.getpid()}.json")
    (counts,) = queue.listed(store)
    assert (counts.waiting, counts.claimed) == (0, 1)
    assert doctor.check(store) == []
    with pytest.raises(Conflict, match="taken from queue 'default' by a worker"):
        queue.enqueue(store, task_id)
    tasks.transition(store, task_id, Status.IN_PROGRESS)
    assert ticket.path.exists()  # it is the worker's, until it is done with it
    assert claim.ack(ticket)
    assert not claim.ack(ticket)


def test_a_ticket_that_is_given_back_has_its_place_again(store: Store, told: list[str]) -> None:
    first, second = _enqueued(store), _enqueued(store)
    ticket = claim.claim(store, ["default"], "worker 1", tell=told.append)
    assert ticket is not None
    assert claim.give_back(store, ticket)
    assert [entry.ticket.task_id for entry in queue.show(store, "default")] == [first, second]
    assert _claim(store, told) == first


def test_a_ticket_whose_task_left_is_not_given_back(store: Store, told: list[str]) -> None:
    task_id = _enqueued(store)
    ticket = claim.claim(store, ["default"], "worker 1", tell=told.append)
    assert ticket is not None
    queue.dequeue(store, task_id)
    assert not claim.give_back(store, ticket)
    assert [*tickets.of_task(store, task_id), *tickets.of_task(store, task_id, claimed=True)] == []


def test_nor_is_one_whose_task_has_another_by_now(store: Store, told: list[str]) -> None:
    task_id = _enqueued(store)
    ticket = claim.claim(store, ["default"], "worker 1", tell=told.append)
    assert ticket is not None
    queue.dequeue(store, task_id)
    queue.enqueue(store, task_id)
    assert not claim.give_back(store, ticket)
    assert queue.position(store, task_id) == ("default", 1, 1)
    assert doctor.check(store) == []


def _stale_ticket(store: Store, task_id: str) -> tickets.Ticket:
    ticket = tickets.new(store, "default", Place(0, 0, task_id))
    tickets.write(store, ticket, TicketRecord(task=task_id))
    return ticket


def test_a_ticket_that_is_not_good_is_dropped_with_a_word(store: Store, told: list[str]) -> None:
    good = _enqueued(store)
    draft = tasks.create(store, "examples", "a draft").id
    ticket = _stale_ticket(store, draft)
    assert _claim(store, told) == good
    assert told == [f"queue 'default': the ticket of task {draft[:12]} is dropped: its task is Draft by now"]
    assert not ticket.path.exists()
    assert [each.task_id for each in tickets.of_queue(store, "default", claimed=True)] == [good]


def test_so_is_one_whose_task_is_gone(store: Store, told: list[str]) -> None:
    task_id = _enqueued(store)
    shutil.rmtree(places.locate(store, task_id).home)
    assert _claim(store, told) is None
    assert len(told) == 1
    assert "is dropped: no task" in told[0]
    assert queue.listed(store) == [queue.Counts("default", 0, 0, 0)]


def test_one_whose_task_cannot_be_read_is_passed_over_and_stays(store: Store, told: list[str]) -> None:
    damaged, good = _enqueued(store), _enqueued(store)
    places.locate(store, damaged).record.write_text("{torn")
    assert _claim(store, told) == good
    assert "is passed over: damaged file" in told[0]
    assert [each.task_id for each in tickets.of_queue(store, "default")] == [damaged]
