from __future__ import annotations

from collections.abc import Callable

import pytest

from taskstore.core.clock import FixedClock
from taskstore.core.errors import BadName, BadTransition, BadValue, Conflict, NotFound, Refused
from taskstore.core.states import Status
from taskstore.queues import queue
from taskstore.schema.queue import Place, place_of, rank_of
from taskstore.sections import clone
from taskstore.store import doctor, places, tasks, tickets, trash
from taskstore.store.store import Store

Make = Callable[..., str]


@pytest.fixture
def make(store: Store) -> Make:
    def make(status: Status = Status.CREATED, name: str = "a run") -> str:
        task_id = tasks.create(store, "examples", name).id
        if status is not Status.CREATED:
            tasks.transition(store, task_id, Status.IN_PROGRESS)
        if status not in (Status.CREATED, Status.IN_PROGRESS):
            tasks.transition(store, task_id, status)
        return task_id

    return make


def _order(store: Store, name: str = "default") -> list[str]:
    entries = queue.show(store, name)
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.ticket.task_id for entry in entries]


def _record(store: Store, task_id: str) -> tasks.TaskRecord:
    return tasks.read(places.locate(store, task_id))


def test_names_of_tickets_in_order_are_tickets_in_order() -> None:
    found = [Place(rank_of(priority), key, "0" * 32) for priority in (1000, 7, 0, -1, -1000) for key in (9, 10, 10**18)]
    names = [place.file_name for place in found]
    assert names == sorted(names)
    assert [place_of(name) for name in names] == found
    assert [place.priority for place in found[::3]] == [1000, 7, 0, -1, -1000]


@pytest.mark.parametrize(
    "name", ["", "x.json", "1000-1-2.json", f"2001-{0:020d}-{0:032x}.json", f"1000-{0:020d}-.json"]
)
def test_what_is_no_tickets_name_is_none(name: str) -> None:
    assert place_of(name) is None


@pytest.mark.parametrize("priority", [1001, -1001, 1.5, True, "1"])
def test_a_priority_is_a_whole_number_in_a_range(store: Store, make: Make, priority: object) -> None:
    task_id = make()
    with pytest.raises(BadValue, match="from -1000 to 1000"):
        queue.enqueue(store, task_id, priority=priority)  # type: ignore[arg-type]
    assert _record(store, task_id).status is Status.CREATED


def test_the_default_queue_is_there_without_being_made(store: Store, make: Make) -> None:
    assert [(each.name, each.waiting) for each in queue.listed(store)] == [("default", 0)]
    assert not store.paths.queues.exists()
    task_id = make()
    queue.enqueue(store, task_id)
    assert _order(store) == [task_id]
    with pytest.raises(Refused, match="always there"):
        queue.delete(store, "default")


def test_another_queue_must_be_made_and_the_message_says_how(store: Store, make: Make) -> None:
    task_id = make()
    with pytest.raises(NotFound, match="taskstore queue create gpu"):
        queue.enqueue(store, task_id, "gpu")
    assert queue.create(store, " gpu ") == "gpu"
    with pytest.raises(Conflict, match="'gpu' already"):
        queue.create(store, "gpu")
    queue.enqueue(store, task_id, "gpu")
    assert _order(store, "gpu") == [task_id]


@pytest.mark.parametrize("name", ["ab", "  a ", ""])
def test_a_queues_name_has_three_characters(store: Store, name: str) -> None:
    with pytest.raises(BadName, match="3 characters"):
        queue.create(store, name)


@pytest.mark.parametrize("name", ["GPU", "a/b: c?", "con", "x" * 500])
def test_a_queue_may_have_any_name(store: Store, make: Make, name: str) -> None:
    queue.create(store, name)
    task_id = make()
    queue.enqueue(store, task_id, name)
    assert [each.name for each in queue.listed(store)] == sorted(["default", name])
    assert queue.position(store, task_id) == (name, 1, 1)
    assert doctor.check(store) == []


@pytest.mark.parametrize("before", [Status.CREATED, Status.STOPPED, Status.FAILED])
def test_what_is_enqueued_and_dequeued_is_as_it_was(
    store: Store, clock: FixedClock, make: Make, before: Status
) -> None:
    task_id = make(before)
    earlier = _record(store, task_id)
    clock.advance(60)
    enqueued = queue.enqueue(store, task_id)
    assert (enqueued.status, enqueued.enqueue_status) == (Status.QUEUED, before)
    assert enqueued.execution is not None
    assert enqueued.execution.queue == "default"
    later = queue.dequeue(store, task_id)
    assert (later.status, later.enqueue_status) == (before, None)
    assert (later.completed, later.active_duration) == (earlier.completed, earlier.active_duration)
    assert later.execution is not None
    assert later.execution.queue == ""
    assert _order(store) == []


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.COMPLETED])
def test_what_runs_or_is_completed_is_not_enqueued(store: Store, make: Make, status: Status) -> None:
    task_id = make(status)
    with pytest.raises(BadTransition):
        queue.enqueue(store, task_id)
    assert queue.show(store, "default") == []
    assert not list(store.paths.queues.rglob("*.json.tmp"))


def test_enqueueing_takes_the_mark_of_a_run_off(store: Store, make: Make) -> None:
    task_id = make(Status.STOPPED)
    tasks.edit(store, task_id, lambda record: setattr(record, "system_tags", ["development", "mine"]))
    assert queue.enqueue(store, task_id).system_tags == ["mine"]


def test_a_task_waits_once_and_in_one_queue(store: Store, make: Make) -> None:
    task_id = make(Status.STOPPED)
    queue.create(store, "gpu")
    queue.enqueue(store, task_id)
    with pytest.raises(Conflict, match="'default' already"):
        queue.enqueue(store, task_id)
    queue.enqueue(store, task_id, "gpu")
    assert (_order(store), _order(store, "gpu")) == ([], [task_id])
    assert queue.dequeue(store, task_id).status is Status.STOPPED


def test_the_higher_priority_is_first_and_within_one_who_came_first(
    store: Store, clock: FixedClock, make: Make
) -> None:
    given = [(make(), priority) for priority in (0, 5, 0, -3, 5)]
    for task_id, priority in given:
        queue.enqueue(store, task_id, priority=priority)
        clock.advance(-1)  # a clock that is set back changes nothing
    assert [given[at][0] for at in (1, 4, 0, 2, 3)] == _order(store)


def test_a_task_is_moved_to_any_position(store: Store, make: Make) -> None:
    ids = [make() for _ in range(4)]
    for task_id in ids:
        queue.enqueue(store, task_id)
    for at in range(4):
        for task_id in ids:
            expected = [other for other in _order(store) if other != task_id]
            expected.insert(at, task_id)
            assert queue.move(store, task_id, at + 1).position == at + 1
            assert _order(store) == expected
    queue.move(store, ids[0], -1)
    assert _order(store)[-1] == ids[0]
    queue.move(store, ids[0], 99)
    assert _order(store)[-1] == ids[0]
    with pytest.raises(BadValue):
        queue.move(store, ids[0], 0)


def test_there_is_room_between_two_however_often_one_is_moved_there(store: Store, make: Make) -> None:
    ids = [make() for _ in range(4)]
    for task_id in ids:
        queue.enqueue(store, task_id)
    queue.move(store, ids[3], 2)
    for count in range(40):
        queue.move(store, ids[2 + count % 2], 2)
        assert _order(store) == [ids[0], ids[2 + count % 2], ids[3 - count % 2], ids[1]]


def test_at_a_new_position_the_priority_is_as_near_as_it_can_be(store: Store, make: Make) -> None:
    high, middle, low = (make() for _ in range(3))
    for task_id, priority in ((high, 9), (middle, 5), (low, 1)):
        queue.enqueue(store, task_id, priority=priority)
    assert queue.move(store, low, 2).ticket.place.priority == 5
    assert queue.move(store, low, 1).ticket.place.priority == 9
    assert queue.move(store, low, -1).ticket.place.priority == 5
    assert queue.set_priority(store, low, 100).position == 1
    assert _order(store) == [low, high, middle]


def test_only_what_waits_is_moved(store: Store, make: Make) -> None:
    with pytest.raises(NotFound, match="it is Draft; `taskstore enqueue`"):
        queue.move(store, make(), 1)


def test_an_empty_queue_is_deleted_and_another_only_with_force(store: Store, make: Make) -> None:
    queue.create(store, "gpu")
    task_id = make(Status.STOPPED)
    queue.enqueue(store, task_id, "gpu")
    with pytest.raises(Refused, match="not empty"):
        queue.delete(store, "gpu")
    assert queue.delete(store, "gpu", force=True) == 1
    assert _record(store, task_id).status is Status.STOPPED
    assert list(store.paths.queues.iterdir()) == []
    with pytest.raises(NotFound):
        queue.delete(store, "gpu")


def test_a_purged_queue_is_empty_and_its_tasks_are_as_they_were(store: Store, make: Make) -> None:
    ids = [make(status) for status in (Status.CREATED, Status.STOPPED)]
    for task_id in ids:
        queue.enqueue(store, task_id)
    assert queue.purge(store, "default") == 2
    assert [_record(store, task_id).status for task_id in ids] == [Status.CREATED, Status.STOPPED]
    assert queue.show(store, "default") == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda store, task_id: tasks.transition(store, task_id, Status.IN_PROGRESS), Status.IN_PROGRESS),
        (lambda store, task_id: tasks.transition(store, task_id, Status.STOPPED), Status.STOPPED),
        (lambda store, task_id: clone.reset(store, task_id), Status.CREATED),
    ],
    ids=["run by hand", "aborted", "reset"],
)
def test_a_task_that_leaves_its_queue_by_another_way_takes_its_ticket_along(store, make, change, status) -> None:
    task_id = make()
    queue.enqueue(store, task_id)
    change(store, task_id)
    record = _record(store, task_id)
    kept = "default" if status is Status.IN_PROGRESS else ""
    assert (record.status, record.enqueue_status, record.execution.queue) == (status, None, kept)
    assert list(tickets.of_task(store, task_id)) == []
    assert doctor.check(store) == []


def test_what_was_started_from_a_queue_says_so_until_it_is_reset(store: Store, make: Make) -> None:
    task_id = make()
    queue.enqueue(store, task_id)
    tasks.transition(store, task_id, Status.IN_PROGRESS)
    record = tasks.transition(store, task_id, Status.COMPLETED)
    assert record.execution is not None
    assert record.execution.queue == "default"
    assert clone.reset(store, task_id).execution == type(record.execution)()
    assert tasks.read(clone.clone(store, places.locate(store, task_id))).execution is None


def test_a_task_that_is_renamed_or_moved_waits_on(store: Store, make: Make) -> None:
    task_id = make()
    queue.enqueue(store, task_id)
    tasks.edit(store, task_id, lambda record: setattr(record, "name", "renamed"))
    tasks.move(store, task_id, "another/place")
    (entry,) = queue.show(store, "default")
    assert entry.task is not None
    assert (entry.position, entry.project, entry.task.name) == (1, "another/place", "renamed")


def test_a_deleted_task_leaves_its_queue_and_comes_back_as_it_was_before(store: Store, make: Make) -> None:
    task_id = make(Status.STOPPED)
    queue.enqueue(store, task_id)
    trash.put(store, task_id)
    assert queue.show(store, "default") == []
    trash.restore(store, task_id)
    assert _record(store, task_id).status is Status.STOPPED
    assert doctor.check(store) == []


def test_a_listing_counts_only_what_really_waits(store: Store, make: Make) -> None:
    good, stale = make(), make(name="stale")
    queue.enqueue(store, good)
    tickets.write(store, tickets.new(store, "default", Place(0, 0, stale)), tickets.TicketRecord(task=stale))
    (counts,) = queue.listed(store)
    assert (counts.waiting, counts.stale, queue.count(store, "default")) == (1, 1, 1)
    first, second = queue.show(store, "default")
    assert (first.position, first.problem) == (0, "its task is Draft by now")
    assert (second.position, second.problem) == (1, None)
    assert queue.move(store, good, 1).position == 1


def test_one_that_lost_its_ticket_can_be_enqueued_again(store: Store, make: Make) -> None:
    task_id = make()
    queue.enqueue(store, task_id)
    for ticket in tickets.of_queue(store, "default"):
        ticket.path.unlink()
    assert queue.position(store, task_id) is None
    queue.enqueue(store, task_id)
    assert _order(store) == [task_id]
    assert queue.dequeue(store, task_id).status is Status.CREATED
