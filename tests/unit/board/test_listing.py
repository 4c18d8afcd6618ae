from __future__ import annotations

import pytest

from taskstore.board.listing import WatchedListing
from taskstore.core.states import Status
from taskstore.schema.record import TaskRecord
from taskstore.store import tasks, trash
from taskstore.store.query import Query
from taskstore.store.store import Store


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def make(store: Store, name: str, project: str = "examples") -> str:
    return tasks.create(store, project, name).id


def names(listing: WatchedListing) -> list[str]:
    return [row.task.name for row in listing.find(order_by="name")]


def rename(store: Store, task_id: str, name: str) -> None:
    def change(record: TaskRecord) -> None:
        record.name = name

    tasks.edit(store, task_id, change)


def test_what_others_make_rename_move_and_delete_is_seen_by_the_next_look(store: Store, time: Time) -> None:
    one = make(store, "one")
    listing = WatchedListing(store, monotonic=time)
    assert names(listing) == ["one"]
    two = make(store, "two")
    rename(store, one, "first")
    time.now += 60
    assert listing.look()
    assert names(listing) == ["first", "two"]
    tasks.move(store, two, "else/where")
    time.now += 60
    assert listing.look()
    assert [row.project for row in listing.find(Query(project="else"))] == ["else/where"]
    trash.put(store, one)
    time.now += 60
    assert listing.look()
    assert names(listing) == ["two"]


def test_a_look_at_what_has_not_changed_changes_nothing(store: Store, time: Time) -> None:
    make(store, "one")
    listing = WatchedListing(store, monotonic=time)
    before, rows = listing.version, listing.rows
    time.now += 60
    listing.look()  # it was written in the instant before it was read first
    time.now += 60
    before, rows = listing.version, listing.rows
    assert not listing.look()
    assert listing.version == before
    assert listing.rows is rows


def test_all_is_looked_at_no_sooner_than_its_share_of_time_allows_unless_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch, time: Time
) -> None:
    from taskstore.store import index

    entries = index.entries

    def slow(*given: object) -> object:
        time.now += 0.2
        return entries(*given)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(index, "entries", slow)
    one = make(store, "one")
    listing = WatchedListing(store, monotonic=time)
    rename(store, one, "first")
    time.now += 65
    assert not listing.look()
    assert listing.look(at_all=True)
    rename(store, one, "second")
    time.now += 68
    assert listing.look()
    assert names(listing) == ["second"]


def test_what_comes_and_goes_is_seen_soon_however_long_a_look_at_all_takes(
    store: Store, monkeypatch: pytest.MonkeyPatch, time: Time
) -> None:
    from taskstore.store import index

    entries = index.entries

    def slow(*given: object) -> object:
        time.now += 0.2
        return entries(*given)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(index, "entries", slow)
    listing = WatchedListing(store, monotonic=time)
    for change in (
        lambda: make(store, "one"),
        lambda: make(store, "two", "examples/new"),
        lambda: tasks.move(store, listing.rows[0].id, "examples/other"),
        lambda: trash.put(store, listing.rows[0].id),
    ):
        change()
        time.now += 1
        assert not listing.look()
        time.now += 2
        assert listing.look()
    assert len(listing.rows) == 1


def test_what_runs_is_read_each_time(store: Store, time: Time) -> None:
    task_id = make(store, "one")
    tasks.transition(store, task_id, Status.IN_PROGRESS, reason="by hand")
    listing = WatchedListing(store, monotonic=time)
    time.now += 60
    listing.look()
    tasks.edit(store, task_id, lambda record: record.runtime.__setitem__("progress", "40"))
    time.now += 2
    assert listing.look()
    assert listing.rows[0].get("progress") == "40"


def test_a_damaged_task_is_named_and_the_others_are_listed(store: Store, time: Time) -> None:
    good, bad = make(store, "good"), make(store, "bad")
    (store.paths.projects / "examples" / bad / "task.json").write_text("{")
    listing = WatchedListing(store, monotonic=time)
    assert [row.id for row in listing.rows] == [good]
    assert len(listing.damaged) == 1
    assert bad in str(listing.damaged[0])
