"""SIGKILL at every write of a zip and of its import: the file before or the new one, the task whole or as it was."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from taskstore.share import bundle
from taskstore.store import places, tasks
from taskstore.store.store import Store, init, open_at

from ..unit.share.bundles import take
from .crashing import DRAFT, PUBLIC, build, clock, copy, killed_at, open_again, points_of, state
from .test_crash import _check_mended, _kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]
_ZIPPED = (DRAFT, PUBLIC)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return build(tmp_path_factory.mktemp("origin") / "store")


@pytest.fixture(scope="module")
def early(origin: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of what the tasks were first, without some of their files."""
    path = tmp_path_factory.mktemp("early") / "early.zip"
    return bundle.write(origin, _ZIPPED, path, without=["artifacts", "console"]).path


@pytest.fixture(scope="module")
def late(origin: Store, early: Path) -> Path:
    """A bundle of what they have become."""
    tasks.edit(origin, DRAFT, lambda record: setattr(record, "comment", f"later than {early.name}"))
    return bundle.write(origin, _ZIPPED, early.with_name("late.zip")).path


def _seen(opened: Store) -> dict[str, Any]:
    """What is to be seen; ancestry.json counts its changes."""
    seen = state(opened)
    for task_id in {*seen} & {*_ZIPPED}:
        seen[task_id]["files"].pop("ancestry.json", None)
    return seen


def _battery(built: Path, work: Path, path: Path, *, is_new: bool) -> None:
    at_work = open_again(copy(built, work)).clock
    act = lambda: take(open_at(work, clock=at_work), path)  # noqa: E731 - a name for the same call
    before = _seen(open_again(work))
    names = points_of(work, act)
    after = _seen(_check_mended(work))
    assert after != before
    for at, is_half in _kills(names):
        copy(built, work)
        killed_at(work, act, at, is_half=is_half)
        where = f"{'in' if is_half else 'before'} write {at} of {names}"
        try:
            seen = _seen(_check_mended(work))
            for task_id in {*seen} & {*_ZIPPED}:
                assert _same(seen[task_id], after[task_id], is_new=is_new) or _same(
                    seen[task_id], before.get(task_id, {}), is_new=is_new
                ), task_id
            act()
            assert _seen(_check_mended(work)) == after
        except Exception as error:
            raise AssertionError(where) from error


def test_killed_at_any_write_an_import_has_brought_each_task_whole_or_not_at_all(late: Path, tmp_path: Path) -> None:
    _battery(init(tmp_path / "built", clock=clock()).root, tmp_path / "store", late, is_new=True)


def _same(one: dict[str, Any], other: dict[str, Any], *, is_new: bool) -> bool:
    """Compare tasks; of a merge without blobs, that may be there already, and logs, which go before the records."""
    left = set() if is_new else {"files", "console", "points"}
    return all(one[key] == other.get(key) for key in one.keys() - left)


def test_killed_at_any_write_a_merge_is_done_by_the_next_import(early: Path, late: Path, tmp_path: Path) -> None:
    built = init(tmp_path / "built", clock=clock())
    take(built, early)
    _battery(built.root, tmp_path / "store", late, is_new=False)


@pytest.mark.parametrize("is_there", [False, True])
def test_killed_at_any_write_of_a_zip_the_file_is_the_one_before_or_the_new_one(
    is_there: bool, origin: Store, tmp_path: Path
) -> None:
    store, folder = copy(origin.root, tmp_path / "store"), tmp_path / "out"
    path = folder / "x.zip"
    ids = [task_id for _, task_id in places.walk(open_again(store))]
    act = lambda: bundle.write(open_again(store), ids, path, is_replaced=True)  # noqa: E731 - a name for the call
    folder.mkdir()
    names = points_of(tmp_path, act)
    whole = path.read_bytes()
    for at, is_half in _kills(names):
        copy(origin.root, store)
        path.unlink(missing_ok=True)
        if is_there:
            path.write_bytes(b"the one before")
        killed_at(tmp_path, act, at, is_half=is_half)
        found = path.read_bytes() if path.exists() else None
        assert found in (b"the one before" if is_there else None, whole), names[:at]
        _check_mended(store)
        act()
        assert path.read_bytes() == whole
        assert [each.name for each in folder.iterdir()] == ["x.zip"], names[:at]
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
