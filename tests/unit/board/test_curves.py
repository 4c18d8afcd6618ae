from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import pytest

from taskstore.board import curves
from taskstore.board.points import Shelf
from taskstore.core.errors import BadValue
from taskstore.disk.layout import TaskPaths
from taskstore.schema.record import Number, Scalar
from taskstore.store import tasks
from taskstore.store.store import Store

Line = tuple[float, int, str, str, Number]


def log(paths: TaskPaths, lines: Iterable[Line], writer: str = "host-1-00000000") -> None:
    paths.events.mkdir(exist_ok=True)
    with paths.scalars(writer).open("ab") as stream:
        stream.write(b"".join(msgspec.json.encode(Scalar(*line)) + b"\n" for line in lines))


@pytest.fixture
def paths(store: Store) -> TaskPaths:
    return tasks.create(store, "examples", "run")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_each_axis_counts_in_its_own_unit(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(5000.0 + 500 * step, 10 * step, "loss", "train", step / 2) for step in range(3)])
    log(paths, [(4000.0, 0, "loss", "test", 1.0)], "host-2-00000000")
    found = {
        x: curves.read([paths], {("loss", "train")}, x=x, shelf=shelf)[0].x for x in ("iteration", "relative", "wall")
    }
    assert found == {"iteration": [0, 10, 20], "relative": [1.0, 1.5, 2.0], "wall": [5000.0, 5500.0, 6000.0]}


def test_several_writers_points_are_in_order_of_iteration(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(2.0, 2, "loss", "train", 2.0)])
    log(paths, [(1.0, 1, "loss", "train", 1.0), (3.0, 3, "loss", "train", 3.0)], "host-2-00000000")
    (curve,) = curves.read([paths], shelf=shelf)
    assert (curve.task_id, curve.x, curve.y) == (paths.id, [1, 2, 3], [1.0, 2.0, 3.0])


def test_a_spike_among_many_points_stays(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(float(step), step, "loss", "train", 9.0 if step == 7777 else 1.0) for step in range(20_000)])
    (curve,) = curves.read([paths], max_points=200, shelf=shelf)
    assert len(curve.x) <= 200
    assert 9.0 in curve.y
    assert (curve.x[0], curve.x[-1], curve.count) == (0, 19_999, 20_000)


def test_a_window_brings_every_point_in_it_and_one_beyond_either_end(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(float(step), step, "loss", "train", float(step)) for step in range(20_000)])
    (curve,) = curves.read([paths], max_points=200, window=(100.0, 150.0), shelf=shelf)
    assert curve.x == [float(step) for step in range(99, 152)]


def test_what_was_logged_since_is_added_to_what_is_held(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(1.0, 1, "loss", "train", 1.0)])
    before = shelf.read(paths)
    assert shelf.read(paths) is before
    log(paths, [(2.0, 2, "loss", "train", 2.0)])
    assert curves.read([paths], shelf=shelf)[0].y == [1.0, 2.0]
    assert list(before.series["loss", "train"].values) == [1.0]  # another may be looking at it


def test_a_reset_forgets_what_was_held(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(1.0, 1, "loss", "train", 1.0)])
    curves.read([paths], shelf=shelf)
    paths.scalars("host-1-00000000").unlink()
    log(paths, [(5.0, 1, "loss", "train", 7.0)], "host-2-00000000")
    assert curves.read([paths], shelf=shelf)[0].y == [7.0]


def test_a_quick_look_at_a_long_log_says_that_it_is_not_all(
    paths: TaskPaths, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskstore.board.points.QUICK_BYTES", 100_000)
    log(paths, [(float(step), step, "loss", "train", float(step)) for step in range(5_000)])
    (quick,) = curves.read([paths], max_points=100, is_quick=True, shelf=shelf)
    assert (quick.is_whole, quick.x[0], quick.x[-1]) == (False, 0, 4_999)
    assert quick.count < 5_000
    (whole,) = curves.read([paths], max_points=100, shelf=shelf)
    assert (whole.is_whole, whole.count) == (True, 5_000)
    (again,) = curves.read([paths], max_points=100, is_quick=True, shelf=shelf)
    assert again.is_whole  # all is here by now


def test_logs_too_long_to_hold_are_looked_at_in_pieces(
    paths: TaskPaths, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskstore.board.points.LONGEST_BYTES", 100_000)
    monkeypatch.setattr("taskstore.board.points.QUICK_BYTES", 50_000)
    log(paths, [(float(step), step, "loss", "train", float(step)) for step in range(5_000)])
    (curve,) = curves.read([paths], shelf=shelf)
    assert not curve.is_whole


def test_what_was_looked_at_longest_ago_is_let_go(store: Store) -> None:
    shelf = Shelf(kept_bytes=30)
    made = [tasks.create(store, "examples", f"run {number}") for number in range(2)]
    for paths in made:
        log(paths, [(1.0, 1, "loss", "train", 1.0)])
    first = shelf.read(made[0])
    shelf.read(made[1])
    assert shelf.read(made[0]) is not first


def test_smoothing_is_a_moving_average_whose_start_is_not_drawn_to_zero() -> None:
    assert list(curves.smooth([4.0, 4.0, 4.0], 0.9)) == pytest.approx([4.0, 4.0, 4.0])
    assert list(curves.smooth([0.0, 1.0], 0.5)) == pytest.approx([0.0, 2 / 3])
    with_gap = list(curves.smooth([1.0, math.nan, 1.0], 0.5))
    assert math.isnan(with_gap[1])
    assert (with_gap[0], with_gap[2]) == (1.0, 1.0)


def test_a_smoothed_curve_of_a_window_goes_on_from_what_was_before(paths: TaskPaths, shelf: Shelf) -> None:
    log(paths, [(float(step), step, "loss", "train", float(step)) for step in range(10)])
    (whole,) = curves.read([paths], smoothing=0.5, shelf=shelf)
    (seen,) = curves.read([paths], smoothing=0.5, window=(5.0, 6.0), shelf=shelf)
    assert whole.smoothed is not None
    assert seen.smoothed == whole.smoothed[4:8]


@pytest.mark.parametrize("weight", [-0.1, 1.0, math.nan])
def test_an_impossible_smoothing_is_refused(paths: TaskPaths, shelf: Shelf, weight: float) -> None:
    with pytest.raises(BadValue, match="smoothing"):
        curves.read([paths], smoothing=weight, shelf=shelf)
