"""Several processes import one run at once: one makes its task, and one adds to it what has come since."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskstore.share.importers import of_kind
from taskstore.share.importers.base import Options, only
from taskstore.store import doctor, events, places, plots
from taskstore.store.store import Store, init

from ..unit.share import event_files as made
from .racers import race

pytestmark = pytest.mark.slow


def _import(store: Store, number: int, path: str) -> tuple[str, bool, bool]:
    found = only(of_kind("tensorboard").runs(store, Path(path), Options()))
    return found.task_id, found.is_new, found.has_grown


def test_of_several_imports_at_once_one_makes_the_task_and_one_adds_to_it(tmp_path: Path) -> None:
    store = init(tmp_path / "store")
    path = made.write(tmp_path / "exp", made.event(made.scalar("x", 1), made.image("i", b"GIF8 picture"), step=1))
    first = race(_import, store.root, str(path))
    more = made.event(made.scalar("x", 2), made.image("i", b"GIF8 more"), step=2)
    path.write_bytes(path.read_bytes() + more)
    again = race(_import, store.root, str(path))
    (task_id,) = {answer[0] for answer in (*first, *again) if isinstance(answer, tuple)}
    assert sorted(first) == [(task_id, False, False)] * 5 + [(task_id, True, False)]
    assert sorted(again) == [(task_id, False, False)] * 5 + [(task_id, False, True)]
    paths = places.locate(store, task_id)
    (series,) = events.read_scalars(paths)
    assert (series.iterations, series.values) == ([1, 2], [1.0, 2.0])
    assert len(plots.read_samples(paths)) == 2
    assert doctor.check(store) == []
