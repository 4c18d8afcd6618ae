from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.core.errors import Ambiguous, BadName, NotFound
from taskstore.schema import filters
from taskstore.share.sync import tree
from taskstore.share.sync.choosing import Choice
from taskstore.share.sync.plan import Way
from taskstore.store import tasks
from taskstore.store.store import Store, init

from .worlds import Watched, a_task, exchange, remote


@pytest.fixture(params=["a remote", "a folder"])
def place(request: pytest.FixtureRequest, store: Store, tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201 - either
    return remote() if request.param == "a remote" else tmp_path / "folder"


def made(store: Store) -> dict[str, str]:
    tasks_made = {name: a_task(store, name, project) for name, project in (("one", "vision/cats"), ("two", "vision"))}
    tasks_made["three"] = a_task(store, "three", "visions")
    tasks.edit_params(
        store,
        tasks_made["two"].id,
        lambda record: setattr(record.hyperparams["Args"]["lr"], "value", "0.5"),
        allowed=ALL,
    )
    return {name: paths.id for name, paths in tasks_made.items()}


ALL = frozenset(tasks.Status)


@pytest.mark.parametrize("way", [Way.PUSH, Way.PULL])
def test_only_what_is_meant_moves(store: Store, place: object, tmp_path: Path, way: Way) -> None:
    ids = made(store)
    target = store
    if way is Way.PULL:
        exchange(store, place, Way.PUSH)  # type: ignore[arg-type]  # a remote or a folder
        target = init(tmp_path / "empty", clock=store.clock)
    for choice, wanted in (
        (Choice((ids["one"],)), {"one"}),
        (Choice((ids["one"][:-2], "vision/two")), {"one", "two"}),
        (Choice(("@last",)), {"three"}),
        (Choice(project="vision"), {"one", "two"}),
        (Choice(where=filters.parse("Args/lr > 0.2")), {"two"}),
        (Choice(where=filters.parse("loss/train > 1 and status = completed")), {"one", "two", "three"}),
        (Choice(where=filters.parse("loss/train > 100")), set()),
        (Choice(project="vision/cats", where=filters.parse("name = two")), set()),
        (Choice((ids["one"],), where=filters.parse("Args/lr > 0.2")), set()),
    ):
        found = exchange(target, place, way, choice, is_dry=True)  # type: ignore[arg-type]  # a remote or a folder
        assert {done.name for done in found.done} == wanted, choice
    exchange(target, place, way, Choice(("vision/two",)))  # type: ignore[arg-type]  # a remote or a folder
    left = exchange(target, place, way, is_dry=True)  # type: ignore[arg-type]  # a remote or a folder
    assert {done.name for done in left.done} == {"one", "three"}


def test_what_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    there = remote()
    ids = made(store)
    exchange(store, there)
    empty = init(tmp_path / "empty", clock=store.clock)
    shared = ids["one"][:4]
    for choice, error in (
        (Choice(("no such task",)), NotFound),
        (Choice(("f" * 32,)), NotFound),
        (Choice((shared,)), Ambiguous),
        (Choice(project="nothing of it"), NotFound),
        (Choice(project="a//b"), BadName),
    ):
        with pytest.raises(error, match=r"memory|fits 3|a//b"):
            exchange(empty, there, Way.PULL, choice)


def test_for_a_condition_only_what_differs_is_read(store: Store) -> None:
    made(store)
    there = remote()
    exchange(store, there)
    watched = Watched(there)
    exchange(store, watched, Way.PULL, Choice(where=filters.parse("Args/lr > 0.2")))
    assert watched.calls == [("read", tree.MANIFEST)]
