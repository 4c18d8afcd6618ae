"""A queue is renamed while tasks come and are taken: none is lost, and none is begun twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import BadTransition, NotFound, TaskstoreError
from taskstore.core.states import Status
from taskstore.disk.lock import LockKind
from taskstore.queues import claim, queue
from taskstore.queues.rename import rename
from taskstore.store import doctor, places, tasks, tickets
from taskstore.store.store import Store, init, open_at

from .racers import race_of


def _rename(store: Store, number: int, about: str) -> int:
    for turn in range(30):
        try:
            rename(store, f"queue {turn % 2}", f"queue {(turn + 1) % 2}")
        except TaskstoreError:
            continue
    return 30


def _enqueue(store: Store, number: int, task_ids: str) -> list[str]:
    done = []
    for task_id in task_ids.split()[number::2]:
        for turn in range(1000):
            try:
                queue.enqueue(store, task_id, f"queue {turn % 2}")
            except NotFound:
                continue
            done.append(task_id)
            break
    return done


def _claim(store: Store, number: int, task_ids: str) -> list[str]:
    begun = []
    for turn in range(300):
        try:
            ticket = claim.claim(store, [f"queue {turn % 2}"], f"worker {number}", tell=lambda _: None)
        except NotFound:
            continue
        if ticket is None:
            continue
        if turn % 3 == 0:
            claim.give_back(store, ticket)
            continue
        try:
            tasks.transition(store, ticket.task_id, Status.IN_PROGRESS, only_from=frozenset({Status.QUEUED}))
            begun.append(ticket.task_id)
        except BadTransition:  # it had another ticket, under the other name
            pass
        claim.ack(ticket)
    return begun


@pytest.mark.parametrize("locks", [kind.value for kind in LockKind])
def test_a_queue_that_is_renamed_loses_no_task_and_gives_none_twice(locks: str, tmp_path: Path) -> None:
    store = init(tmp_path / "store", locks=locks)
    queue.create(store, "queue 0")
    made = [tasks.create(store, "vision", f"run {number}").id for number in range(24)]
    answers = race_of([_enqueue, _enqueue, _rename, _claim, _claim], store.root, " ".join(made))
    assert all(isinstance(answer, (int, list)) for answer in answers), answers
    assert sorted([*answers[0], *answers[1]]) == made
    begun = [*answers[3], *answers[4]]
    assert len(begun) == len(set(begun))
    doctor.repair(open_at(store.root))
    after = open_at(store.root)
    for task_id in made:
        status = tasks.read(places.locate(after, task_id)).status
        assert status is (Status.IN_PROGRESS if task_id in begun else Status.QUEUED), task_id
        assert len(list(tickets.of_task(after, task_id))) == (status is Status.QUEUED), task_id
