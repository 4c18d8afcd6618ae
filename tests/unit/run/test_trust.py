from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import Refused
from taskstore.core.states import Status
from taskstore.disk.layout import TaskPaths
from taskstore.queues import queue
from taskstore.run import launch, remote, trust
from taskstore.schema.record import Container, Imported, ScriptRecord, TaskRecord
from taskstore.sections import clone
from taskstore.store import places, tasks, tickets
from taskstore.store.store import Store
from taskstore.sweeps import sweep as sweeps


@pytest.fixture
def foreign(store: Store, tmp_path: Path) -> TaskPaths:
    script = tmp_path / "theirs.py"
    script.write_text("print('hello')")

    def fill(paths: TaskPaths, record: TaskRecord) -> None:
        record.imported = [Imported(kind="clearml", id="abc", path="their.zip", time=store.clock.now())]

    paths = tasks.create(store, "examples", "theirs", fill=fill)

    def describe(record: ScriptRecord) -> None:
        record.entry_point, record.cwd, record.argv = str(script), str(tmp_path), [str(script), "--fast"]

    tasks.edit_script(store, paths.id, describe)
    return paths


def test_what_came_from_elsewhere_is_not_run_or_enqueued_without_a_word(store: Store, foreign: TaskPaths) -> None:
    with pytest.raises(Refused, match=r"clearml abc, from their.zip.*theirs.py --fast.*--trust"):
        remote.enqueue(store, foreign.id)
    with pytest.raises(Refused, match="--trust"):
        launch.run_task(store, foreign.id, launch.plan(store, foreign))
    with pytest.raises(Refused, match="--trust"):
        sweeps.start(store, foreign, sweeps.Wanted(grid=["Args/lr=1,2"]), tell=print)
    assert tasks.read(foreign).status is Status.CREATED
    assert tickets.of_queue(store, "default") == []


def test_the_container_that_it_would_run_in_is_said_too(store: Store, foreign: TaskPaths) -> None:
    assert trust.command(foreign).endswith("theirs.py --fast`")

    def change(record: TaskRecord) -> None:
        record.container = Container(image="theirs:1", arguments="--privileged", setup_shell_script="rm -r data")

    tasks.edit(store, foreign.id, change)
    assert trust.command(foreign).endswith(
        "--fast` (where agents use containers, it asks for theirs:1, --privileged, a set-up script of its own)"
    )


def test_a_word_lets_it_run_from_then_on(store: Store, foreign: TaskPaths) -> None:
    remote.enqueue(store, foreign.id, is_trusted=True)
    assert tasks.read(foreign).status is Status.QUEUED
    remote.dequeue(store, foreign.id)
    remote.enqueue(store, foreign.id)
    record = tasks.read(foreign)
    assert record.execution is not None
    assert record.execution.trusted == tasks.who()


def test_a_clone_is_somebody_elses_program_too_and_has_no_word_yet(store: Store, foreign: TaskPaths) -> None:
    trust.give(store, foreign.id)
    made = clone.clone(store, foreign)
    assert trust.is_needed(tasks.read(made))
    with pytest.raises(Refused, match="their.zip"):
        remote.enqueue(store, made.id)


def test_one_of_ones_own_needs_no_word(store: Store) -> None:
    paths = tasks.create(store, "examples", "mine")
    remote.enqueue(store, paths.id)
    assert tasks.read(paths).status is Status.QUEUED


def test_an_agent_does_not_run_what_was_enqueued_without_a_word(store: Store, foreign: TaskPaths) -> None:
    from taskstore.agent.options import Options
    from taskstore.agent.worker import Worker

    queue.enqueue(store, foreign.id, "default")  # past the check, as a ticket that was written by hand
    said: list[str] = []
    Worker(store, Options(queues=("default",), once=True, in_place=True), tell=said.append).run()
    assert tasks.read(places.locate(store, foreign.id)).status is Status.CREATED
    assert any("came from elsewhere" in line for line in said)
