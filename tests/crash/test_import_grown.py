"""SIGKILL at every write of an import that adds to a task what its run has got since: the next one makes it whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from taskstore.share.importers import of_kind
from taskstore.share.importers.base import Imported, Options, only
from taskstore.store.store import Store, init, open_at

from ..unit.share import event_files as made
from ..unit.share.guild_runs import GuildRun
from .crashing import clock, copy, killed_at, open_again, points_of, state
from .test_crash import _check_mended, _kills
from .test_import import _files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for each point is forked, which this system cannot"),
]


def _import(store: Store, path: Path) -> Imported:
    return only(of_kind("guild").runs(store, path, Options()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store with a run as it was, and the run as it is now: each of its parts has grown, and a file is another."""
    folder = tmp_path_factory.mktemp("grown")
    run = GuildRun(folder / "runs", exit_status=None, files={"model.bin": b"first " * 4000, "same.txt": b"as it was"})
    run.events(made.event(made.scalar("x", 1), step=1))
    home = run.write()
    store = init(folder / "store", clock=clock())
    assert _import(store, home).is_new
    shutil.rmtree(home)
    run.exit_status = 0
    run.flags["late"] = 1
    run.output.append(("stderr", "more"))
    run.files |= {"model.bin": b"second " * 4000, "new.txt": b"new"}
    run.events(made.event(made.scalar("x", 2), made.image("i", b"GIF8 picture"), step=2))
    return store.root, run.write()


@pytest.mark.parametrize("mend", [_check_mended, open_again], ids=["with doctor", "without doctor"])
def test_a_task_that_was_growing_when_its_import_was_killed_is_made_whole(
    mend: Callable[[Path], object], built: tuple[Path, Path], tmp_path: Path
) -> None:
    root, run = built
    work = tmp_path / "store"
    at_work = open_again(copy(root, work)).clock
    act = lambda: _import(open_at(work, clock=at_work), run)  # noqa: E731 - a name for the same call
    before = state(open_again(work))
    names = points_of(work, act)
    task_id = act().task_id
    whole_state, whole_files = state(_check_mended(work)), _files(work, task_id)
    assert whole_state != before
    for at, is_half in _kills(names):
        copy(root, work)
        killed_at(work, act, at, is_half=is_half)
        where = f"{'in' if is_half else 'before'} write {at} of {names}"
        try:
            mend(work)
            assert act().task_id == task_id
            assert state(_check_mended(work)) == whole_state
            assert _files(work, task_id) == whole_files
        except Exception as error:
            raise AssertionError(where) from error
