"""SIGKILL at every write of a merge: the store opens, and the next merge makes the task what it was to be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskstore.share import merging
from taskstore.share.merging import Origin, Outcome, is_trashed
from taskstore.share.source import FolderSource
from taskstore.store import doctor, places, query, store

from ..unit.share.merging.world import TASK, Person
from .crashing import clock, copy, killed_at, open_again, points_of, state
from .test_crash import _kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]


class World:
    """Two stores: what Ben does to the task since both had it is what Anna brings in."""

    def __init__(self, root: Path) -> None:
        at = clock()
        self.anna, self.ben = Person(root, at, "anna"), Person(root, at, "ben")
        self.anna.make()
        self.anna.do("set", "lr", "0.1")
        self.anna.do("configure", "model", "deep: 3")
        self.anna.do("configure", "other", "wide: 3")
        self.anna.do("begin")
        self.anna.do("report", 1)
        self.anna.do("keep", "table", "old " * 8000)
        self.anna.do("stamp")
        self.ben.take_from(self.anna)

    def bring(self, root: Path) -> Callable[[], Outcome]:
        """Return what brings Ben's task into a store."""
        found = self.ben.state()
        assert found is not None
        home = root if is_trashed(found) else self.ben.paths.home
        origin = Origin(store_id="0" * 32, address="elsewhere", is_trusted=True)
        at = clock()
        return lambda: merging.bring_in(store.open_at(root, clock=at), found, FolderSource(home), origin)


def _goes_on(world: World) -> None:
    ben = world.ben
    ben.do("report", 2)
    ben.do("report", 3, "another")
    ben.do("keep", "table", "new " * 8000)
    ben.do("keep", "second", "small")
    ben.do("end")
    ben.do("rename", "renamed")
    ben.do("set", "mood", "good", "properties")
    ben.do("move", "audio/birds")
    ben.do("edit_file_by_hand", "notes.txt", "some notes")


def _edits_differently(world: World) -> None:
    for person, text in ((world.anna, "deep: 4"), (world.ben, "deep: 5")):
        person.do("edit_file_by_hand", "config/model.txt", text)
        person.do("rename", text)
        person.do("comment", text)


def _resets(world: World) -> None:
    world.ben.do("end", "failed")
    world.ben.do("reset")
    world.ben.do("configure", "model", "deep: 6")
    world.ben.do("begin")
    world.ben.do("report", 7, "ben")


def _publishes(world: World) -> None:
    world.ben.do("keep", "table", "new " * 8000)
    world.ben.do("end")
    world.ben.do("publish")


def _deletes(world: World) -> None:
    world.ben.do("end")
    world.ben.do("throw_away")


def _restores(world: World) -> None:
    _deletes(world)
    world.anna.take_from(world.ben)
    world.ben.do("restore")
    world.ben.do("rename", "restored")


def _restores_what_was_purged(world: World) -> None:
    _deletes(world)
    world.anna.take_from(world.ben)
    world.anna.do("purge")
    world.ben.do("restore")


HISTORIES = [_goes_on, _edits_differently, _resets, _publishes, _deletes, _restores, _restores_what_was_purged]


def _mended(root: Path) -> None:
    opened = open_again(root)
    query.find(opened)
    left = [found for found in doctor.repair(opened) if not found.is_repaired]
    assert [found for found in left if found.kind is not doctor.Kind.CONFLICT] == []


def _seen(root: Path) -> tuple[dict[str, Any], str, dict[str, int]]:
    opened = open_again(root)
    known = merging.own_state(opened, TASK)
    assert known is not None
    homes = [Path(folder) / found for folder, found in places.walk(opened)]
    files = {
        path.relative_to(home).as_posix(): path.stat().st_size
        for home in homes
        for path in home.rglob("*")
        if path.is_file() and path.name[0] != "." and path.suffix != ".json"
    }
    return state(opened), merging.digest(known), files


@pytest.mark.parametrize("mend", [_mended, open_again], ids=["with doctor", "without doctor"])
@pytest.mark.parametrize("history", HISTORIES)
def test_a_merge_that_was_killed_is_finished_by_the_next(
    history: Callable[[World], None], mend: Callable[[Path], object], tmp_path: Path
) -> None:
    world = World(tmp_path / "made")
    history(world)
    _battery(world, tmp_path / "store", mend)


def test_a_new_task_that_was_killed_on_its_way_in_comes_in_by_the_next(tmp_path: Path) -> None:
    world = World(tmp_path / "made")
    world.ben.do("end")
    world.anna = Person(tmp_path / "made", clock(), "cleo")
    _battery(world, tmp_path / "store", _mended)


def _battery(world: World, work: Path, mend: Callable[[Path], object]) -> None:
    built = world.anna.store.root
    copy(built, work)
    act = world.bring(work)
    names = points_of(work, act)
    assert names
    copy(built, work)
    act()
    assert act().kind == merging.UNCHANGED
    whole = _seen(work)
    _mended(work)
    for at, is_half in _kills(names):
        copy(built, work)
        killed_at(work, act, at, is_half=is_half)
        where = f"{'in' if is_half else 'before'} write {at} of {names}"
        try:
            mend(work)
            act()
            assert _seen(work) == whole
            _mended(work)
        except Exception as error:
            raise AssertionError(where) from error
