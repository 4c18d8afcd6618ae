"""Queues and workers: the order is changed by keys, what a worker runs is shown, and it is all followed."""

from __future__ import annotations

from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.worker import Running, WorkerRecord
from taskstore.store import workers
from taskstore.store.store import Store
from tests.cli.conftest import Workshop

from .conftest import Driven, Screen


def test_what_waits_is_put_into_another_order_and_opened(drive: Driven, workshop: Workshop, store: Store) -> None:
    for name in ("first", "second", "third"):
        queue.enqueue(store, workshop.task(name, status=Status.CREATED).id)

    def order() -> list[str]:
        return [entry.task.name for entry in queue.show(store, "default") if entry.task]

    async def scenario(screen: Screen) -> None:
        await screen.press("w")
        assert screen.text.splitlines()[2].split() == ["default", "3", "0", "0"]
        await screen.press("enter", "greater_than_sign")
        assert order() == ["second", "first", "third"]
        await screen.press("greater_than_sign", "greater_than_sign")
        assert order() == ["second", "third", "first"]
        await screen.press("less_than_sign")
        assert order() == ["second", "first", "third"]
        assert [line.split()[1] for line in screen.text.splitlines()[9:12]] == ["second", "first", "third"]
        await screen.press("enter")
        assert screen.text.startswith(" Pending  first")
        await screen.press("escape", "D")
        assert order() == ["second", "third"]

    drive(scenario)


def test_workers_and_what_they_run_are_followed(drive: Driven, workshop: Workshop, store: Store) -> None:
    made = workshop.task("the task that runs")

    def running(record: WorkerRecord) -> None:
        record.running = [Running(task=made.id, queue="gpu", since=store.clock.now())]

    async def scenario(screen: Screen) -> None:
        await screen.press("w")
        assert "no workers; `taskstore agent start` begins one" in screen.text
        worker = workers.register(store, "box-1", ["gpu", "default"], 1)
        try:
            worker.change(running)
            await screen.tick()
            line = next(line for line in screen.text.splitlines() if line.startswith("box-1"))
            assert line.split() == ["box-1", "working", "gpu,", "default", "the", "task", "that", "runs", "just", "now"]
        finally:
            worker.leave()
        await screen.tick()
        assert "box-1" not in screen.text

    drive(scenario)


def test_a_queue_at_the_cursor_shows_what_is_in_it(drive: Driven, workshop: Workshop, store: Store) -> None:
    queue.create(store, "gpu")
    queue.enqueue(store, workshop.task("a draft", status=Status.CREATED).id, "gpu")

    async def scenario(screen: Screen) -> None:
        await screen.press("w")
        assert "nothing waits here" in screen.text
        await screen.press("down")
        assert "a draft" in screen.text

    drive(scenario)
