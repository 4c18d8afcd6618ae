from __future__ import annotations

from types import SimpleNamespace

import pytest

from taskstore.core.errors import BadValue
from taskstore.core.states import RECORDING, Status
from taskstore.queues import queue
from taskstore.run import launch, nodes
from taskstore.sections import clone
from taskstore.store import tasks, trash
from taskstore.store.store import Store


def test_a_node_belongs_to_one_launch_of_its_master(store: Store) -> None:
    master = tasks.create(store, "examples", "the master").id
    first = launch.claim(store, master)
    assert nodes._why_over(store, master, first) == ""
    tasks.transition(store, master, Status.FAILED, reason="worker lost")
    assert nodes._why_over(store, master, first) == "which is Failed (worker lost)"
    clone.reset(store, master)
    queue.enqueue(store, master, "default")
    second = launch.claim(store, master)
    assert nodes._why_over(store, master, first) == "which was started again since"
    assert nodes._why_over(store, master, second) == ""


def test_a_node_may_outlive_a_master_that_is_completed_but_not_begin_after_it(store: Store) -> None:
    master = tasks.create(store, "examples", "the master").id
    name = launch.claim(store, master)
    tasks.transition(store, master, Status.COMPLETED, reason="completed")
    assert nodes._why_over(store, master, name, may_be_completed=True) == ""
    assert nodes._why_over(store, master, name) == "which is Completed (completed)"
    trash.put(store, master)
    assert nodes._why_over(store, master, name, may_be_completed=True) == "which is deleted"


def test_a_master_that_waits_waits_until_a_node_has_joined_and_not_only_been_taken(store: Store) -> None:
    node = tasks.create(store, "examples", "a node").id
    session = SimpleNamespace(store=store)
    master = nodes._Master(session, {1: node})  # type: ignore[arg-type]
    queue.create(store, "night")
    queue.enqueue(store, node, "night")
    assert master.waiting() == [1]
    tasks.transition(store, node, Status.IN_PROGRESS)
    assert master.waiting() == [1]
    tasks.edit(store, node, lambda record: record.runtime.update({nodes.JOINED: "True"}), allowed=RECORDING)
    assert master.waiting() == []


@pytest.mark.parametrize(("devices", "count"), [(None, 1), (1, 1), (8, 8), ([0, 3], 2), ((1,), 1)])
def test_a_node_counts_for_as_many_ranks_as_it_has_devices(devices: object, count: int) -> None:
    assert nodes._count(devices) == count


@pytest.mark.parametrize("devices", [0, -2, [], "all", True, 1.5])
def test_devices_that_are_no_number_and_no_list_are_refused(devices: object) -> None:
    with pytest.raises(BadValue, match="how many, a list of them, or -1"):
        nodes._count(devices)


def test_the_masters_address_is_what_the_environment_says_then_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    found = nodes._of_master(nodes.Wanted(2, 1234, addr="10.0.0.1"))
    assert (found["master_addr"], found["master_port"]) == ("10.0.0.1", 1234)
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.2")
    monkeypatch.setenv("MASTER_PORT", "77")
    found = nodes._of_master(nodes.Wanted(2, 1234, addr="10.0.0.1"))
    assert (found["master_addr"], found["master_port"]) == ("10.0.0.2", 77)
    monkeypatch.setenv("MASTER_PORT", "x")
    with pytest.raises(BadValue, match="port is x"):
        nodes._of_master(nodes.Wanted(2))
