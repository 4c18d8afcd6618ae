"""SIGKILL at every write of a view's making: the next one completes it, and what is the user's stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskstore.share import view
from taskstore.store import query, tasks, trash
from taskstore.store.store import Store, init, open_at

from .crashing import clock, killed_at, points_of
from .test_crash import _kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]


def _refresh(store: Store, folder: Path) -> None:
    view.refresh(store, folder, query.find(store).rows)


def _seen(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")} - {".taskstore-view.lock"}


def _begin(folder: Path, before: Store) -> Path:
    folder.mkdir()
    _refresh(before, folder)
    (folder / "audio" / "notes.txt").write_text("mine")
    return folder


def test_killed_in_the_making_of_a_view_the_next_completes_it(tmp_path: Path) -> None:
    store = init(tmp_path / "store", clock=clock())
    moved, gone = (tasks.create(store, "audio", name).id for name in ("it moves", "it goes"))
    _begin(tmp_path / "0", store)
    begun = [_begin(tmp_path / str(number), store) for number in range(1, 80)]
    tasks.move(store, moved, "vision/cats")
    trash.put(store, gone)
    tasks.create(store, "vision/dogs", "it is new")
    names = points_of(tmp_path / "0", lambda: _refresh(open_at(store.root), tmp_path / "0"))
    assert "os.symlink" in names
    expected = _seen(tmp_path / "0")
    for folder, (at, is_half) in zip(begun, _kills(names), strict=False):
        killed_at(folder, lambda folder=folder: _refresh(open_at(store.root), folder), at, is_half=is_half)
        _refresh(store, folder)
        assert _seen(folder) == expected, f"{'in' if is_half else 'before'} write {at} of {names}"
        assert (folder / "audio" / "notes.txt").read_text() == "mine"
    assert len(names) < len(begun) - 5


def test_killed_in_the_first_making_of_a_view_the_next_completes_it(tmp_path: Path) -> None:
    store = init(tmp_path / "store", clock=clock())
    tasks.create(store, "vision/cats", "a run")
    names = points_of(tmp_path / "0", lambda: _refresh(open_at(store.root), tmp_path / "0"))
    expected = _seen(tmp_path / "0")
    for number, (at, is_half) in enumerate(_kills(names), 1):
        folder = tmp_path / f"{number}"
        killed_at(folder, lambda folder=folder: _refresh(open_at(store.root), folder), at, is_half=is_half)
        _refresh(store, folder)
        assert _seen(folder) == expected, f"{'in' if is_half else 'before'} write {at} of {names}"
