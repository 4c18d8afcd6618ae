"""Several imports of one bundle at once, and a zip of a task that is being written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from taskstore.core.states import Status
from taskstore.share import bundle
from taskstore.store import doctor, events, places
from taskstore.store.store import Store, init, open_at

from ..unit.share.bundles import IDS, WRITER, log, make, other, take, zipped
from .racers import race, race_of


def bring(store: Store, number: int, about: str) -> list[str]:
    return take(store, Path(about))


def report(store: Store, number: int, about: str) -> int:
    """Write on as a run does."""
    for start in range(0, 600, 3):
        log(places.locate(store, IDS[0]), start=start)
    return 600


def zip_on(store: Store, number: int, about: str) -> int:
    """Zip again and again, and import each zip, which has to be whole, into a store of its own."""
    mine = init(Path(about) / f"of {number}")
    counts = []
    for turn in range(8):
        path = Path(about) / f"{number} {turn}.zip"
        bundle.write(store, [IDS[0]], path)
        take(mine, path)
        found = places.locate(mine, IDS[0])
        counts.append(sum(len(series.values) for series in events.read_scalars(found)))
        assert found.scalars(WRITER).read_bytes().endswith(b"\n")
    assert counts == sorted(counts)
    assert doctor.check(mine) == []
    return counts[-1]


@pytest.mark.slow
def test_of_several_imports_of_a_bundle_one_brings_each_task(tmp_path: Path) -> None:
    origin, store = other(tmp_path / "origin"), init(tmp_path / "store")
    for number in range(8):
        make(origin, number)
    answers = race(bring, store.root, str(zipped(origin, tmp_path / "x.zip", *range(8))), count=3)
    kinds = Counter(kind for answer in answers if isinstance(answer, list) for kind in answer)
    assert kinds == {"new": 8, "unchanged": 16}, answers
    assert sorted(task_id for _, task_id in places.walk(open_at(store.root))) == list(IDS)
    assert doctor.check(store) == []


@pytest.mark.slow
def test_each_zip_of_a_task_that_is_written_meanwhile_is_whole(tmp_path: Path) -> None:
    origin = init(tmp_path / "origin")
    make(origin, 0, status=Status.IN_PROGRESS)
    wrote, *zipped_points = race_of([report, zip_on, zip_on], origin.root, str(tmp_path))
    assert wrote == 600
    assert all(isinstance(count, int) and 3 <= count <= 603 for count in zipped_points), zipped_points
