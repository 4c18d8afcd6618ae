from __future__ import annotations

import pytest

from taskstore.board.listing import WatchedListing
from taskstore.board.overview import Load, newest_metrics, overview, progress_of
from taskstore.core.clock import FixedClock
from taskstore.core.states import Status
from taskstore.queues import claim, queue
from taskstore.run import remote
from taskstore.schema.record import TaskRecord
from taskstore.sections.reports import Writer
from taskstore.store import query, tasks, workers
from taskstore.store.store import Store


def make(store: Store, clock: FixedClock, name: str, *statuses: Status) -> str:
    made = tasks.create(store, "examples", name).id
    for status in statuses:
        clock.advance(10)
        tasks.transition(store, made, status)
    return made


RUNNING = (Status.IN_PROGRESS,)


def test_what_runs_and_what_has_ended_are_each_sorted_by_when_it_did(store: Store, clock: FixedClock) -> None:
    first = make(store, clock, "first", Status.IN_PROGRESS, Status.FAILED)
    make(store, clock, "draft")
    older = make(store, clock, "older", *RUNNING)
    second = make(store, clock, "second", Status.IN_PROGRESS, Status.COMPLETED)
    newer = make(store, clock, "newer", *RUNNING)
    found = overview(store, WatchedListing(store).rows)
    assert [row.id for row in found.ended] == [second, first]
    assert [row.id for row in found.running] == [newer, older]
    assert found.time == clock.now()
    assert [row.id for row in overview(store, WatchedListing(store).rows, ended=1).ended] == [second]


def test_a_queue_counts_tasks_that_really_wait_and_what_was_taken(store: Store, clock: FixedClock) -> None:
    queue.create(store, "gpu")
    made = [make(store, clock, f"run {number}") for number in range(3)]
    for task_id in made:
        queue.enqueue(store, task_id, "gpu")
    assert overview(store, WatchedListing(store).rows).queues == (Load("default", 0, 0), Load("gpu", 3, 0))
    worker = workers.register(store, "worker", ["gpu"], 1)
    assert claim.claim(store, ["gpu"], worker.id, tell=pytest.fail) is not None
    remote.dequeue(store, made[2])
    found = overview(store, WatchedListing(store).rows)
    assert found.queues[1] == Load("gpu", 1, 1)
    assert [(seen.record.id, seen.is_alive) for seen in found.workers] == [("worker", True)]
    worker.leave()


@pytest.mark.parametrize(
    ("text", "fraction"),
    [("40", 0.4), ("0", 0.0), ("100", 1.0), ("101", None), ("-1", None), ("nan", None), ("x", None)],
)
def test_progress_is_a_fraction_where_it_makes_sense(text: str, fraction: float | None, store: Store) -> None:
    made = tasks.create(store, "examples", "run")

    def change(record: TaskRecord) -> None:
        record.runtime["progress"] = text

    tasks.edit(store, made.id, change)
    assert progress_of(query.row_of(store, made)) == fraction


def test_metrics_that_were_reported_last_come_first_and_resources_never(store: Store) -> None:
    made = tasks.create(store, "examples", "run")

    def fail(error: BaseException) -> None:
        raise error

    writer = Writer(lambda: made, fail)
    for metric, variant, value, iteration in (
        ("loss", "val", 2.0, 3),
        ("loss", "train", 1.0, 7),
        ("acc", "val", 0.5, 7),
        (":monitor:gpu", "use", 99.0, 1000),
    ):
        writer.scalar(metric, variant, value, iteration)
    writer.close()
    assert newest_metrics(query.row_of(store, made)) == [("acc/val", 0.5), ("loss/train", 1.0), ("loss/val", 2.0)]
    assert progress_of(query.row_of(store, made)) is None
