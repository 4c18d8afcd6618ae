from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.queues import claim, queue
from taskstore.schema.queue import Place, TicketRecord
from taskstore.store import doctor, places, tasks, tickets
from taskstore.store.doctor import Kind
from taskstore.store.store import Store


def _enqueued(store: Store, name: str = "default") -> str:
    task_id = tasks.create(store, "examples", "a run").id
    queue.enqueue(store, task_id, name)
    return task_id


def _found(store: Store) -> list[tuple[Kind, str]]:
    return [(finding.kind, finding.message) for finding in doctor.check(store)]


def _is_mended(store: Store) -> bool:
    findings = doctor.repair(store)
    return all(finding.is_repaired for finding in findings) and doctor.check(store) == []


def test_a_ticket_whose_task_does_not_wait_is_taken_out(store: Store) -> None:
    task_id = tasks.create(store, "examples", "a draft").id
    _enqueued(store)
    ticket = tickets.new(store, "default", Place(0, 0, task_id))
    tickets.write(store, ticket, TicketRecord(task=task_id))
    (found,) = _found(store)
    assert found[0] is Kind.TICKET
    assert "does not wait" in found[1]
    assert _is_mended(store)
    assert not ticket.path.exists()
    assert queue.count(store, "default") == 1


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_task_that_waits_without_a_ticket_is_put_back_or_is_as_it_was_before(store: Store, is_deleted: bool) -> None:
    queue.create(store, "gpu")
    _, lost = _enqueued(store, "gpu"), _enqueued(store, "gpu")
    next(tickets.of_task(store, lost)).path.unlink()
    if is_deleted:
        for path in sorted(store.paths.queue("gpu").home.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        store.paths.queue("gpu").home.rmdir()
    assert {kind for kind, _ in _found(store)} == {Kind.UNQUEUED}
    assert _is_mended(store)
    status = tasks.read(places.locate(store, lost)).status
    assert status is (Status.CREATED if is_deleted else Status.QUEUED)
    assert queue.position(store, lost) == (None if is_deleted else ("gpu", 2, 2))


def test_a_second_ticket_of_a_task_is_taken_out(store: Store) -> None:
    task_id = _enqueued(store)
    (first,) = tickets.of_queue(store, "default")
    second = tickets.new(store, "default", Place(first.place.rank + 1, first.place.key, task_id))
    tickets.write(store, second, TicketRecord(task=task_id))
    assert _found(store) == [(Kind.TICKET, "its task has another ticket before it")]
    assert _is_mended(store)
    assert tickets.of_queue(store, "default") == [first]


def test_a_ticket_that_cannot_be_read_is_written_again_and_waits_where_it_did(store: Store) -> None:
    ids = [_enqueued(store) for _ in range(2)]
    tickets.of_queue(store, "default")[0].path.write_text("{torn")
    assert [kind for kind, _ in _found(store)] == [Kind.TICKET]
    assert _is_mended(store)
    assert [entry.ticket.task_id for entry in queue.show(store, "default")] == ids


def test_what_is_no_ticket_is_taken_out(store: Store) -> None:
    _enqueued(store)
    (store.paths.queue("default").waiting / "notes.txt").write_text("mine")
    assert _found(store) == [(Kind.TICKET, "it is no ticket")]
    assert _is_mended(store)
    assert queue.count(store, "default") == 1


def _gone() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_ticket_of_a_dead_worker_waits_again_unless_its_task_has_begun(store: Store, has_begun: bool) -> None:
    task_id = _enqueued(store)
    ticket = claim.claim(store, ["default"], "worker 1", tell=lambda _: None)
    assert ticket is not None
    assert doctor.check(store) == []  # its worker lives
    place, _, _ = ticket.place.owner.partition("-")
    dead = ticket.path.with_name(ticket.path.name.replace(ticket.place.owner, f"{place}-{_gone()}"))
    ticket.path.rename(dead)
    if has_begun:
        tasks.transition(store, task_id, Status.IN_PROGRESS)
        tasks.transition(store, task_id, Status.COMPLETED)
    assert _found(store) == [(Kind.CLAIM, "the worker that has taken it is gone")]
    assert _is_mended(store)
    assert not dead.exists()
    assert queue.position(store, task_id) == (None if has_begun else ("default", 1, 1))


def test_a_ticket_that_another_machine_has_taken_is_left_alone(store: Store) -> None:
    _enqueued(store)
    ticket = claim.claim(store, ["default"], "worker 1", tell=lambda _: None)
    assert ticket is not None
    ticket.path.rename(ticket.path.with_name(ticket.path.name.replace(ticket.place.owner, "00000000-17")))
    assert doctor.check(store) == []


def test_the_record_and_the_folders_of_a_queue_are_made_again(store: Store) -> None:
    queue.create(store, "gpu")
    home = store.paths.queue("gpu")
    home.record.write_text("{torn")
    home.waiting.rmdir()
    assert [kind for kind, _ in _found(store)] == [Kind.QUEUE, Kind.QUEUE]
    assert _is_mended(store)
    assert tickets.read_queue(home).name == "gpu"
    assert [counts.name for counts in queue.listed(store)] == ["default", "gpu"]


def test_a_queue_whose_long_name_is_lost_is_named_and_its_tickets_stay(store: Store) -> None:
    name = "long " * 100 + "name"
    queue.create(store, name)
    _enqueued(store, name)
    home = store.paths.queue(name)
    whole = home.record.read_bytes()
    home.record.unlink()
    (finding,) = doctor.repair(store)
    assert (finding.kind, finding.is_repaired) == (Kind.QUEUE, False)
    home.record.write_bytes(whole)
    assert doctor.check(store) == []
    assert queue.count(store, name) == 1


def test_a_purge_of_nothing_leaves_a_store_without_queues_alone(store: Store) -> None:
    assert queue.purge(store, "default") == 0
    assert not Path(store.paths.queues).exists()
