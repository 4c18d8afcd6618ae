from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.share.sync.plan import Way
from taskstore.store import places
from taskstore.store.store import Store, init

from .worlds import Watched, a_task, exchange, remote


@pytest.fixture
def other(tmp_path: Path, store: Store) -> Store:
    return init(tmp_path / "other", clock=store.clock)


def ids(store: Store) -> set[str]:
    return {task_id for _, task_id in places.walk(store)}


def test_what_is_pushed_is_pulled_elsewhere(store: Store, other: Store) -> None:
    made = [a_task(store, f"run {number}").id for number in range(3)]
    there = remote()
    assert [done.action for done in exchange(store, there, Way.PUSH).done] == ["pushed"] * 3
    result = exchange(other, there, Way.PULL)
    assert {(done.id, done.action, done.is_new) for done in result.done} == {(each, "pulled", True) for each in made}
    assert ids(other) == set(made)
    assert exchange(store, there).done == exchange(other, there).done == []


def test_between_two_stores_too(store: Store, other: Store) -> None:
    here, there = a_task(store, "here").id, a_task(other, "there").id
    result = exchange(store, other.root)
    assert {(done.id, done.action) for done in result.done} == {(here, "pushed"), (there, "pulled")}
    assert ids(store) == ids(other) == {here, there}
    assert exchange(store, other.root).same == exchange(other, store.root).same == 2


def test_of_unchanged_tasks_only_the_manifest_is_read(store: Store) -> None:
    for number in range(5):
        a_task(store, f"run {number}")
    there = remote()
    exchange(store, there)
    watched = Watched(there)
    assert exchange(store, watched).same == 5
    assert watched.calls == [("read", "sync/manifest.json")]
