"""Bundles with bytes changed at random: taken whole or refused by an error of ours, and the store is sound."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskstore.core.errors import TaskstoreError
from taskstore.share import bundle
from taskstore.store import doctor, places, tasks
from taskstore.store.store import Store, open_at

from ..unit.share.bundles import IDS, held, make, other, packed, tree, zipped


@dataclass(frozen=True)
class Zip:
    """A zip's bytes, which no failure prints."""

    data: bytes = field(repr=False)


Flips = list[tuple[int, int]]
_FLIPS = st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(1, 255)), min_size=1, max_size=6)
_SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Zip:
    """A bundle of two tasks, an artifact stored and one deflated."""
    folder = tmp_path_factory.mktemp("valid")
    made = other(folder / "origin")
    make(made, 0, artifact=bytes(range(256)) * 2)
    make(made, 1)
    return Zip(zipped(made, folder / "x.zip", 0, 1).read_bytes())


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store into which nothing has come yet."""
    return other(tmp_path_factory.mktemp("empty") / "store").root


def flipped(data: bytes, flips: Flips) -> bytes:
    changed = bytearray(data)
    for at, bits in flips:
        changed[at % len(changed)] ^= bits
    return bytes(changed)


def check(empty: Path, folder: Path, data: bytes) -> None:
    """Import what these bytes are; whatever comes of it, the store holds whole tasks and nothing else."""
    path = folder / "x.zip"
    path.write_bytes(data)
    store = open_at(shutil.copytree(empty, folder / "store"))
    before = tree(store.root)
    taken: dict[str, tuple[str, ...]] = {}
    try:
        recognised = bundle.recognises(path)
        assert recognised in (True, False)
        for brought in bundle.read(store, path):
            if brought.outcome is not None:
                taken[brought.task_id] = brought.outcome.missing
    except TaskstoreError:
        assert tree(store.root) == before
    check_sound(store, taken)


def check_sound(store: Store, taken: Mapping[str, Sequence[str]]) -> None:
    found = {task_id: Path(folder, task_id) for folder, task_id in places.walk(store)}
    assert sorted(found) == sorted(taken)
    for task_id in taken:
        record = tasks.read(places.locate(store, task_id))
        assert record.id == task_id
        assert record.imported
    missing = {found[task_id] / name for task_id, names in taken.items() for name in names}
    findings = [each for each in doctor.check(store) if each.kind is not doctor.Kind.DEAD_RUN]
    assert [each for each in findings if each.path not in missing] == []


@_SETTINGS
@given(flips=_FLIPS)
def test_of_changed_bytes_of_a_zip_comes_a_sound_store(valid: Zip, empty: Path, flips: Flips) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(empty, Path(folder), flipped(valid.data, flips))


@_SETTINGS
@given(flips=_FLIPS)
def test_of_changed_bytes_of_its_directory_comes_a_sound_store(valid: Zip, empty: Path, flips: Flips) -> None:
    with zipfile.ZipFile(io.BytesIO(valid.data)) as opened:
        start = opened.start_dir
    with tempfile.TemporaryDirectory() as folder:
        check(empty, Path(folder), valid.data[:start] + flipped(valid.data[start:], flips))


@_SETTINGS
@given(flips=_FLIPS, which=st.integers(0, 1000))
def test_of_changed_bytes_of_a_file_comes_a_sound_store(valid: Zip, empty: Path, flips: Flips, which: int) -> None:
    """The checksums fit: what is read is what the hostile one wanted to be read."""
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder, "valid.zip")
        original.write_bytes(valid.data)
        contents = held(original)
        name = sorted(contents)[which % len(contents)]
        contents[name] = flipped(contents[name], flips)
        check(empty, Path(folder), packed(Path(folder, "made.zip"), contents).read_bytes())


@_SETTINGS
@given(at=st.integers(0, 1 << 30))
def test_of_a_zip_that_is_cut_anywhere_nothing_comes(valid: Zip, empty: Path, at: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(empty, Path(folder), valid.data[: at % len(valid.data)])


def test_the_valid_one_is_taken(valid: Zip, empty: Path, tmp_path: Path) -> None:
    check(empty, tmp_path, valid.data)
    assert sorted(task_id for _, task_id in places.walk(open_at(tmp_path / "store"))) == list(IDS[:2])
