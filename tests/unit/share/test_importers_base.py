"""What all importers share: several runs at once, in their order; and a look at the store once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from taskstore.core.errors import BadValue, Damaged, Refused
from taskstore.share import importers
from taskstore.share.importers.base import Imported, Known, LeftOut, only, several, task_id_of
from taskstore.store import tasks, trash
from taskstore.store.store import Store

from .mlruns import folders, whole

MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_results_are_in_the_order_of_the_items_whichever_is_ready_first() -> None:
    second_is_done = threading.Event()

    def action(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(60)
        if number == 1:
            second_is_done.set()
        return number

    assert list(several(action, range(100))) == list(range(100))


def test_items_are_taken_only_as_there_is_room() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = several(lambda number: number, items())
    assert taken == []
    assert next(results) == 0
    assert len(taken) < 20
    results.close()
    assert len(taken) < 20


def test_what_an_action_raises_comes_where_its_result_would_be() -> None:
    def action(number: int) -> int:
        if number == 3:
            raise BadValue("three")
        return number

    results = several(action, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(BadValue, match="three"):
        next(results)


def test_the_one_run_at_a_path_is_returned_or_what_stood_in_its_way_raised() -> None:
    imported = Imported("1" * 32, is_new=True)
    assert only([LeftOut("another"), imported]) is imported
    with pytest.raises(BadValue, match="why"):
        only([LeftOut("a run", BadValue("why"))])
    with pytest.raises(Refused, match="2 deleted runs were left out"):
        only([LeftOut("2 deleted runs were left out")])
    with pytest.raises(Refused, match="it holds no run"):
        only([])


def test_a_store_is_looked_through_once_and_knows_what_was_made_since(store: Store) -> None:
    first, second, third = (task_id_of("x", name, MOMENT) for name in "abc")
    tasks.create(store, "vision", "one", task_id=first)
    tasks.create(store, "vision", "two", task_id=second)
    trash.put(store, second)
    known = Known(store)
    assert known.find("x", "a") == first
    assert known.find("y", "a") is None
    with pytest.raises(Refused, match="which is in the trash"):
        known.find("x", "b")
    assert known.find("x", "c") is None
    known.add(third)
    assert known.find("x", "c") == third


def test_a_path_that_one_format_cannot_look_at_may_be_of_another(tmp_path: Path) -> None:
    root = folders(tmp_path / "mlruns", whole())
    (root / "link").symlink_to(tmp_path)
    assert importers.of_path(root) is importers.of_kind("mlflow")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "link").symlink_to(tmp_path)
    with pytest.raises(Damaged, match="it is a link"):
        importers.of_path(tmp_path / "other")
